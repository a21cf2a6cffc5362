// What became of the matches: agreements by state, with their latest deliveries and what they have diverted.

import { get } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { amount, count, perDay, unitName } from "./format.js";
import { go, place } from "./place.js";
import { kindBadge, plant, stateChip } from "./signs.js";
import { named, say } from "./words.js";

const STATES = ["agreed", "conditional", "sample_requested", "qualified", "running", "ended", "cancelled"];
const PAGE = 40;
const AGAIN_MS = 500;

export class TransactionTable {
  constructor(live) {
    this.state = "";
    this.limit = PAGE;
    this.chosen = null;
    this.chips = h("div", { class: "chips", role: "group", "aria-label": say("transactions.by_state") });
    this.body = h("tbody");
    this.more = h("button", { class: "quiet wide", hidden: true, click: () => this.#grow() }, say("more"));
    this.empty = h("p", { class: "empty", hidden: true });
    const columns = [["transactions.pair", ""], ["transactions.state", ""], ["flow", "figure"], ["transactions.deliveries", ""], ["transactions.diverted", "figure"], ["co2e", "figure"], ["kind", ""]];
    this.table = h("table", {}, h("thead", {}, h("tr", {}, columns.map(([word, kind]) => h("th", { scope: "col", class: kind }, say(word))))), this.body);
    fill(byId("transactions"),
      h("div", { class: "panel-head" }, h("h2", { id: "transactions-title" }, say("transactions.title")), this.chips),
      h("div", { class: "scroll", tabindex: "0", role: "group", "aria-labelledby": "transactions-title" }, this.empty, this.table, this.more));
    live.on("transaction", () => this.#soon());
  }

  /** Read the list again. */
  async load() {
    const answer = await get("transactions", { ...place().filters, state: this.state, form: "row", limit: this.limit });
    this.rows = answer.transactions;
    this.#showChips(answer.states);
    this.more.hidden = answer.total <= this.rows.length;
    this.#show();
  }

  /** Mark the row of the chosen match. */
  choose(match) {
    this.chosen = match;
    this.#show();
  }

  #soon() {
    if (this.again) return;
    this.again = setTimeout(() => {
      this.again = null;
      void this.load();
    }, AGAIN_MS);
  }

  #grow() {
    this.limit += PAGE;
    void this.load();
  }

  #showChips(states) {
    const all = Object.values(states).reduce((sum, number) => sum + number, 0);
    const focused = this.chips.contains(document.activeElement) ? document.activeElement.dataset.state : null;
    const shown = STATES.filter((state) => states[state] || state === this.state);
    fill(this.chips, ["", ...shown].map((state) => h("button", {
      class: "chip", "aria-pressed": String(state === this.state), "data-state": state, click: () => this.#only(state),
    }, say(state ? `state.${state}` : "all"), h("span", { class: "number" }, count(state ? (states[state] ?? 0) : all)))));
    if (focused !== null) this.chips.querySelector(`[data-state="${focused}"]`)?.focus();
  }

  #only(state) {
    this.state = state;
    void this.load();
  }

  #show() {
    const rows = this.rows ?? [];
    this.table.hidden = rows.length === 0;
    this.empty.hidden = rows.length > 0;
    this.empty.textContent = say("transactions.none");
    fill(this.body, rows.map((row) => this.#row(row)));
  }

  #row(row) {
    const impact = row.impact;
    return h("tr", { class: row.match === this.chosen ? "chosen" : null, "data-id": row.id },
      h("th", { scope: "row" },
        h("button", { class: "link", click: () => go({ match: row.match }) }, plant(row, "giver"), " → ", plant(row, "receiver")),
        h("span", { class: "note" }, named(row, "material"))),
      h("td", {}, stateChip(row.state)),
      h("td", { class: "figure" }, perDay(row.quantity_per_day, row.unit)),
      h("td", {}, row.delivery_count ? deliveries(row) : h("span", { class: "note" }, say("transactions.no_delivery"))),
      h("td", { class: "figure" }, impact ? `${amount(impact.diverted)} ${unitName(impact.unit)}` : "–"),
      h("td", { class: "figure" }, impact ? `${amount(impact.co2e_kg / 1000)} t` : "–"),
      h("td", {}, kindBadge(impact?.data_kind ?? row.data_kind)));
  }
}

function deliveries(row) {
  return h("span", { class: "loads" },
    row.delivery_count > row.deliveries.length ? `${count(row.delivery_count)}: … ` : `${count(row.delivery_count)}: `,
    row.deliveries.map((one) => {
      const state = one.receipt ?? one.state;
      const taken = one.taken === null ? one.sent : one.taken;
      return h("span", { class: `load load-${state}`, title: `${amount(taken)} / ${amount(one.sent)} ${unitName(row.unit)}` }, say(`load.${state}`));
    }));
}
