// Alerts, newest first. New ones wait while somebody points at the list, so that nothing moves under a click.

import { command, get } from "./api.js";
import { byId, fill, h, speak } from "./dom.js";
import { count, time } from "./format.js";
import { person } from "./person.js";
import { go, place } from "./place.js";
import { kindBadge, stateChip } from "./signs.js";
import { named, say, titled } from "./words.js";

const PAGE = 40;
const OPEN = "RAISED,ACKNOWLEDGED";

export class Alerts {
  constructor(live, notice) {
    this.notice = notice;
    this.rows = [];
    this.held = [];
    this.total = 0;
    this.limit = PAGE;
    this.list = h("ul", { class: "plain", id: "alert-list" });
    this.more = h("button", { class: "quiet wide", click: () => this.#grow(), hidden: true }, say("more"));
    this.fresh = h("button", { class: "fresh", click: () => this.#release(), hidden: true });
    this.number = h("span", { class: "number" });
    this.scroll = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-labelledby": "alerts-title" }, this.list, this.more);
    this.empty = h("p", { class: "empty", hidden: true }, say("alerts.none"));
    fill(byId("alerts"),
      h("div", { class: "panel-head" }, h("h2", { id: "alerts-title" }, say("alerts.title")), this.number),
      this.fresh, this.empty, this.scroll);
    this.scroll.addEventListener("pointerleave", () => this.#release());
    live.on("alert", (alert) => this.#take(alert));
  }

  /** Read the list again. */
  async load() {
    const { programme } = place().filters;
    const answer = await get("alerts", { programme, state: OPEN, form: "row", limit: this.limit });
    this.rows = answer.alerts;
    this.total = answer.total;
    this.held = [];
    this.#show();
  }

  #take(alert) {
    const { programme } = place().filters;
    if (programme && alert.programme !== programme) return;
    const open = OPEN.split(",").includes(alert.state);
    const at = this.rows.findIndex((one) => one.id === alert.id);
    if (at >= 0 && open) this.rows[at] = alert;
    else if (at >= 0) {
      this.rows.splice(at, 1);
      this.total -= 1;
    } else if (open) {
      this.held = [alert, ...this.held.filter((one) => one.id !== alert.id)];
      speak(say("alerts.new", { text: this.#sentence(alert) }));
      if (!this.scroll.matches(":hover, :focus-within")) return this.#release();
    } else this.held = this.held.filter((one) => one.id !== alert.id);
    this.#show();
  }

  #release() {
    if (!this.held.length) return;
    this.total += this.held.length;
    this.rows = [...this.held, ...this.rows].slice(0, this.limit);
    this.held = [];
    this.#show();
  }

  #grow() {
    this.limit += PAGE;
    void this.load();
  }

  #show() {
    fill(this.list, this.rows.map((alert) => this.#item(alert)));
    this.number.textContent = count(this.total + this.held.length);
    this.empty.hidden = this.rows.length > 0;
    this.more.hidden = this.total <= this.rows.length;
    this.fresh.hidden = this.held.length === 0;
    this.fresh.textContent = say("alerts.held", { count: count(this.held.length) });
  }

  #sentence(alert) {
    return alert.reasons.length ? named(alert.reasons[0], "sentence") : titled(alert.rule);
  }

  #item(alert) {
    const [, why] = alert.reasons;
    const text = this.#sentence(alert);
    const raised = alert.state === "RAISED";
    const lead = alert.match
      ? h("button", { class: "link", click: () => go({ match: alert.match }) }, text)
      : h("span", {}, text);
    const acknowledge = h("button", {
      class: "quiet", click: (event) => this.#acknowledge(alert, event.target), "aria-label": say("alerts.acknowledge.of", { text }),
    }, say("alerts.acknowledge"));
    return h("li", { class: `alert severity-${alert.severity.toLowerCase()}${raised ? "" : " calm"}`, "data-id": alert.id },
      h("div", { class: "alert-head" },
        h("span", { class: "severity" }, say(`severity.${alert.severity}`)),
        h("span", { class: "rule" }, say(`rule.${alert.rule}`)),
        alert.data_kind && kindBadge(alert.data_kind)),
      h("p", { class: "alert-text" }, lead),
      why && h("p", { class: "why" }, named(why, "sentence")),
      h("div", { class: "alert-foot" },
        h("span", { class: "when" }, h("span", {}, titled(alert.programme)), " ", h("span", {}, time(alert.programme_time))),
        raised ? acknowledge : h("span", { class: "by" }, stateChip(alert.state), " ", alert.actor)));
  }

  async #acknowledge(alert, button) {
    const actor = person();
    if (actor === null) return;
    button.disabled = true;
    try {
      const outcome = await command({ action: "acknowledge", subject: alert.id, programme: alert.programme, actor });
      if (outcome.accepted === false) this.notice.show(named(outcome, "message"));
    } catch (error) {
      this.notice.show(error.message);
    } finally {
      button.disabled = false;
    }
  }
}
