// Starts the page: words first, then the stream, then the lists, then what is chosen; the map comes last.

import { Alerts } from "./alerts.js";
import { byId } from "./dom.js";
import { FacilityPage } from "./facility.js";
import { FlowChart } from "./flows.js";
import { Header } from "./header.js";
import { Lists } from "./lists.js";
import { Live } from "./live.js";
import { PlantMap } from "./map.js";
import { MatchPanel } from "./match.js";
import { Notice } from "./notice.js";
import { showPerson } from "./person.js";
import { begin, FILTERS, place, settle, watch } from "./place.js";
import { TransactionTable } from "./transactions.js";
import { loadWords, say, wordAll } from "./words.js";

const NARROW = "(max-width: 1023px)";

class Operator {
  constructor() {
    this.live = new Live();
    this.notice = new Notice();
    this.header = new Header(this.live);
    this.alerts = new Alerts(this.live, this.notice);
    this.panel = new MatchPanel(this.live, this.notice, (match) => this.#shown(match));
    this.lists = new Lists(this.live, this.notice, (row) => this.panel.explain(row));
    this.transactions = new TransactionTable(this.live);
    this.chart = new FlowChart(this.live);
    this.map = new PlantMap();
    this.facility = new FacilityPage(this.live);
    this.live.on("reset", () => this.#guarded(this.#readAgain()));
    watch((now, before) => this.#guarded(this.#moved(now, before)));
  }

  async start() {
    this.live.open(place().match);
    if (place().plant !== null) await this.facility.load();
    await this.#guarded(Promise.all([this.header.load(), this.alerts.load(), this.lists.load(), this.transactions.load()]));
    if (place().plant === null && !place().match) await this.#guarded(this.#best());
    else await this.#guarded(this.panel.load(place().match));
  }

  /** Where there is room, something is chosen from the beginning: the best match. */
  async #best() {
    const best = place().list === "matches" && !matchMedia(NARROW).matches ? this.lists.best() : null;
    if (best) settle({ match: best.id });
    await this.panel.load(best?.id ?? null);
  }

  async #moved(now, before) {
    if (now.plant !== before.plant) await this.facility.load();
    if (now.plant !== null) return;
    if (before.plant !== null && !now.match) await this.#best();
    if (now.match !== before.match && now.match) {
      await this.panel.load(now.match);
      if (matchMedia(NARROW).matches) byId("detail").scrollIntoView();
    }
    const filtered = FILTERS.some((name) => now.filters[name] !== before.filters[name]);
    if (filtered) await Promise.all([this.alerts.load(), this.transactions.load(), this.map.load()]);
    if (filtered || now.list !== before.list) await this.lists.load();
    if (filtered) this.header.show();
  }

  async #readAgain() {
    await Promise.all([this.header.load(), this.alerts.load(), this.lists.load(), this.transactions.load()]);
    await this.panel.load(this.panel.match?.id ?? null);
  }

  #shown(match) {
    const id = match?.id ?? null;
    this.lists?.choose(id);
    this.transactions?.choose(id);
    this.map?.choose(match);
    if (this.chart) void this.chart.load(match);
    if (this.live.match !== id) this.live.open(id);
  }

  async #guarded(work) {
    try {
      await work;
    } catch (error) {
      this.notice.show(say("failed", { why: error.message }));
    }
  }
}

async function start() {
  await loadWords();
  document.title = say("product");
  wordAll(document);
  showPerson();
  begin();
  const operator = new Operator();
  await operator.start();
  performance.mark("interactive");
  document.body.dataset.ready = "true";
  const later = window.requestIdleCallback ?? setTimeout; // not every browser has it
  later(() => operator.map.load());
}

void start();
