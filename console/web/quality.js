// The quality verdict with its margins: each limit of the use against the analysis, or that a sample is needed.

import { h } from "./dom.js";
import { amount } from "./format.js";
import { verdictSign } from "./signs.js";
import { language, say, titled } from "./words.js";

/** Return the table of a match's quality limits. */
export function qualityTable(match) {
  const head = h("h3", {}, say("quality.title"), verdictSign(match.verdict));
  if (!match.margins.length) return h("section", { class: "quality" }, head, h("p", { class: "note" }, say("quality.none")));
  return h("section", { class: "quality" }, head, h("table", {},
    h("thead", {}, h("tr", {},
      h("th", { scope: "col" }, say("quality.property")),
      h("th", { scope: "col", class: "figure" }, say("quality.value")),
      h("th", { scope: "col", class: "figure" }, say("quality.limit")),
      h("th", { scope: "col", class: "figure" }, say("quality.margin")))),
    h("tbody", {}, match.margins.map((margin) => row(margin, match.properties)))));
}

function row(margin, properties) {
  const names = properties[margin.property];
  const name = names ? names[language === "en" ? 0 : 1] : titled(margin.property);
  const sign = margin.relation === "AT_MOST" ? "≤" : "≥";
  return h("tr", { title: margin.source },
    h("th", { scope: "row" }, name),
    h("td", { class: "figure" }, margin.value === null ? h("span", { class: "missing" }, say("quality.sample")) : `${amount(margin.value)} ${margin.unit}`),
    h("td", { class: "figure" }, `${sign} ${amount(margin.limit)} ${margin.unit}`),
    h("td", { class: "figure" }, left(margin)));
}

function left(margin) {
  if (margin.value === null) return "–";
  const room = margin.relation === "AT_MOST" ? margin.limit - margin.value : margin.value - margin.limit;
  return h("span", { class: room >= 0 ? "gain" : "loss" }, `${room >= 0 ? "+" : ""}${amount(room)} ${margin.unit}`);
}
