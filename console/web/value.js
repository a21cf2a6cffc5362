// What a match is worth, part by part: bars from zero, with the range of each part as a line.

import { h } from "./dom.js";
import { amount, signed } from "./format.js";
import { kindBadge } from "./signs.js";
import { say } from "./words.js";

/** Return the table of the parts of a match's value. */
export function valueTable(match) {
  const parts = match.value.map((part) => ({ ...part, low: Number(part.low), base: Number(part.base), high: Number(part.high) }));
  const total = {
    low: Number(match.gain_low), base: Number(match.gain_giver) + Number(match.gain_receiver), high: Number(match.gain_high),
  };
  const every = [...parts, total].flatMap((part) => [part.low, part.base, part.high, 0]);
  const scale = { from: Math.min(...every), to: Math.max(...every) };
  return h("section", { class: "value" },
    h("h3", {}, say("value.title"), h("span", { class: "note" }, say("value.unit", { currency: match.currency, year: match.price_year }))),
    h("table", {},
      h("thead", {}, h("tr", {},
        h("th", { scope: "col" }, say("value.part")),
        h("th", { scope: "col", class: "bars" }, h("span", { class: "spoken" }, say("value.bar"))),
        h("th", { scope: "col", class: "figure" }, say("value.base")),
        h("th", { scope: "col", class: "figure range" }, say("value.range")),
        h("th", { scope: "col" }, say("kind")))),
      h("tbody", {}, parts.map((part) => row(part, scale))),
      h("tfoot", {}, h("tr", {},
        h("th", { scope: "row" }, say("value.total")),
        h("td", {}, bar(total, scale, "total")),
        h("td", { class: "figure" }, signed(total.base)),
        h("td", { class: "figure range" }, range(total)),
        h("td", {}, kindBadge(match.data_kind))))));
}

function row(part, scale) {
  return h("tr", { title: part.source },
    h("th", { scope: "row" }, say(`part.${part.name}`), h("span", { class: `who who-${part.side.toLowerCase()}` }, say(`who.${part.side}`))),
    h("td", {}, bar(part, scale, part.side.toLowerCase())),
    h("td", { class: "figure" }, signed(part.base)),
    h("td", { class: "figure range" }, range(part)),
    h("td", {}, kindBadge(part.data_kind === "MEASURED" ? "CITED" : part.data_kind))); // a price is in a source, on no meter
}

function range(part) {
  return say("range", { low: amount(part.low), high: amount(part.high) });
}

function bar(part, scale, kind) {
  const width = scale.to - scale.from || 1;
  const at = (value) => ((value - scale.from) / width) * 100;
  const box = h("div", { class: "bar", "aria-hidden": "true" });
  box.append(
    span(`bar-fill bar-${kind}`, at(Math.min(0, part.base)), at(Math.max(0, part.base))),
    span("bar-range", at(part.low), at(part.high)),
    span("bar-zero", at(0), at(0)));
  return box;
}

function span(kind, from, to) {
  const element = h("span", { class: kind });
  element.style.left = `${from}%`;
  element.style.width = `${Math.max(0, to - from)}%`;
  return element;
}
