// The page's own words, in the language that the server chose; one file a language.

export const language = document.documentElement.lang;
const chinese = language.startsWith("zh");
let table = {};

/** Fetch the words; nothing is shown before. */
export async function loadWords() {
  const answer = await fetch(`/page/words/${language}.json`);
  table = await answer.json();
}

/** Return the words of a key, with {names} filled in; a key without words shows itself. */
export function say(key, values = {}) {
  const text = table[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Whether there are words for a key. */
export function known(key) {
  return key in table;
}

/** Return a name of a document in this language: `field_zh` where it is wanted and there. */
export function named(document, field) {
  return (chinese && document[`${field}_zh`]) || document[field] || "";
}

/** Return an identifier as people read it. */
export function titled(id) {
  return known(`name.${id}`) ? say(`name.${id}`) : id.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase());
}

/** Put words on the elements that ask for them. */
export function wordAll(root) {
  for (const element of root.querySelectorAll("[data-word]")) element.textContent = say(element.dataset.word);
}
