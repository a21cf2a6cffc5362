// The chosen match: everything that a person decides by, and the two sides' answers.

import { get } from "./api.js";
import { Answers } from "./answers.js";
import { byId, fill, h } from "./dom.js";
import { amount, count, kilometres, moneyPerDay, perDay, time, unitName } from "./format.js";
import { go, place } from "./place.js";
import { kindBadge, plant, stateChip, verdictSign } from "./signs.js";
import { qualityTable } from "./quality.js";
import { valueTable } from "./value.js";
import { named, say, titled } from "./words.js";

const SIDES = ["GIVER", "RECEIVER"];
const AGAIN_MS = 300;

export class MatchPanel {
  /** `shown(match)` is called with every version that is shown, and with null when there is none. */
  constructor(live, notice, shown) {
    this.notice = notice;
    this.shown = shown;
    this.match = null;
    this.answers = new Answers(notice, () => this.load(this.match?.id ?? null));
    this.box = byId("detail");
    this.body = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-labelledby": "detail-title" });
    this.head = h("div", { class: "panel-head" });
    fill(this.box, this.head, this.body);
    this.#nothing(say("match.choose"));
    live.on("match", (row) => this.#changed(row));
    live.on("transaction", (row) => row.match === this.match?.id && this.#soon());
    live.on("outcome", (outcome) => this.answers.take(outcome));
  }

  /** Show a match, or none. */
  async load(id) {
    if (id === null) {
      this.match = null;
      this.shown(null);
      return this.#nothing(say("match.choose"));
    }
    if (id !== this.match?.id) this.answers.forget();
    this.asked = id;
    try {
      const match = await get(`matches/${encodeURIComponent(id)}`);
      if (this.asked !== id) return;
      this.match = match;
      this.#show(match);
      this.shown(match);
    } catch (error) {
      this.match = null;
      this.shown(null);
      this.#nothing(error.status === 404 ? say("match.gone") : error.message);
    }
  }

  /** Show why a series has no match. */
  explain(row) {
    this.asked = null;
    this.match = null;
    this.shown(null);
    if (place().match) go({ match: null });
    fill(this.head, h("h2", { id: "detail-title" }, say("unmatched.why"), " ", plant(row, "facility")), kindBadge(row.data_kind));
    fill(this.body,
      h("p", { class: "lead" }, `${say(`direction.${row.direction}`)} ${named(row, "material")} · `,
        row.quantity_24h === undefined ? "–" : say("last_day", { amount: `${amount(row.quantity_24h)} ${unitName(row.unit)}` })),
      h("ul", { class: "reasons" }, row.reasons.map(reason)));
    this.box.scrollIntoView({ block: "nearest" });
  }

  #changed(row) {
    if (row.id === this.match?.id && row.revision !== this.match.revision) this.#soon();
  }

  #soon() {
    clearTimeout(this.again);
    this.again = setTimeout(() => this.match && this.load(this.match.id), AGAIN_MS);
  }

  #nothing(text) {
    fill(this.head, h("h2", { id: "detail-title" }, say("match.title")));
    fill(this.body, h("p", { class: "empty" }, text));
  }

  #show(match) {
    fill(this.head,
      h("h2", { id: "detail-title" }, named(match, "material"), h("span", { class: "arrow", "aria-hidden": "true" }, "→"), named(match, "use_name")),
      stateChip(match.state), kindBadge(match.data_kind),
      h("span", { class: "revision", title: say("revision.meaning") }, say("revision", { number: match.revision })));
    const before = this.body.scrollTop;
    fill(this.body,
      h("div", { class: "sides" }, SIDES.map((side) => this.#side(match, side))),
      this.answers.box,
      facts(match),
      valueTable(match),
      qualityTable(match),
      h("h3", {}, say("reasons.title")),
      h("ul", { class: "reasons" }, match.reasons.map(reason)),
      origin(match));
    this.body.scrollTop = before;
  }

  #side(match, side) {
    const name = side.toLowerCase();
    const flow = match.flows[name];
    const gain = match[`${name}_gain`];
    const place = flow?.place;
    return h("section", { class: `side ${name}`, "aria-label": say(`side.${side}`) },
      h("div", { class: "side-role" }, say(`side.${side}`), sideState(match, side)),
      h("a", { class: "side-name", href: `#/facility/${encodeURIComponent(match[`${name}_id`])}` }, plant(match, name)),
      h("div", { class: "side-place" }, [place?.park && titled(place.park), titled(match.programme)].filter(Boolean).join(" · ")),
      h("dl", { class: "pairs" },
        h("dt", {}, side === "GIVER" ? named(match, "material") : named(match, "need_name")),
        h("dd", {}, flow?.quantity_24h === undefined ? "–" : say("last_day", { amount: `${amount(flow.quantity_24h)} ${unitName(flow.unit)}` }),
          flow?.stale ? h("span", { class: "stale" }, say("stale")) : null, " ", kindBadge(flow?.data_kind)),
        h("dt", {}, say("gain")),
        h("dd", { class: gain >= 0 ? "gain" : "loss" }, moneyPerDay(gain, match.currency))),
      this.answers.buttons(match, side));
  }
}

function reason(one) {
  return h("li", {}, one.code === "limit_failed" ? [verdictSign("FAILS"), " "] : null, named(one, "sentence"));
}

function sideState(match, side) {
  const accepted = match.state === "AGREED" || match.state === `ACCEPTED_BY_${side}`;
  return h("span", { class: accepted ? "accepted" : "open" }, say(accepted ? "side.accepted" : `side.${match.state === "PROPOSED" || match.state.startsWith("ACCEPTED") ? "open" : "closed"}`));
}

function facts(match) {
  const share = match.quantity_per_day ? match.firm_per_day / match.quantity_per_day : 0;
  const bar = h("span", { class: "firm-bar", "aria-hidden": "true" }, h("span", { class: "firm-part" }));
  bar.firstChild.style.width = `${Math.round(share * 100)}%`;
  const price = say("price.interval", {
    low: amount(Number(match.price_low)), high: amount(Number(match.price_high)),
    unit: `${match.currency}/${unitName(match.unit)}`,
  });
  return h("dl", { class: "facts" },
    fact(say("flow"), perDay(match.quantity_per_day, match.unit), bar,
      h("span", { class: "note" }, say("firm.parts", {
        firm: amount(match.firm_per_day), interruptible: amount(match.interruptible_per_day), unit: unitName(match.unit),
      }))),
    fact(say("distance"), kilometres(match.distance_km), h("span", { class: "note" }, say(`method.${match.distance_method}`))),
    fact(say("price"), price, h("span", { class: "note" }, say("price.meaning"))),
    fact(say("co2e"), say("per_day", { amount: `${amount(match.co2e_kg_per_day / 1000)} t` }), match.co2e_kg_per_day < 0 ? h("span", { class: "note" }, say("co2e.meaning")) : null),
    match.treatment_name ? fact(say("treatment"), named(match, "treatment_name")) : null);
}

function fact(label, value, ...notes) {
  return h("div", { class: "fact" }, h("dt", {}, label), h("dd", {}, h("strong", {}, value), notes));
}

function origin(match) {
  const at = (one) => `${one.topic} ${one.partition}@${count(one.offset)}`;
  return h("details", { class: "origin" },
    h("summary", {}, say("origin.title")),
    h("dl", { class: "pairs" },
      h("dt", {}, say("origin.time")), h("dd", {}, time(match.programme_time)),
      h("dt", {}, say("origin.id")), h("dd", { class: "code" }, match.id),
      h("dt", {}, say("origin.supply")), h("dd", { class: "code" }, at(match.supply_position)),
      h("dt", {}, say("origin.need")), h("dd", { class: "code" }, at(match.need_position)),
      h("dt", {}, say("origin.readings")), h("dd", { class: "code" }, match.sources.map(at).join(", ") || "–")));
}
