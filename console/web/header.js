// The line at the top: programmes with their own time, filters, language, and whether the page is live.

import { get } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { count, time } from "./format.js";
import { go, place } from "./place.js";
import { kindBadge } from "./signs.js";
import { language, named, say, titled } from "./words.js";

const LANGUAGES = { en: "English", "zh-CN": "中文" };

export class Header {
  constructor(live) {
    this.programmes = new Map();
    this.clocks = new Map();
    fill(byId("languages"), Object.entries(LANGUAGES).map(([code, name]) => h("a", {
      href: `/?lang=${code}`, lang: code, hreflang: code, "aria-current": code === language ? "true" : null,
      click: (event) => {
        event.preventDefault();
        location.href = `/?lang=${code}${location.hash}`;
      },
    }, name)));
    live.on("state", (state) => this.#state(state));
    live.on("programme", (programme) => this.#tick(programme));
    this.#state("opening");
  }

  /** Read programmes, their times and what can be filtered by. */
  async load() {
    const [status, filters] = await Promise.all([get("status"), get("filters")]);
    for (const programme of status.programmes) this.programmes.set(programme.programme, programme);
    const known = new Map(filters.programmes.map(({ id }) => [id, this.programmes.get(id) ?? { programme: id }]));
    this.programmes = known;
    this.filters = filters;
    this.show();
  }

  /** Show what is chosen. */
  show() {
    if (!this.filters) return;
    const { filters } = place();
    this.clocks.clear();
    fill(byId("programmes"),
      h("div", { class: "programme-buttons", role: "group", "aria-label": say("programme") },
        this.#button("", say("all.programmes")),
        [...this.programmes.values()].map((one) => this.#button(one.programme, titled(one.programme)))));
    fill(byId("filters"),
      this.#choice("park", this.#parks(filters.programme)),
      this.#choice("material", this.filters.materials.map((one) => [one.id, named(one, "name")])),
      this.#plant());
    for (const programme of this.programmes.values()) this.#tick(programme);
  }

  #button(id, text) {
    const clock = h("span", { class: "clock" });
    if (id) this.clocks.set(id, clock);
    return h("button", {
      class: "programme", "aria-pressed": String(place().filters.programme === id), "data-programme": id,
      click: () => go({ programme: id, park: "", facility: "" }),
    }, h("span", {}, text), id ? clock : null);
  }

  #tick(programme) {
    this.programmes.set(programme.programme, programme);
    const clock = this.clocks.get(programme.programme);
    if (!clock) return;
    const speed = programme.speed ? say("speed", { times: count(programme.speed) }) : programme.note ? say("ended") : "";
    fill(clock, programme.data_kind ? kindBadge(programme.data_kind) : null, h("span", { class: "moment" }, `${time(programme.time)} ${speed}`.trim()));
  }

  #parks(programme) {
    const found = this.filters.programmes.filter((one) => !programme || one.id === programme);
    return found.flatMap((one) => one.parks).map((park) => [park, titled(park)]);
  }

  #choice(name, options) {
    if (!options.length) return null;
    const chosen = place().filters[name];
    const box = h("select", { id: `filter-${name}`, change: () => go({ [name]: box.value }) },
      h("option", { value: "" }, say(`all.${name}`)),
      options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
    return h("label", { for: `filter-${name}` }, h("span", { class: "spoken" }, say(`filter.${name}`)), box);
  }

  #plant() {
    const chosen = place().filters.facility;
    const box = h("input", {
      id: "filter-facility", type: "search", list: "facility-names", placeholder: say("all.facility"), value: this.#nameOf(chosen), size: "16",
      focus: () => this.#names(), change: () => this.#pick(box),
    });
    return h("label", { for: "filter-facility" }, h("span", { class: "spoken" }, say("filter.facility")), box,
      (this.names = h("datalist", { id: "facility-names" })));
  }

  async #names() {
    const { programme, park } = place().filters;
    const found = await get("facilities", { programme, park, form: "row", limit: 5000 });
    this.plants = new Map(found.facilities.map((one) => [named(one, "name"), one.id]));
    fill(this.names, [...this.plants.keys()].map((name) => h("option", { value: name })));
  }

  #pick(box) {
    const text = box.value.trim();
    const id = this.plants?.get(text) ?? text;
    go({ facility: id });
  }

  #nameOf(id) {
    return [...(this.plants ?? [])].find(([, one]) => one === id)?.[0] ?? id;
  }

  #state(state) {
    const box = byId("connection");
    box.className = `connection connection-${state}`;
    box.textContent = say(`connection.${state}`);
  }
}
