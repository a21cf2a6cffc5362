// The page of one facility: what it offers and needs, its matches or why there are none, how its data are, and what
// plants like it exchange. It is the facility's own view: it names no third facility.

import { get } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { amount, count, kilometres, moneyPerDay, perDay, time, unitName } from "./format.js";
import { place } from "./place.js";
import { kindBadge, stateChip, verdictSign } from "./signs.js";
import { language, named, say, titled } from "./words.js";

const AGAIN_MS = 5_000;
const SOON_MS = 800;
const both = (names) => names[language === "en" ? "en" : "zh"];

export class FacilityPage {
  constructor(live) {
    this.box = byId("facility");
    this.operator = byId("operator");
    for (const kind of ["match", "transaction"]) {
      live.on(kind, (row) => [row.giver_id, row.receiver_id].includes(this.id) && this.#later(SOON_MS));
    }
    live.on("unmatched", (row) => row.facility_id === this.id && this.#later(SOON_MS));
  }

  /** Show the facility of the address, or go back to the operator's page. */
  async load() {
    const { plant } = place();
    const changed = plant !== this.id;
    this.id = plant;
    clearTimeout(this.again);
    this.operator.hidden = plant !== null;
    this.box.hidden = plant === null;
    if (plant === null) return;
    if (changed) fill(this.box, h("p", { class: "empty" }, say("loading")));
    await this.#read();
    if (changed) this.box.querySelector("h2")?.focus();
  }

  async #read() {
    const asked = this.id;
    try {
      const found = await get(`facilities/${encodeURIComponent(asked)}`);
      if (asked === this.id) this.#show(found);
    } catch (error) {
      if (asked === this.id) fill(this.box, back(), h("p", { class: "empty" }, error.message));
    }
    this.#later(AGAIN_MS);
  }

  #later(wait) {
    clearTimeout(this.again);
    if (this.id !== null) this.again = setTimeout(() => this.id !== null && void this.#read(), wait);
  }

  #show(found) {
    const scrolls = [...this.box.querySelectorAll(".scroll")].map((one) => one.scrollTop);
    const open = this.box.querySelector("details")?.open ?? false;
    const focused = this.box.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    fill(this.box,
      head(found),
      panel("positions", found.positions.length, positions(found.positions)),
      panel("matches", found.matches.length, matches(found.matches), unmatched(found.unmatched)),
      panel("health", null, health(found.data_health, open)),
      panel("suggestions", null, suggestions(found.suggestions)),
      panel("facility_transactions", found.transactions.length, transactions(found.transactions)));
    this.box.querySelectorAll(".scroll").forEach((one, index) => (one.scrollTop = scrolls[index] ?? 0));
    if (focused) this.box.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }
}

function back() {
  return h("a", { class: "back", href: "#/", "data-key": "back" }, say("facility.back"));
}

function head(found) {
  const where = [both(found.industry_names), found.park && titled(found.park), titled(found.programme)].filter(Boolean);
  const sample = found.provenance === "SAMPLE";
  return h("header", { class: "facility-head" }, back(),
    h("h2", { tabindex: "-1" }, named(found, "name")),
    h("p", { class: "note" }, where.join(" · ")),
    h("p", { class: sample ? "warned" : "note" }, say(sample ? "facility.sample" : "facility.real", { source: found.source })),
    h("p", { class: "note" }, `${say("origin.time")} ${time(found.programme_time)}`));
}

function panel(name, number, ...content) {
  return h("section", { class: `panel facility-${name}`, "aria-labelledby": `facility-${name}` },
    h("div", { class: "panel-head" }, h("h2", { id: `facility-${name}` }, say(`facility.${name}`)), number === null ? null : h("span", { class: "number" }, count(number))),
    h("div", { class: "scroll padded", tabindex: "0", role: "group", "aria-labelledby": `facility-${name}`, "data-key": name }, content));
}

function table(columns, rows) {
  return h("table", {},
    h("thead", {}, h("tr", {}, columns.map(([word, kind]) => h("th", { scope: "col", class: kind }, say(word))))),
    h("tbody", {}, rows));
}

function figure(text) {
  return h("td", { class: "figure" }, text);
}

function positions(found) {
  if (!found.length) return h("p", { class: "note" }, say("facility.positions.none"));
  const columns = [["facility.material"], ["facility.last_day", "figure"], ["facility.firm", "figure"], ["facility.as_of"], ["facility.source"], ["kind"]];
  return table(columns, found.map((one) => h("tr", {},
    h("th", { scope: "row" }, h("span", { class: "note" }, say(`direction.${one.direction}`)), " ", both(one.material_names)),
    figure(`${amount(one.quantity_24h)} ${unitName(one.unit)}`),
    figure(`${amount(one.firm_per_day)} + ${amount(one.interruptible_per_day)}`),
    h("td", {}, time(one.as_of), one.stale ? h("span", { class: "stale" }, say("stale")) : null),
    h("td", {}, say(`source.${one.source_kind}`)),
    h("td", {}, kindBadge(one.data_kind)))));
}

function matches(found) {
  if (!found.length) return h("p", { class: "note" }, say("facility.matches.none"));
  const columns = [["facility.with"], ["flow", "figure"], ["facility.own_gain", "figure"], ["distance", "figure"], ["quality.title"], ["transactions.state"], ["kind"]];
  return table(columns, found.map((one) => h("tr", {},
    h("th", { scope: "row" },
      h("a", { href: `#/match/${one.id}`, "data-key": one.id }, both(one.counterpart_names)),
      h("span", { class: "note block" }, `${both(one.material_names)} → ${both(one.use_names)}`)),
    figure(perDay(one.quantity_per_day, one.unit)),
    h("td", { class: `figure ${one.own_gain >= 0 ? "gain" : "loss"}` }, moneyPerDay(one.own_gain, one.currency)),
    figure(kilometres(one.distance_km)),
    h("td", {}, verdictSign(one.verdict)),
    h("td", {}, stateChip(one.state)),
    h("td", {}, kindBadge(one.data_kind)))));
}

function unmatched(found) {
  return found.map((one) => [
    h("h3", {}, say("facility.unmatched", { what: `${say(`direction.${one.direction}`)} ${both(one.material_names)}` })),
    h("ul", { class: "reasons" }, (language === "en" ? one.why : one.why_zh).map((why) => h("li", {}, why))),
  ]);
}

function health(found, open) {
  return [
    h("p", { class: found.state === "good" ? "gain" : "warned" }, say(`facility.health.${found.state}`), " ",
      h("span", { class: "note" }, say("facility.last_reading", { time: time(found.last_reading) }))),
    h("ul", { class: "reasons" }, found.notes.map((note) => h("li", {}, named(note, "text")))),
    found.rejects.length ? [
      h("h3", {}, say("facility.rejects")),
      h("ul", { class: "reasons" }, found.rejects.map((one) => h("li", {},
        h("strong", {}, `${count(one.count)} × `), h("span", { class: "code" }, one.code), ` ${one.field ?? ""} ${one.message ?? ""} `, one.words ? h("span", { class: "note" }, named(one.words, "fix")) : null))),
    ] : null,
    sources(found.sources, open),
  ];
}

function sources(found, open) {
  if (found === null) return h("p", { class: "note" }, say("facility.sources.later"));
  if (!found.length) return null;
  const columns = [["facility.source"], ["facility.records", "figure"], ["facility.missing", "figure"], ["facility.received"]];
  return h("details", { class: "origin", open }, h("summary", { "data-key": "sources" }, say("facility.sources", { count: count(found.length) })),
    table(columns, found.map((one) => h("tr", {},
      h("th", { scope: "row", class: "code" }, one.source),
      figure(count(one.records)), figure(count(one.missing)), h("td", {}, time(one.received_at))))));
}

function suggestions(found) {
  const kinds = ["gives", "takes"].filter((kind) => found[kind].length);
  if (!kinds.length) return h("p", { class: "note" }, say("facility.suggestions.none"));
  return kinds.map((kind) => [
    h("h3", {}, say(`facility.${kind}`)),
    h("ul", { class: "reasons" }, found[kind].map((one) => h("li", {},
      h("strong", {}, both(one.material_names)), ` → ${both(one.use_names)} `,
      h("span", { class: "note" }, say("facility.partners", { partners: one.partners.map(both).join(say("list.comma")) })),
      one.published ? h("span", { class: "tag" }, say("facility.published")) : null,
      one.recorded ? h("span", { class: "tag" }, say("facility.recorded", { count: count(one.recorded) })) : null))),
  ]);
}

function transactions(found) {
  if (!found.length) return h("p", { class: "note" }, say("facility.transactions.none"));
  const columns = [["facility.with"], ["transactions.state"], ["flow", "figure"], ["transactions.diverted", "figure"], ["kind"]];
  return table(columns, found.map((one) => h("tr", {},
    h("th", { scope: "row" }, h("a", { href: `#/match/${one.match}`, "data-key": one.id }, one.role === "giver" ? one.receiver : one.giver),
      h("span", { class: "note block" }, both(one.material_names))),
    h("td", {}, stateChip(one.state)),
    figure(perDay(one.quantity_per_day, one.unit)),
    figure(one.impact ? `${amount(one.impact.diverted)} ${unitName(one.impact.unit)}` : "–"),
    h("td", {}, kindBadge(one.impact?.data_kind ?? one.data_kind)))));
}
