// One prompt: what was asked, where it went and why, what came back and what it took.

import { get } from "../api.js";
import { fill, fresh, h, say } from "../dom.js";
import { brief, duration, quality, state, usd, when, whole } from "../format.js";
import { watch } from "../live.js";
import { badge, facts, title } from "../parts.js";
import { predictions } from "../plots.js";

const everyMs = () => 1000;
const ENDED = new Set(["done", "failed", "cancelled", "expired"]);

const CURES = {
  context_length_exceeded: "Shorten it, ask for fewer tokens, or name an expert with a larger context.",
  content_filter: "The expert's provider refused it: change the text, or name another expert.",
  worker_lost: "Its worker died each time. See the log of `torouter work expert`, and submit it again.",
  generation_failed: "Submit it again; if it fails again, see the log of `torouter work expert`.",
  model_not_found: "Name an expert that the catalogue has: see Routing.",
};

export async function prompt(main, id, signal) {
  const place = h("div");
  const beside = h("span");
  const parts = promptParts();
  fill(main, title(`Prompt ${brief(id)}`, beside), place, parts.node);
  await follow(id, { signal, place, everyMs }, (found) => {
    fill(beside, badge(found.state));
    parts.show(found);
  });
}

/** Look at a prompt until it has ended and, where it has a reference, is scored. */
export function follow(id, { signal, place, everyMs }, show) {
  let looks = 0;
  const step = async () => {
    const found = await get(`/v1/prompts/${encodeURIComponent(id)}`, signal);
    show(found);
    looks += 1;
    return !(ENDED.has(found.state) && (scored(found) || looks > 60));
  };
  return watch(step, { signal, place, everyMs });
}

function scored(found) {
  return !found.reference || found.generations.every((one) => one.state !== "done" || Object.keys(one.scores).length);
}

/** The parts of a prompt's page, in the order of its way; without what was asked, where that is seen anyway. */
export function promptParts({ isAsked = true } = {}) {
  const sections = ["asked", "decision", "answers", "about"].map((name) => h("div", { class: name }));
  const [asked, decision, answers, about] = sections;
  const shows = [
    [fresh(asked, askedOf), (found) => [found.messages, found.reference]],
    [fresh(decision, decisionOf), (found) => [found.decision, found.state]],
    [fresh(answers, answersOf), (found) => [found.generations, found.error, found.decision?.expert, found.reference]],
    [fresh(about, aboutOf), (found) => found],
  ];
  const tell = fresh(h("div"), ([now, expert]) => say(`Prompt ${state(now)}${expert ? `, expert ${expert}` : ""}.`));
  const show = (found) => {
    for (const [shown, pick] of shows) shown(pick(found));
    tell([found.state, found.decision?.expert]);
  };
  return { node: h("div", { class: "prompt" }, isAsked ? sections : sections.slice(1)), show };
}

function askedOf([messages, reference]) {
  return [
    h("h2", {}, "Asked"),
    messages.map((one) => h("div", { class: `message ${one.role}` }, h("span", { class: "role" }, one.role), h("div", { class: "text" }, one.content))),
    reference ? h("details", {}, h("summary", {}, "Reference answer"), h("div", { class: "text" }, reference)) : null,
  ];
}

function decisionOf([decision, now]) {
  if (!decision) return ENDED.has(now) ? null : [h("h2", {}, "Decision"), h("p", { class: "muted waits" }, "Waits to be routed …")];
  return h("section", { class: "card" }, h("h2", {}, "Decision"), h("p", {}, why(decision)), plotOf(decision), facts(
    ["Policy", h("code", {}, decision.policy)],
    ["Checkpoint", decision.checkpoint ? h("code", {}, brief(decision.checkpoint)) : null],
    ["Routing took", decision.checkpoint || decision.predictions ? duration(decision.route_s) : null],
  ));
}

function why(decision) {
  const { expert, predictions: values } = decision;
  if (!expert) return "Every expert answers it, so that they can be compared.";
  if (!values) return [h("strong", {}, expert), " was named by the caller; the router was not asked."];
  const others = Object.entries(values).filter(([name]) => name !== expert).map(([, value]) => value);
  if (!others.length || values[expert] === undefined) return [h("strong", {}, expert), " was chosen."];
  const lead = values[expert] - Math.max(...others);
  const told = decision.prediction_kind === "quality" ? "predicted quality" : "predicted chance of being best";
  const weighed = lead < 0 ? "below the best, which the policy weighed against cost, time or place." : "above the next best.";
  return [h("strong", {}, expert), ` was chosen: its ${told} is ${quality(Math.abs(lead))} ${weighed}`];
}

function plotOf({ predictions: values, expert, prediction_kind: kind }) {
  if (!values) return null;
  return h("figure", {}, h("figcaption", {}, kind === "quality" ? "Predicted quality of each expert's answer, 0 to 1" : "Predicted chance that each expert's answer is the best"), predictions(values, expert));
}

function answersOf([generations, error, chosen, reference]) {
  if (error && generations.length <= 1) return failure(error);
  return [
    error ? failure(error) : null,
    generations.length ? h("h2", {}, generations.length > 1 ? "Answers" : "Answer") : null,
    generations.map((one) => answerOf(one, generations.length > 1 || one.expert !== chosen, reference)),
  ];
}

function failure(error) {
  const cure = CURES[error.code];
  return h("div", { class: "problem", role: "alert" }, h("p", {}, h("strong", {}, error.message ?? error.code)), h("p", {}, cure ?? null, " ", h("code", {}, error.code)));
}

function answerOf(one, named, reference) {
  const { metrics } = one;
  return h(
    "article",
    { class: "card", "aria-label": `Answer of ${one.expert}` },
    h("p", { class: "who" }, h("strong", {}, one.expert), " ", badge(one.state)),
    one.answer === null ? null : h("div", { class: "text" }, one.answer || "(empty)"),
    named && one.error ? failure(one.error) : null,
    one.state === "done" ? facts(
      ...Object.entries(one.scores).map(([scorer, value]) => [scorer === "bertsim" ? "BERTSim" : scorer, quality(value)]),
      ["Quality", reference && !Object.keys(one.scores).length ? "being scored" : null],
      ["Cost", usd(metrics.cost_usd)],
      ["Tokens in", whole(metrics.input_tokens)],
      ["Tokens out", whole(metrics.output_tokens)],
      ["Took", duration(metrics.inference_s)],
      ["Waited in the engine", duration(metrics.queue_s)],
      ["First token after", metrics.first_token_s === null ? null : duration(metrics.first_token_s)],
      ["NLL per token", metrics.nll_answer === null ? null : metrics.nll_answer.toFixed(2)],
      ["NLL of the reference", metrics.nll_reference === null ? null : metrics.nll_reference.toFixed(2)],
      ["Ended by", one.finish_reason],
      ["Attempts", one.attempts > 1 ? one.attempts : null],
    ) : null,
  );
}

function aboutOf(found) {
  return facts(
    ["Submitted", when(found.created_at)],
    ["From submission to end", found.finished_at ? duration(found.finished_at - found.created_at) : null],
    ["Data set", found.dataset],
    ["Your id", found.custom_id ? h("code", {}, found.custom_id) : null],
    ["Batch", h("a", { href: `#/batches/${encodeURIComponent(found.batch_id)}` }, h("code", {}, brief(found.batch_id)))],
    ["Id", h("code", {}, found.id)],
  );
}
