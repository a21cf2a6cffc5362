// What can be chosen: the open matches, best first, and one click away what is not matched and why.

import { get } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { amount, count, kilometres, perDay, unitName } from "./format.js";
import { go, place } from "./place.js";
import { kindBadge, plant, stateChip, verdictSign } from "./signs.js";
import { named, say } from "./words.js";
import { VirtualList } from "./virtual_list.js";

const TABS = ["matches", "unmatched"];

export class Lists {
  /** `explain(row)` shows why a series has no match. */
  constructor(live, notice, explain) {
    this.notice = notice;
    this.numbers = {};
    this.lists = {
      matches: new VirtualList({
        label: say("matches.title"), rowHeight: 82, draw: matchRow,
        load: (offset, limit) => this.#load("matches", offset, limit),
        pick: (row) => go({ match: row.id }),
        changed: (total) => this.#count("matches", total),
      }),
      unmatched: new VirtualList({
        label: say("unmatched.title"), rowHeight: 84, draw: unmatchedRow,
        load: (offset, limit) => this.#load("unmatched", offset, limit),
        pick: explain,
        changed: (total) => this.#count("unmatched", total),
      }),
    };
    this.#build();
    live.on("match", (row) => this.#match(row));
    live.on("unmatched", () => this.lists.unmatched.total !== null && this.lists.unmatched.refresh());
  }

  /** Read the shown list from its beginning, and how long the other one is. */
  async load() {
    const { list } = place();
    this.tab = list;
    for (const name of TABS) {
      this.panes[name].hidden = name !== list;
      this.tabs[name].setAttribute("aria-selected", String(name === list));
      this.tabs[name].tabIndex = name === list ? 0 : -1;
    }
    await Promise.all([this.lists[list].restart(), ...TABS.filter((name) => name !== list).map((name) => this.#ask(name))]);
  }

  /** Mark the chosen match. */
  choose(id) {
    this.lists.matches.choose(id);
  }

  /** Return the best match, if there is one. */
  best() {
    return this.lists.matches.first();
  }

  #build() {
    this.tabs = Object.fromEntries(TABS.map((name) => [name, h("button", {
      role: "tab", id: `tab-${name}`, "aria-controls": `pane-${name}`, "data-tab": name, "aria-selected": "false",
      click: () => go({ list: name }), keydown: (event) => this.#turn(event, name),
    }, say(`${name}.title`), (this.numbers[name] = h("span", { class: "number" })))]));
    this.panes = Object.fromEntries(TABS.map((name) => [name, h("div", {
      role: "tabpanel", id: `pane-${name}`, class: "pane", "aria-labelledby": `tab-${name}`, hidden: true,
    }, this.lists[name].box)]));
    fill(byId("lists"),
      h("h2", { id: "lists-title", class: "spoken" }, say("lists.title")),
      h("div", { role: "tablist", class: "panel-head tabs", "aria-label": say("lists.title") }, Object.values(this.tabs)),
      h("div", { id: "filters", class: "filters", role: "group", "aria-label": say("filters") }),
      (this.empty = h("p", { class: "empty", hidden: true })),
      Object.values(this.panes));
  }

  async #load(name, offset, limit) {
    try {
      const answer = await get(name, { ...place().filters, form: "row", offset, limit });
      return { rows: answer[name], total: answer.total };
    } catch (error) {
      this.notice.show(error.message);
      return { rows: [], total: 0 };
    }
  }

  async #ask(name) {
    const answer = await get(name, { ...place().filters, form: "row", limit: 1 });
    this.#count(name, answer.total);
  }

  #count(name, total) {
    this.numbers[name].textContent = count(total);
    if (name !== place().list) return;
    this.empty.hidden = total > 0;
    this.empty.textContent = say(`${name}.none`);
  }

  #match(row) {
    const { programme } = place().filters;
    if (programme && row.programme !== programme) return;
    const closed = ["DECLINED", "WITHDRAWN", "EXPIRED"].includes(row.state);
    if (!this.lists.matches.update(row) || closed) this.lists.matches.refresh();
  }

  #turn(event, name) {
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    const other = TABS[(TABS.indexOf(name) + 1) % TABS.length];
    go({ list: other });
    this.tabs[other].focus();
  }
}

function matchRow(row) {
  return [
    h("div", { class: "line" },
      h("span", { class: "pair" }, plant(row, "giver"), h("span", { class: "arrow", "aria-hidden": "true" }, "→"), plant(row, "receiver")),
      h("span", { class: "figure" }, perDay(row.quantity_per_day, row.unit))),
    h("div", { class: "line minor" },
      h("span", { class: "what" }, named(row, "material")),
      h("span", { class: "figure gain" }, say("gain.short", { amount: amount(row.giver_gain + row.receiver_gain), currency: row.currency }))),
    h("div", { class: "line minor" },
      kindBadge(row.data_kind),
      verdictSign(row.verdict),
      row.state === "PROPOSED" ? null : stateChip(row.state),
      h("span", { class: "figure far" }, kilometres(row.distance_km))),
  ];
}

function unmatchedRow(row) {
  const [first, ...others] = row.reasons;
  const quantity = row.quantity_24h === undefined ? "–" : `${amount(row.quantity_24h)} ${unitName(row.unit)}`;
  return [
    h("div", { class: "line" },
      h("span", { class: "pair" }, plant(row, "facility")),
      h("span", { class: "figure" }, quantity)),
    h("div", { class: "line minor" },
      h("span", { class: "what" }, `${say(`direction.${row.direction}`)} ${named(row, "material")}`),
      kindBadge(row.data_kind)),
    h("div", { class: "line minor reason", title: row.reasons.map((one) => named(one, "sentence")).join("\n") },
      h("span", { class: "what" }, first ? named(first, "sentence") : ""),
      others.length ? h("span", { class: "far" }, say("reasons.more", { count: others.length })) : null),
  ];
}
