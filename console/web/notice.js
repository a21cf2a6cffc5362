// One line above everything for what went wrong; it goes when it is closed or replaced.

import { byId, fill, h } from "./dom.js";
import { say } from "./words.js";

export class Notice {
  constructor() {
    this.box = byId("notice");
  }

  /** Show a sentence. */
  show(text) {
    this.box.hidden = false;
    fill(this.box, h("span", {}, text), h("button", { class: "quiet", click: () => this.hide() }, say("close")));
  }

  /** Take it away. */
  hide() {
    this.box.hidden = true;
  }
}
