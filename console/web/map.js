// Where the plants are, on a plain outline of land and water. No tiles, no borders, nothing from elsewhere.

import { get } from "./api.js";
import { byId, fill, h, s } from "./dom.js";
import { kilometres } from "./format.js";
import { place } from "./place.js";
import { named, say } from "./words.js";

const KM_PER_DEGREE = 111.195;
const LEAST_DEGREES = 0.35;
const MOST_PLANTS = 5000;

export class PlantMap {
  constructor() {
    this.plants = [];
    this.match = null;
    this.close = true;
    this.box = h("div", { class: "chart" });
    this.button = h("button", { class: "quiet", "aria-pressed": "false", click: () => this.#turn() }, say("map.all"));
    fill(byId("map"),
      h("div", { class: "panel-head" }, h("h2", { id: "map-title" }, say("map.title")), this.button),
      this.box,
      h("p", { class: "credit" }, say("map.credit")));
    new ResizeObserver(() => this.#show()).observe(this.box);
  }

  /** Read outline and plants; they come last, when everything else is there. */
  async load() {
    const { programme, park } = place().filters;
    const [outline, found] = await Promise.all([
      this.outline ?? fetch("/page/outline.json").then((answer) => answer.json()).then(unpacked),
      get("facilities", { programme, park, form: "row", limit: MOST_PLANTS }),
    ]);
    this.outline = outline;
    this.plants = found.facilities;
    this.#show();
  }

  /** Show the plants of a match. */
  choose(match) {
    this.match = match;
    this.#show();
  }

  #turn() {
    this.close = !this.close;
    this.button.setAttribute("aria-pressed", String(!this.close));
    this.#show();
  }

  #show() {
    const pair = ["giver", "receiver"].map((side) => [side, this.match?.flows[side]?.place]).filter(([, found]) => found);
    const shown = this.close && pair.length ? pair.map(([, found]) => found) : this.#within();
    if (!this.outline || !shown.length) return fill(this.box, h("p", { class: "empty" }, say(this.outline ? "map.none" : "loading")));
    const width = Math.max(240, this.box.clientWidth);
    const height = Math.max(120, this.box.clientHeight);
    const frame = frameOf(shown, width, height);
    const label = pair.length ? say("map.said", { giver: named(this.match, "giver"), receiver: named(this.match, "receiver"), km: kilometres(this.match.distance_km) }) : say("map.title");
    fill(this.box, s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label },
      s("rect", { class: "sea", width, height }),
      ["land", "lakes", "rivers"].map((kind) => s("path", { class: kind, d: pathOf(this.outline[kind], frame, kind === "rivers" ? "" : "Z") })),
      s("path", { class: "plants", d: this.#within().map((one) => `M${frame.x(one.longitude)} ${frame.y(one.latitude)}h0`).join("") }),
      pair.length === 2 ? link(pair, frame) : null,
      pair.map(([side, found], index) => marker(side, found, frame, index)),
      scaleBar(frame, width, height)));
  }

  #within() {
    const programme = place().filters.programme || this.match?.programme || this.plants[0]?.programme;
    return this.plants.filter((one) => one.programme === programme);
  }
}

function unpacked({ unit, ...layers }) {
  return Object.fromEntries(Object.entries(layers).map(([kind, lines]) => [kind, lines.map((line) => {
    const points = new Float32Array(line.length);
    let [longitude, latitude, west, east, south, north] = [0, 0, 999, -999, 999, -999];
    for (let at = 0; at < line.length; at += 2) {
      points[at] = (longitude += line[at]) * unit;
      points[at + 1] = (latitude += line[at + 1]) * unit;
      [west, east] = [Math.min(west, points[at]), Math.max(east, points[at])];
      [south, north] = [Math.min(south, points[at + 1]), Math.max(north, points[at + 1])];
    }
    return { points, west, east, south, north };
  })]));
}

/** Return how degrees become pixels: true to scale in the middle of the frame. */
function frameOf(points, width, height) {
  const longitudes = points.map((one) => one.longitude);
  const latitudes = points.map((one) => one.latitude);
  const middle = [(Math.min(...longitudes) + Math.max(...longitudes)) / 2, (Math.min(...latitudes) + Math.max(...latitudes)) / 2];
  const narrow = Math.cos((middle[1] * Math.PI) / 180);
  const span = (values) => Math.max(LEAST_DEGREES, (Math.max(...values) - Math.min(...values)) * 1.5);
  const pixels = Math.min(width / (span(longitudes) * narrow), height / span(latitudes));
  const x = (longitude) => Math.round((width / 2 + (longitude - middle[0]) * narrow * pixels) * 10) / 10;
  const y = (latitude) => Math.round((height / 2 - (latitude - middle[1]) * pixels) * 10) / 10;
  const [dx, dy] = [width / 2 / narrow / pixels, height / 2 / pixels];
  const bounds = { west: middle[0] - dx, east: middle[0] + dx, south: middle[1] - dy, north: middle[1] + dy };
  return { x, y, pixels, bounds };
}

function pathOf(lines, { x, y, bounds }, end) {
  const parts = [];
  for (const { points, west, east, south, north } of lines) {
    if (west > bounds.east || east < bounds.west || south > bounds.north || north < bounds.south) continue;
    let part = "";
    for (let at = 0; at < points.length; at += 2) part += `${at ? "L" : "M"}${x(points[at])} ${y(points[at + 1])}`;
    parts.push(part + end);
  }
  return parts.join("");
}

function link(pair, { x, y }) {
  const [[, from], [, to]] = pair;
  return s("line", { class: "link", x1: x(from.longitude), y1: y(from.latitude), x2: x(to.longitude), y2: y(to.latitude) });
}

function marker(side, found, { x, y }, index) {
  const [left, top] = [x(found.longitude), y(found.latitude)];
  return s("g", { class: `marker marker-${side}` },
    s("circle", { cx: left, cy: top, r: 6 }),
    s("text", { x: left, y: top + (index ? 20 : -11), "text-anchor": "middle" }, named(found, "name")));
}

function scaleBar({ pixels }, width, height) {
  const kilometre = pixels / KM_PER_DEGREE;
  const length = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].findLast((km) => km * kilometre < width / 3) ?? 1;
  const [left, top] = [12, height - 12];
  return s("g", { class: "scale" },
    s("path", { d: `M${left} ${top - 4}V${top}H${left + length * kilometre}V${top - 4}` }),
    s("text", { x: left, y: top - 8 }, `${length} km`));
}
