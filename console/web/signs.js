// The small signs that every list uses: kind of data, state, severity, verdict, names of plants and samples.

import { h } from "./dom.js";
import { named, say } from "./words.js";

/** How a number came about; never left out, and never by colour alone. */
export function kindBadge(kind) {
  if (!kind) return h("span", { class: "kind kind-none", title: say("kind.NONE.meaning") }, say("kind.NONE"));
  return h("span", { class: `kind kind-${kind.toLowerCase()}`, title: say(`kind.${kind}.meaning`) }, say(`kind.${kind}`));
}

/** The state of a match, agreement, delivery or alert. */
export function stateChip(state) {
  return h("span", { class: `state state-${state.toLowerCase()}` }, say(`state.${state}`));
}

/** The quality verdict. */
export function verdictSign(verdict) {
  return h("span", { class: `verdict verdict-${verdict.toLowerCase()}` }, say(`verdict.${verdict}`));
}

/** A plant's name, marked where it is a sample and no real plant. */
export function plant(document, side) {
  const name = named(document, side);
  const unsaid = document[`${side}_sample`] && !/sample|示例|样例/i.test(name);
  return h("span", { class: "plant" }, name, unsaid && h("span", { class: "sample" }, say("sample")));
}
