// A list of any length of which only the visible rows exist; rows are fetched by pages when they come into view.

import { fill, h } from "./dom.js";

const PAGE = 60;
const SPARE = 6;
const REFRESH_MS = 700;

export class VirtualList {
  /** `load(offset, limit)` gives {rows, total}; `draw(row)` the content of a row; `pick(row)` is called on choice. */
  constructor({ label, rowHeight, load, draw, pick, changed }) {
    Object.assign(this, { rowHeight, load, draw, pick, changed });
    this.pages = new Map();
    this.total = null;
    this.active = 0;
    this.chosen = null;
    this.run = 0;
    this.space = h("div", { class: "space", role: "presentation" });
    this.box = h("div", { class: "rows", role: "listbox", tabindex: "0", "aria-label": label }, this.space);
    this.box.addEventListener("scroll", () => this.#show(), { passive: true });
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.space.addEventListener("click", (event) => this.#click(event));
    new ResizeObserver(() => this.#show()).observe(this.box);
  }

  /** Forget everything and begin at the top. */
  async restart() {
    this.pages.clear();
    this.total = null;
    this.active = 0;
    this.run += 1;
    this.box.scrollTop = 0;
    this.box.setAttribute("aria-busy", "true");
    await this.#need(0);
    this.box.removeAttribute("aria-busy");
  }

  /** Read the visible rows again, a moment later and once for many calls; nothing moves under a pointer. */
  refresh() {
    if (this.waiting) return;
    this.waiting = setTimeout(async () => {
      this.waiting = null;
      if (this.box.matches(":hover")) return this.refresh();
      const [first, last] = this.#visible();
      const pages = new Set([Math.floor(first / PAGE), Math.floor(Math.max(first, last - 1) / PAGE)]);
      for (const page of this.pages.keys()) if (!pages.has(page)) this.pages.delete(page);
      await Promise.all([...pages].map((page) => this.#fetch(page)));
      this.#show();
    }, REFRESH_MS);
  }

  /** Put a newer version of a row in its place; return whether it is among the rows that are held. */
  update(row) {
    for (const rows of this.pages.values()) {
      const at = rows.findIndex((one) => one.id === row.id);
      if (at < 0) continue;
      rows[at] = row;
      this.#show();
      return true;
    }
    return false;
  }

  /** Mark a row as the chosen one. */
  choose(id) {
    this.chosen = id;
    this.#show();
  }

  /** Return the first row, if there is one. */
  first() {
    return this.pages.get(0)?.[0] ?? null;
  }

  #row(index) {
    return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE] ?? null;
  }

  #visible() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / this.rowHeight) - SPARE);
    const shown = Math.ceil((this.box.clientHeight || 600) / this.rowHeight) + 2 * SPARE;
    return [first, Math.min(this.total ?? 0, first + shown)];
  }

  async #need(page) {
    if (this.pages.has(page)) return;
    this.pages.set(page, []);
    await this.#fetch(page);
    this.#show();
  }

  async #fetch(page) {
    const run = this.run;
    const { rows, total } = await this.load(page * PAGE, PAGE);
    if (run !== this.run) return;
    this.pages.set(page, rows);
    if (total !== this.total) {
      this.total = total;
      this.changed?.(total);
    }
  }

  #show() {
    if (this.total === null) return;
    const [first, last] = this.#visible();
    for (let page = Math.floor(first / PAGE); page * PAGE < last; page += 1) void this.#need(page);
    this.space.style.height = `${this.total * this.rowHeight}px`;
    const rows = [];
    for (let index = first; index < last; index += 1) rows.push(this.#option(index));
    fill(this.space, rows);
    const active = this.space.querySelector(`#${CSS.escape(this.#id(this.active))}`);
    if (active) this.box.setAttribute("aria-activedescendant", active.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  #option(index) {
    const row = this.#row(index);
    const option = h("div", {
      role: "option",
      class: index === this.active ? "row active" : "row",
      id: this.#id(index),
      "data-index": index,
      "aria-setsize": this.total,
      "aria-posinset": index + 1,
      "aria-selected": String(row !== null && row.id === this.chosen),
    }, row === null ? "…" : this.draw(row));
    option.style.transform = `translateY(${index * this.rowHeight}px)`;
    option.style.height = `${this.rowHeight}px`;
    return option;
  }

  #id(index) {
    return `${this.box.parentElement?.id || "list"}-row-${index}`;
  }

  #click(event) {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    this.active = Number(option.dataset.index);
    this.#choose();
  }

  #choose() {
    const row = this.#row(this.active);
    if (row !== null) this.pick?.(row);
    this.#show();
  }

  #key(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.rowHeight) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return this.#choose();
    }
    if (!(event.key in steps) || !this.total) return;
    event.preventDefault();
    this.active = Math.min(this.total - 1, Math.max(0, this.active + steps[event.key]));
    const top = this.active * this.rowHeight;
    const bottom = top + this.rowHeight - this.box.clientHeight;
    if (this.box.scrollTop > top) this.box.scrollTop = top;
    else if (this.box.scrollTop < bottom) this.box.scrollTop = bottom;
    this.#show();
  }
}
