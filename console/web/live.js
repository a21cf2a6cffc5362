// The stream of what changes. It goes on where it broke off; when that is no longer possible, everything is read again.

import { query } from "./api.js";

const KINDS = "match,alert,transaction,unmatched,programme,outcome";
const AGAIN_MS = 1500;

export class Live {
  constructor() {
    this.listeners = new Map();
    this.last = null;
    this.match = null;
    this.source = null;
  }

  /** Call for every message of a kind; kinds of its own are `state` ('live', 'broken') and `reset`. */
  on(kind, listener) {
    const found = this.listeners.get(kind) ?? [];
    this.listeners.set(kind, [...found, listener]);
  }

  /** Open the stream with the positions of a match's two flows, or none. */
  open(match = this.match) {
    this.source?.close();
    clearTimeout(this.again);
    this.match = match;
    const parameters = { kinds: KINDS, form: "row", positions_of: match, last_event_id: this.last };
    const source = (this.source = new EventSource(`/api/v1/stream${query(parameters)}`));
    source.addEventListener("error", () => this.#broken(source));
    for (const kind of ["begin", "progress", "reset", "position", ...KINDS.split(",")]) {
      source.addEventListener(kind, (message) => source === this.source && this.#take(kind, message));
    }
  }

  #take(kind, message) {
    this.last = message.lastEventId;
    if (kind === "begin" || kind === "reset") this.#tell("state", "live");
    if (kind !== "begin" && kind !== "progress") this.#tell(kind, JSON.parse(message.data));
  }

  #broken(source) {
    if (source !== this.source) return;
    this.#tell("state", "broken");
    // A refused connection is tried again by the browser; an answer that is no stream ends it.
    if (source.readyState === EventSource.CLOSED) {
      if (this.match) this.match = null; // the match may be gone for ever
      this.again = setTimeout(() => this.open(), AGAIN_MS);
    }
  }

  #tell(kind, content) {
    for (const listener of this.listeners.get(kind) ?? []) listener(content);
  }
}
