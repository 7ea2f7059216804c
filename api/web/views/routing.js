// The router that routes, the experts, and how much waits for each.

import { get } from "../api.js";
import { fill, fresh, h } from "../dom.js";
import { brief, duration, many, price, quality, signed, when, whole } from "../format.js";
import { watch } from "../live.js";
import { command, facts, head, number, scrolling, shareBar, title } from "../parts.js";
import { interval } from "../plots.js";

const everyMs = () => 3000;

/** So many are counted at most (core/store/depths.py). */
const MOST = 10_000;

export async function routing(main, _, signal) {
  const place = h("div");
  const [router, experts, steps] = [h("section"), h("section"), h("section")];
  const shows = [fresh(router, routerOf), fresh(experts, expertsOf), fresh(steps, stepsOf)];
  fill(main, title("Routing"), place, router, experts, steps);
  const look = async () => {
    const [found, models, usage, queues] = await Promise.all([
      allowed(get("/v1/router", signal), 404),
      get("/v1/models", signal),
      get("/v1/usage?hours=24", signal),
      allowed(get("/v1/operator/queues", signal), 403),
    ]);
    const depths = queues && new Map(queues.data.map((one) => [one.queue, one]));
    shows[0](found);
    shows[1]([models.data.slice(1), usage, queues && Object.fromEntries(depths)]);
    shows[2](queues?.data.filter((one) => !one.queue.startsWith("expert.")) ?? null);
    return true;
  };
  await watch(look, { everyMs, signal, place });
}

/** Null where it is refused so. */
async function allowed(asked, status) {
  try {
    return await asked;
  } catch (error) {
    if (error.status === status) return null;
    throw error;
  }
}

function routerOf(router) {
  if (!router) return h("div", { class: "empty" }, h("h2", {}, "No router yet"), h("p", {}, "Prompts must name their expert until one is promoted. Let every expert answer some prompts with references, train on that, and promote it:"), command("torouter collect prompts.jsonl --out outcomes.jsonl\ntorouter train --outcomes outcomes.jsonl --out checkpoint\ntorouter promote checkpoint"));
  return h(
    "div",
    { class: "card" },
    h("h2", {}, "Router"),
    facts(
      ["Kind", h("strong", {}, router.kind)],
      ["Checkpoint", h("code", {}, brief(router.checkpoint))],
      ["Promoted", when(router.promoted_at)],
      ["By", router.verdict?.by],
      ["Trained on", router.trained_on ? many(router.trained_on, "prompt") : null],
      ["Learned to predict", named(router.quality)],
      ["Training took", router.train_s ? duration(router.train_s) : null],
    ),
    verdictOf(router.verdict),
    metricsOf(router),
  );
}

function verdictOf(verdict) {
  if (!verdict) return null;
  const heading = verdict.forced ? "Promoted by force" : verdict.ci95 ? (verdict.better ? "Better than the one before" : "Not better than the one before") : null;
  return h(
    "div",
    { class: "verdict" },
    h("h3", {}, heading ?? "Verdict"),
    verdict.ci95
      ? h("figure", {}, interval(verdict.difference, verdict.ci95), h("figcaption", {}, told(verdict)))
      : h("p", {}, sentence(verdict.reason)),
  );
}

function told({ quality: name, candidate, current, difference, ci95: [low, high], n }) {
  const lead = `${signed(difference)} (95 % interval ${signed(low)} to ${signed(high)})`;
  return `${named(name)} ${quality(candidate)} against ${quality(current)}: ${lead}, over ${many(n, "held-out prompt")}`;
}

const named = (measure) => (measure === "bertsim" ? "BERTSim" : measure);

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function metricsOf(router) {
  const rows = Object.entries(router.metrics);
  if (!rows.length) return null;
  return h("details", {}, h("summary", {}, "On its own validation prompts"), h("table", {}, head([["Measure"], ["Value", "number"], ["95 % interval", "number"], ["n", "number"]]), h("tbody", {}, rows.map(([name, one]) => h("tr", {}, h("th", { scope: "row" }, named(name)), number(quality(one.value)), number(`${quality(one.ci95[0])} to ${quality(one.ci95[1])}`), number(whole(one.n)))))));
}

function expertsOf([experts, usage, queues]) {
  if (!experts.length) return h("div", { class: "empty" }, h("h2", {}, "No experts"), h("p", {}, "Load a catalogue of them:"), command("torouter experts load"));
  const columns = [["Expert"], ["Share, 24 h"], ["Quality, 24 h", "number wide"], ...(queues ? [["Waiting", "number"], ["At work", "number"], ["Oldest", "number wide"]] : []), ["$ per 1M in", "number wide"], ["$ per 1M out", "number wide"], ["Context", "number wide"]];
  return [
    h("h2", {}, "Experts"),
    scrolling("Experts", columns, experts.map((one) => expertRow(one, usage, queues))),
    queues ? null : h("p", { class: "muted" }, "How much waits for each is for operators: sign in with a key of the scope ", h("code", {}, "operate"), "."),
  ];
}

function expertRow(expert, usage, queues) {
  const used = usage.by_expert[expert.id];
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, expert.id, expert.location === "cloud" ? h("span", { class: "tag" }, "cloud") : null),
    h("td", {}, shareBar(used?.completed ?? 0, usage.total.completed)),
    number(quality(used?.quality), "wide"),
    queues ? depthsOf(["interactive", "bulk"].map((name) => queues[`expert.${expert.id}.${name}`]).filter(Boolean)) : null,
    number(price(expert.price_in_usd_per_mtok), "wide"),
    number(price(expert.price_out_usd_per_mtok), "wide"),
    number(whole(expert.context_tokens), "wide"),
  );
}

function depthsOf(found) {
  const oldest = Math.max(...found.map((one) => one.oldest_s ?? -1));
  return [
    number(found.some((one) => one.waiting >= MOST) ? `${whole(MOST)}+` : whole(sum(found, "waiting"))),
    number(whole(sum(found, "running"))),
    number(oldest < 0 ? "–" : duration(Math.max(1, Math.round(oldest))), "wide"),
  ];
}

const sum = (found, name) => found.reduce((all, one) => all + one[name], 0);

const STEPS = { "route.interactive": "To be routed, interactive", "route.bulk": "To be routed, bulk", score: "To be scored" };

function stepsOf(found) {
  if (!found) return null;
  return [
    h("h2", {}, "Steps"),
    h("table", {}, h("thead", {}, h("tr", {}, ["Step", "Waiting", "At work", "Oldest"].map((name, place) => h("th", { scope: "col", class: place ? `number ${name === "Oldest" ? "wide" : ""}` : null }, name)))), h("tbody", {}, found.map((one) => h("tr", {}, h("th", { scope: "row" }, STEPS[one.queue] ?? one.queue), depthsOf([one]))))),
  ];
}
