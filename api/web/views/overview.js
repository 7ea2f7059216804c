// What is going on, and what it took of late.

import { get } from "../api.js";
import { fill, fresh, h, keyed } from "../dom.js";
import { clock, day, many, quality, share, short, usd, whole } from "../format.js";
import { watch } from "../live.js";
import { batchRow, batchTable, choice, ended, figures, howToSubmit, number, scrolling, shareBar, title } from "../parts.js";
import { overTime } from "../plots.js";

const everyMs = () => 3000;
const RECENT = 20;

/** By name: hours, step, its seconds, how to tell a time. */
const SPANS = {
  "24h": { hours: 24, step: "hour", stepS: 3600, tick: clock, name: "last 24 hours", each: "hour" },
  "30d": { hours: 720, step: "day", stepS: 86_400, tick: day, name: "last 30 days", each: "day" },
};

export async function overview(main, _, signal) {
  const place = h("div");
  const [numbers, empty, plots, experts] = [h("div"), h("div"), h("div"), h("div")];
  const body = h("tbody");
  const under = h("section", { hidden: true }, h("h2", {}, "Under way"), batchTable(body));
  const shows = { numbers: fresh(numbers, figuresOf), plots: fresh(plots, plotsOf), experts: fresh(experts, expertsOf), batches: keyed(body, batchRow) };
  let span = "24h";
  const look = async () => {
    const asked = span;
    const { hours, step } = SPANS[asked];
    const [usage, recent] = await Promise.all([get(`/v1/usage?hours=${hours}&step=${step}`, signal), get(`/v1/submissions?limit=${RECENT}`, signal)]);
    if (asked !== span) return true;
    const open = recent.data.filter((one) => !ended(one));
    shows.numbers([usage, asked]);
    shows.plots([usage, asked]);
    shows.experts(usage);
    shows.batches(open);
    under.hidden = !open.length;
    if (recent.data.length) fill(empty);
    else if (!empty.children.length) fill(empty, howToSubmit());
    return true;
  };
  const choose = (value) => {
    span = value;
    watch(async () => (await look(), false), { everyMs, signal, place });
  };
  fill(main, title("Overview", choice("Time", [["24h", "24 hours"], ["30d", "30 days"]], span, choose)), place, numbers, empty, under, plots, experts);
  await watch(look, { everyMs, signal, place });
}

function figuresOf([usage, span]) {
  const { total } = usage;
  return figures(
    ["Waiting now", short(usage.open_prompts), "prompts"],
    ["Answers", short(total.completed), total.failed ? `${whole(total.failed)} failed (${share(total.failed, total.completed + total.failed)})` : SPANS[span].name],
    ["Cost", usd(total.cost_usd), total.completed ? `${usd((1000 * total.cost_usd) / total.completed)} per 1,000 answers` : null],
    ["Quality", quality(total.quality), total.scored ? `mean BERTSim of ${short(total.scored)}` : "no answer was scored"],
  );
}

function plotsOf([usage, span]) {
  if (!usage.data.length) return null;
  const { stepS, hours, tick, name, each } = SPANS[span];
  const found = new Map(usage.data.map((one) => [one.start, one.used]));
  const last = Math.floor(Date.now() / 1000 / stepS) * stepS;
  const starts = Array.from({ length: (hours * 3600) / stepS }, (_, place) => last - stepS * ((hours * 3600) / stepS - 1 - place));
  const points = (pick, told) => starts.map((at) => {
    const used = found.get(at);
    return { at, value: used ? pick(used) : null, label: used ? `${tick(at)}: ${told(used)}` : null };
  });
  return h(
    "div",
    { class: "plots" },
    figure(`Cost per ${each}`, usd(usage.total.cost_usd), { points: points((one) => one.cost_usd, (one) => `${usd(one.cost_usd)}, ${many(one.completed, "answer")}`), format: usd, tick, title: `Cost per ${each}, ${name}: ${usd(usage.total.cost_usd)} in all` }),
    figure(`Answers per ${each}`, short(usage.total.completed), { points: points((one) => one.completed, (one) => `${many(one.completed, "answer")}, ${short(one.output_tokens)} tokens`), format: short, tick, title: `Answers per ${each}, ${name}: ${whole(usage.total.completed)} in all` }),
    figure("Mean quality (BERTSim)", quality(usage.total.quality), { points: points((one) => one.quality, (one) => `${quality(one.quality)} over ${many(one.scored, "answer")}`), kind: "line", top: 1, format: (value) => value.toFixed(1), tick, title: `Mean quality per ${each}, ${name}: ${quality(usage.total.quality)}` }),
  );
}

function figure(name, value, plot) {
  return h("figure", { class: "card" }, h("figcaption", {}, name, h("strong", {}, value)), overTime(plot));
}

function expertsOf(usage) {
  const rows = Object.entries(usage.by_expert).sort(([, one], [, other]) => other.completed - one.completed);
  if (!rows.length) return null;
  const columns = [["Expert"], ["Share"], ["Answers", "number"], ["Quality", "number"], ["Tokens", "number wide"], ["Cost", "number"]];
  const cells = rows.map(([name, one]) =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, shareBar(one.completed, usage.total.completed)), number(whole(one.completed)), number(quality(one.quality)), number(short(one.input_tokens + one.output_tokens), "wide"), number(usd(one.cost_usd))));
  return h("section", {}, h("h2", {}, "By expert"), scrolling("By expert", columns, cells));
}
