// The two flows of the chosen match over its last week: what the giver has and the receiver needs, and what is matched.

import { get } from "./api.js";
import { byId, fill, h, s } from "./dom.js";
import { amount, count, day, hour, time, unitName } from "./format.js";
import { kindBadge } from "./signs.js";
import { named, say } from "./words.js";

const HOUR_MS = 3600 * 1000;
const WEEK_MS = 7 * 24 * HOUR_MS;
const STEPS_H = [1, 2, 3, 6, 12, 24, 48];
const MOST = 600;
const EDGE = { left: 52, right: 12, top: 10, bottom: 22 };

export class FlowChart {
  constructor(live) {
    this.match = null;
    this.points = { giver: [], receiver: [] };
    this.legend = h("div", { class: "legend" });
    this.box = h("div", { class: "chart" });
    fill(byId("flows"), h("div", { class: "panel-head" }, h("h2", { id: "flows-title" }, say("flows.title")), this.legend), this.box);
    new ResizeObserver(() => this.#show()).observe(this.box);
    live.on("position", (position) => this.#take(position));
  }

  /** Show the flows of a match, or nothing. */
  async load(match) {
    const same = match !== null && match.id === this.match?.id;
    this.match = match;
    if (same || match === null) return this.#show();
    this.points = { giver: [], receiver: [] };
    for (const name of ["giver", "receiver"]) this.#add(name, match.flows[name]?.as_of, match.flows[name]?.quantity_24h);
    this.#show();
    const found = await get(`matches/${match.id}/flows`).catch(() => null);
    if (found === null || this.match?.id !== match.id) return;
    for (const name of ["giver", "receiver"]) for (const [at, quantity] of found[name]) this.#add(name, at, quantity);
    this.#show();
  }

  #take(position) {
    if (this.match === null) return;
    const giver = position.direction === "SUPPLY" && position.facility === this.match.giver_id && position.material === this.match.material_id;
    const receiver = position.direction === "DEMAND" && position.facility === this.match.receiver_id && position.material === this.match.need;
    if (!giver && !receiver) return;
    this.#add(giver ? "giver" : "receiver", position.as_of, position.quantity_24h);
    this.#show();
  }

  #add(name, at, quantity) {
    if (at === undefined || at === null) return;
    const moment = Date.parse(at);
    const points = this.points[name].filter((one) => one.at !== moment);
    points.push({ at: moment, quantity });
    points.sort((one, other) => one.at - other.at);
    this.points[name] = points.slice(-MOST);
  }

  #show() {
    const { match } = this;
    if (match === null) {
      fill(this.legend);
      return fill(this.box, h("p", { class: "empty" }, say("flows.choose")));
    }
    const width = Math.max(240, this.box.clientWidth);
    const height = Math.max(120, this.box.clientHeight);
    const latest = Math.max(0, ...this.#all().map((one) => one.at));
    const shown = (name) => this.points[name].filter((one) => one.at > latest - WEEK_MS);
    const lines = { giver: shown("giver"), receiver: shown("receiver") };
    const from = Math.min(latest - HOUR_MS, ...[...lines.giver, ...lines.receiver].map((one) => one.at));
    const top = niceTop(Math.max(match.quantity_per_day, ...[...lines.giver, ...lines.receiver].map((one) => one.quantity)));
    const x = (at) => EDGE.left + ((at - from) / (latest - from || 1)) * (width - EDGE.left - EDGE.right);
    const y = (quantity) => height - EDGE.bottom - (quantity / top) * (height - EDGE.top - EDGE.bottom);
    this.#legend(match, lines);
    fill(this.box, s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": this.#said(match, lines) },
      [0, 0.25, 0.5, 0.75, 1].map((share) => [
        s("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(top * share), y2: y(top * share) }),
        s("text", { class: "tick", x: EDGE.left - 6, y: y(top * share) + 4, "text-anchor": "end" }, count(top * share)),
      ]),
      ticks(from, latest).filter(({ at }) => x(at) < width - EDGE.right - 18).map(({ at, text }) => s("text", { class: "tick", x: x(at), y: height - 6, "text-anchor": "middle" }, text)),
      s("line", { class: "matched", x1: EDGE.left, x2: width - EDGE.right, y1: y(match.quantity_per_day), y2: y(match.quantity_per_day) }),
      ["receiver", "giver"].map((name) => line(name, lines[name], x, y, latest))));
  }

  #all() {
    return [...this.points.giver, ...this.points.receiver];
  }

  #legend(match, lines) {
    const unit = unitName(match.unit);
    const entry = (name, text, quantity, kind) => h("span", { class: `key key-${name}` }, text, " ", h("strong", {}, `${amount(quantity)} ${unit}`), kind && kindBadge(kind));
    const last = (name) => lines[name].at(-1)?.quantity;
    fill(this.legend,
      entry("giver", say("flows.supply"), last("giver"), match.flows.giver?.data_kind ?? ""),
      entry("receiver", say("flows.need"), last("receiver"), match.flows.receiver?.data_kind ?? ""),
      entry("matched", say("flows.matched"), match.quantity_per_day, match.data_kind));
  }

  #said(match, lines) {
    const latest = (name) => amount(lines[name].at(-1)?.quantity);
    return say("flows.said", {
      giver: named(match, "giver"), supply: latest("giver"), receiver: named(match, "receiver"), need: latest("receiver"),
      matched: amount(match.quantity_per_day), unit: unitName(match.unit), time: time(match.programme_time),
    });
  }
}

/** A flow holds until the next point, and the last one until now. */
function line(name, points, x, y, latest) {
  if (!points.length) return null;
  const steps = points.map((one, index) => `${index ? `H${x(one.at).toFixed(1)}V` : `M${x(one.at).toFixed(1)} `}${y(one.quantity).toFixed(1)}`);
  const { quantity } = points.at(-1);
  return s("g", { class: `flow flow-${name}` },
    s("path", { d: `${steps.join("")}H${x(latest).toFixed(1)}` }),
    s("circle", { cx: x(latest), cy: y(quantity), r: 3 }));
}

function niceTop(value) {
  const size = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 4, 6, 8, 10].map((step) => step * size).find((top) => top >= value * 1.05) ?? 20 * size;
}

/** Hours where less than two days are shown, days above; never more than fit. */
function ticks(from, to) {
  const step = STEPS_H.map((hours) => hours * HOUR_MS).find((one) => (to - from) / one <= 7) ?? WEEK_MS;
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
    const date = new Date(at);
    found.push({ at, text: step < 24 * HOUR_MS && at % (24 * HOUR_MS) ? hour(date) : day(date) });
  }
  return found;
}
