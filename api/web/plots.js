// Small plots in SVG: over time, an interval, bars of predictions. Colours are the stylesheet's.

import { fill, h, svg } from "./dom.js";
import { quality, signed } from "./format.js";

const HEIGHT = 132;
const LEFT = 2;
const TOP = 20;
const BOTTOM = 20;
const AXIS = HEIGHT - BOTTOM;

/**
 * A plot of `points`, `{at, value, label}` in the order of time, null where there is no value: columns from 0, or a
 * line (`kind: "line"`). `top` is the end of the scale, `format` says a value, `tick` a time, `title` what it is.
 */
export function overTime({ points, kind, top, format, tick, title }) {
  const node = h("div", { class: "plot" });
  const most = top ?? Math.max(0, ...points.map((point) => point.value ?? 0));
  const draw = (width) => fill(node, most > 0 ? drawn({ points, kind, most, format, tick, title, width }) : nothing());
  new ResizeObserver(([entry]) => draw(Math.round(entry.contentRect.width))).observe(node);
  return node;
}

function nothing() {
  return h("p", { class: "muted plot-empty" }, "Nothing in this time.");
}

function drawn({ points, kind, most, format, tick, title, width }) {
  const step = (width - LEFT) / points.length;
  const x = (place) => LEFT + place * step;
  const y = (value) => AXIS - (value / most) * (AXIS - TOP);
  const shapes = kind === "line" ? line(points, x, y, step) : columns(points, x, y, step);
  const last = points.length - 1;
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": title },
    svg("line", { class: "grid", x1: 0, x2: width, y1: TOP, y2: TOP }),
    svg("text", { x: 0, y: TOP - 6 }, format(most)),
    shapes,
    svg("line", { class: "axis", x1: 0, x2: width, y1: AXIS + 0.5, y2: AXIS + 0.5 }),
    svg("text", { x: 0, y: HEIGHT - 4 }, tick(points[0].at)),
    svg("text", { x: width / 2, y: HEIGHT - 4, "text-anchor": "middle" }, tick(points[Math.floor(last / 2)].at)),
    svg("text", { x: width, y: HEIGHT - 4, "text-anchor": "end" }, tick(points[last].at)),
  );
}

function columns(points, x, y, step) {
  const gap = Math.min(3, step / 4);
  return points.map((point, place) =>
    point.value > 0
      ? svg(
          "rect",
          { class: "column", x: x(place), y: Math.min(y(point.value), AXIS - 1), width: Math.max(1, step - gap), height: Math.max(1, AXIS - y(point.value)), rx: 1 },
          svg("title", {}, point.label),
        )
      : null,
  );
}

function line(points, x, y, step) {
  const path = points
    .map((point, place) => (point.value === null ? "" : `${place && points[place - 1].value !== null ? "L" : "M"}${x(place) + step / 2} ${y(point.value)}`))
    .join("");
  const dots = points.map((point, place) =>
    point.value === null ? null : svg("circle", { class: "dot", cx: x(place) + step / 2, cy: y(point.value), r: 3 }, svg("title", {}, point.label)),
  );
  return [svg("path", { class: "line", d: path }), dots];
}

/** What each expert was predicted to be worth, the best first; `chosen` is marked by a word too. */
export function predictions(values, chosen) {
  const rows = Object.entries(values)
    .filter(([, value]) => value !== null)
    .sort(([, one], [, other]) => other - one);
  const most = Math.max(1, ...rows.map(([, value]) => value));
  return h(
    "ol",
    { class: "predictions" },
    rows.map(([name, value]) =>
      h(
        "li",
        { class: name === chosen ? "chosen" : null },
        h("span", { class: "name" }, name, name === chosen ? h("span", { class: "tag" }, "chosen") : null),
        svg("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
          svg("rect", { class: "track", width: 100, height: 8 }),
          svg("rect", { class: "value", width: Math.max(0.5, (100 * Math.max(0, value)) / most), height: 8 })),
        h("span", { class: "number" }, quality(value)),
      ),
    ),
  );
}

/** A difference and its 95 % interval beside 0. */
export function interval(value, [low, high]) {
  const reach = Math.max(Math.abs(low), Math.abs(high), 1e-6);
  const x = (of) => 160 + (95 * of) / reach;
  return svg(
    "svg",
    { class: "interval", viewBox: "0 0 320 50", role: "img", "aria-label": `${signed(value)}, 95 % interval ${signed(low)} to ${signed(high)}` },
    svg("line", { class: "axis", x1: 160, x2: 160, y1: 15, y2: 34 }),
    svg("text", { x: 160, y: 47, "text-anchor": "middle" }, "no difference"),
    svg("text", { x: x(value), y: 12, "text-anchor": "middle" }, signed(value)),
    svg("line", { class: "range", x1: x(low), x2: x(high), y1: 24, y2: 24 }),
    svg("circle", { class: "dot", cx: x(value), cy: 24, r: 5 }),
  );
}
