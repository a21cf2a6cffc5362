// Accept and decline for each side, and what the market answered.

import { command } from "./api.js";
import { fill, h } from "./dom.js";
import { person } from "./person.js";
import { known, named, say } from "./words.js";

const ACTIONS = ["accept", "decline"];
const REASONS = ["quality", "price", "distance", "other_outlet", "capacity"];

export class Answers {
  /** `decided()` is called after every answer, so that what is shown is what is true. */
  constructor(notice, decided) {
    this.notice = notice;
    this.decided = decided;
    this.box = h("div", { class: "outcome", role: "status" });
    this.open = null;
    this.reason = "";
    this.busy = false;
    this.waiting = null;
  }

  /** Forget what belonged to another match. */
  forget() {
    this.open = null;
    this.reason = "";
    this.waiting = null;
    fill(this.box);
  }

  /** Return the buttons of one side: only what it may do now. */
  buttons(match, side) {
    const possible = ACTIONS.filter((action) => match.may[side].includes(action));
    const already = match.state === `ACCEPTED_BY_${side}`;
    if (!possible.length) return h("div", { class: "answers" }, h("span", { class: "note" }, already ? say("answer.waits") : say(`answer.none.${match.state}`)));
    if (this.open === side) return this.#form(match, side);
    return h("div", { class: "answers" }, possible.map((action) => h("button", {
      class: action === "accept" ? "main" : "quiet",
      "data-action": action,
      "data-side": side,
      disabled: this.busy,
      click: () => (action === "accept" ? this.#send(match, side, action) : this.#ask(match, side)),
    }, say(`answer.${action}.${side}`))));
  }

  /** Take the outcome of a command whose answer was slow. */
  take(outcome) {
    if (outcome.command === this.waiting) this.#tell(outcome);
  }

  #ask(match, side) {
    this.open = side;
    void this.decided().then(() => document.getElementById("decline-reason")?.focus());
  }

  #form(match, side) {
    const field = h("input", {
      id: "decline-reason", required: true, maxlength: "500", list: "decline-reasons", value: this.reason,
      input: () => (this.reason = field.value),
    });
    const form = h("form", {
      class: "answers decline",
      submit: (event) => {
        event.preventDefault();
        void this.#send(match, side, "decline", field.value.trim());
      },
      keydown: (event) => event.key === "Escape" && this.#close(),
    },
    h("label", { for: "decline-reason" }, say("answer.reason")), field,
    h("datalist", { id: "decline-reasons" }, REASONS.map((name) => h("option", { value: say(`answer.reason.${name}`) }))),
    h("button", { class: "main", type: "submit", disabled: this.busy }, say(`answer.decline.${side}`)),
    h("button", { class: "quiet", type: "button", click: () => this.#close() }, say("cancel")));
    return form;
  }

  #close() {
    this.open = null;
    void this.decided();
  }

  async #send(match, side, action, reason = null) {
    const actor = person();
    if (actor === null) return this.#say("refused", say("person.missing"));
    this.busy = true;
    this.#say("sent", say("answer.sent"));
    try {
      const body = { action, side, actor, subject: match.id, programme: match.programme, revision: match.revision };
      const outcome = await command(reason ? { ...body, reason } : body);
      this.open = null;
      this.reason = "";
      if (outcome.accepted === null) {
        this.waiting = outcome.id;
        this.#say("sent", say("answer.slow"));
      } else this.#tell(outcome, action, side);
    } catch (error) {
      this.#say("refused", error.message);
    } finally {
      this.busy = false;
      await this.decided();
    }
  }

  #tell(outcome, action = null, side = null) {
    this.waiting = null;
    if (outcome.accepted) {
      const key = `answer.done.${action}.${side}`;
      return this.#say("done", known(key) ? say(key) : named(outcome, "message"));
    }
    const allowed = outcome.allowed.map((one) => say(`action.${one}`)).join(say("list.comma"));
    this.#say("refused", named(outcome, "message"), allowed ? say("answer.allowed", { allowed }) : say("answer.allowed.none"));
  }

  #say(kind, ...sentences) {
    this.box.className = `outcome outcome-${kind}`;
    fill(this.box, sentences.map((one) => h("p", {}, one)));
  }
}
