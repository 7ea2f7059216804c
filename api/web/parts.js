// What several views show: figures, progress, states, commands, tables.

import { fill, h } from "./dom.js";
import { brief, many, share, state, usd, when, whole } from "./format.js";
import { key } from "./api.js";

const ENDED = new Set(["completed", "failed", "expired", "cancelled", "done"]);
const BAD = new Set(["failed", "expired", "cancelled"]);

export const ended = (batch) => ENDED.has(batch.status);

/** A state as a word with a mark, whose colour says nothing more. */
export function badge(name) {
  const kind = BAD.has(name) ? "bad" : ENDED.has(name) ? "good" : "open";
  return h("span", { class: `badge ${kind}` }, state(name));
}

/** The title of a view; it gets the focus when the view is come to. */
export function title(text, ...beside) {
  return h("div", { class: "title" }, h("h1", { tabindex: "-1" }, text), ...beside);
}

/** Figures: `[name, value, note]` each. */
export function figures(...found) {
  return h(
    "dl",
    { class: "figures" },
    found.map(([name, value, note]) => h("div", {}, h("dt", {}, name), h("dd", {}, value, note ? h("span", { class: "note" }, note) : null))),
  );
}

/** Facts in small: `[name, value]` each; those without a value are left out. */
export function facts(...found) {
  const there = found.filter(([, value]) => value !== null && value !== undefined && value !== false);
  return h("dl", { class: "facts" }, there.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** A batch's bar. `update` takes its object. */
export function progress(label) {
  const parts = ["done", "failed", "stopped"].map((name) => h("span", { class: name }));
  const node = h("div", { class: "bar", role: "progressbar", "aria-label": label, "aria-valuemin": "0" }, parts);
  const update = ({ request_counts: counts }) => {
    const widths = [counts.completed, counts.failed, counts.cancelled + counts.expired];
    parts.forEach((part, place) => {
      part.hidden = !widths[place];
      part.style.setProperty("inline-size", `${(100 * widths[place]) / (counts.total || 1)}%`);
    });
    node.setAttribute("aria-valuemax", String(counts.total));
    node.setAttribute("aria-valuenow", String(over(counts)));
    node.setAttribute("aria-valuetext", counted(counts));
  };
  return { node, update };
}

/** Prompts that have ended. */
export const over = (counts) => counts.completed + counts.failed + counts.cancelled + counts.expired;

export function counted(counts) {
  const bad = ["failed", "cancelled", "expired"].filter((name) => counts[name]).map((name) => `, ${whole(counts[name])} ${name}`);
  return `${whole(counts.completed)} of ${whole(counts.total)}${bad.join("")}`;
}

/** Batches as a table. */
export function batchRow(batch) {
  const bar = progress(`Progress of ${batch.id}`);
  const said = h("span", { class: "under" });
  const about = h("span", { class: "under" });
  const cost = h("td", { class: "number wide" });
  const at = h("td", { class: "number wide" });
  const name = h("a", { href: `#/batches/${encodeURIComponent(batch.id)}` });
  const node = h("tr", {}, h("th", { scope: "row" }, name, about), h("td", { class: "progress" }, bar.node, said), cost, at);
  const update = (now) => {
    bar.update(now);
    fill(name, many(now.request_counts.total, "prompt"), " ", h("code", {}, brief(now.id)));
    fill(about, badge(now.status), ` ${now.class}`, now.experts ? ` · ${many(now.experts.length, "expert")} each` : null, tags(now.metadata));
    fill(said, counted(now.request_counts));
    fill(cost, usd(now.cost_usd));
    fill(at, when(now.created_at));
  };
  return { node, update };
}

export function batchTable(rows) {
  return h("table", { class: "batches" }, head([["Batch"], ["Progress"], ["Cost", "number wide"], ["Submitted", "number wide"]]), rows);
}

/** A table's first row: `[name, class]` of each column. */
export function head(columns) {
  return h("thead", {}, h("tr", {}, columns.map(([name, kind]) => h("th", { scope: "col", class: kind ?? null }, name))));
}

/** A table of such columns, which scrolls sideways within itself where the screen is narrow. */
export function scrolling(label, columns, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, h("table", {}, head(columns), h("tbody", {}, rows)));
}

/** A cell with a number; `wide`: not on a phone. */
export const number = (text, more = "") => h("td", { class: `number ${more}` }, text);

export function tags(metadata) {
  return Object.entries(metadata ?? {}).slice(0, 3).map(([name, value]) => h("span", { class: "tag" }, `${name}=${value}`));
}

/** How much of `all` as a bar with its share. */
export function shareBar(part, all) {
  const value = h("span", { class: "done" });
  value.style.setProperty("inline-size", `${all ? (100 * part) / all : 0}%`);
  return h("span", { class: "share" }, h("span", { class: "bar", "aria-hidden": "true" }, value), share(part, all));
}

/** A command to run, with a button that copies it where the browser can. */
export function command(text) {
  const node = h("div", { class: "command" }, h("pre", { tabindex: "0", role: "group", "aria-label": "Command" }, h("code", {}, text)));
  if (navigator.clipboard) {
    const copy = h("button", { type: "button", class: "quiet", onclick: async () => {
      await navigator.clipboard.writeText(text);
      fill(copy, "Copied");
    } }, "Copy");
    node.append(copy);
  }
  return node;
}

/** How to submit something, with this server's address. */
export function howToSubmit() {
  const authorization = key.get() ? ` \\\n  -H "Authorization: Bearer $TOROUTER_API_KEY"` : "";
  return h(
    "div",
    { class: "empty" },
    h("h2", {}, "Nothing submitted yet"),
    h("p", {}, "Send a file of prompts, one JSON object a line, from the command line:"),
    command(`echo '{"prompt": "Does regular walking lower blood pressure?"}' > prompts.jsonl\ntorouter submit prompts.jsonl --wait${location.origin === "http://127.0.0.1:2345" ? "" : ` --url ${location.origin}`}`),
    h("p", {}, "or over HTTP:"),
    command(`curl -sS ${location.origin}/v1/prompts${authorization} \\\n  -H "Content-Type: application/json" \\\n  -d '{"prompts": [{"prompt": "What is 6 times 7?"}, {"prompt": "Name a noble gas."}]}'`),
    h("p", {}, "or ", h("a", { href: "#/try" }, "try one prompt"), " here."),
  );
}

/** A choice of one among few, as buttons: `[value, text]` each. */
export function choice(label, options, chosen, choose) {
  const buttons = options.map(([value, text]) =>
    h("button", { type: "button", "aria-pressed": String(value === chosen), onclick: (event) => {
      for (const one of buttons) one.setAttribute("aria-pressed", String(one === event.currentTarget));
      choose(value);
    } }, text),
  );
  return h("div", { class: "choice", role: "group", "aria-label": label }, buttons);
}
