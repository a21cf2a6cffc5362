// Where the reader is: the address after '#' holds the chosen match, list and filters, so that it can be sent on.

export const FILTERS = ["programme", "park", "facility", "material"];
const watchers = [];
let before = null;

/** Return the view ('operator' or 'facility'), the chosen match, the list and the filters. */
export function place() {
  const [path, search = ""] = decodeURI(location.hash.replace(/^#\/?/, "")).split("?");
  const [kind, id] = path.split("/");
  const parameters = new URLSearchParams(search);
  const filters = Object.fromEntries(FILTERS.map((name) => [name, parameters.get(name) ?? ""]));
  return {
    view: kind === "facility" ? "facility" : "operator",
    match: kind === "match" ? id : null,
    plant: kind === "facility" ? id : null,
    list: parameters.get("list") ?? "matches",
    filters,
  };
}

/** Change a part of the place: `match`, `list`, or one of the filters. */
export function go(changes) {
  const hash = changed(changes);
  if (hash !== location.hash) location.hash = hash;
}

/** Change it without a step back in the browser's history, and without a word to the watchers. */
export function settle(changes) {
  history.replaceState(null, "", changed(changes));
  before = place();
}

/** Call when the place changes, with the place now and the one before. */
export function watch(watcher) {
  watchers.push(watcher);
}

/** Begin to watch the address. */
export function begin() {
  before = place();
  window.addEventListener("hashchange", () => {
    const [now, was] = [place(), before];
    before = now;
    for (const watcher of watchers) watcher(now, was);
  });
}

function changed(changes) {
  const now = place();
  const filters = { ...now.filters };
  for (const name of FILTERS) if (name in changes) filters[name] = changes[name];
  const match = "match" in changes ? changes.match : now.match;
  const list = changes.list ?? now.list;
  const kept = Object.entries({ ...filters, list: list === "matches" ? "" : list }).filter(([, value]) => value);
  const search = kept.length ? `?${new URLSearchParams(kept)}` : "";
  return `#/${match ? `match/${match}` : ""}${search}`;
}
