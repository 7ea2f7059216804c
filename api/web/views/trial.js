// One prompt, to see where it goes.

import { get, post } from "../api.js";
import { fill, h, say } from "../dom.js";
import { problem, watch } from "../live.js";
import { title } from "../parts.js";
import { follow, promptParts } from "./prompt.js";

const everyMs = () => 400;

/** Policies: what each chooses, and its number's label with an example, where it has one. */
const POLICIES = {
  best: ["the best predicted quality", null],
  cost: ["quality minus cost", ["Quality that $1 per 1,000 prompts must bring", "20"]],
  time: ["quality minus time", ["Quality that a second must bring", "0.05"]],
  strong: ["strong experts for a share of prompts", ["Share for the strong experts, 0 to 1", "0.3"]],
  edge: ["the edge, unless the cloud is better", ["Quality that the cloud must bring", "0.05"]],
  guard: ["the best single expert, unless a gain is sure", ["Standard errors by which it must be sure", "2"]],
};

export async function trial(main, _, signal) {
  const place = h("div");
  const result = h("div");
  const form = formOf((body) => send(body, result, signal));
  fill(main, title("Try a prompt"), place, form.node, result);
  await watch(async () => {
    form.experts((await get("/v1/models", signal)).data.slice(1));
    return false;
  }, { everyMs, signal, place });
}

async function send(body, result, signal) {
  const place = h("div");
  const parts = promptParts({ isAsked: false });
  fill(result, place);
  try {
    const { prompts: [{ id }] } = await post("/v1/prompts", body, signal);
    fill(result, place, parts.node, h("p", {}, h("a", { href: `#/prompts/${encodeURIComponent(id)}` }, "Its own page")));
    await follow(id, { signal, place, everyMs }, parts.show);
  } catch (error) {
    if (!signal.aborted) fill(result, problem(error));
  }
}

function formOf(submitted) {
  const text = h("textarea", { id: "text", rows: "4", required: true, placeholder: "Tom has 3 boxes of 12 eggs and breaks 5. How many are whole?" });
  const expert = h("select", { id: "expert" }, h("option", { value: "" }, "The router chooses"));
  const policy = h("select", { id: "policy" }, h("option", { value: "" }, "As the server is set"), Object.entries(POLICIES).map(([name, [what]]) => h("option", { value: name }, `${name}: ${what}`)));
  const number = h("input", { id: "number", type: "number", min: "0", step: "any" });
  const label = h("label", { for: "number" });
  const knob = h("div", { hidden: true }, label, number);
  const policies = h("div", {}, h("label", { for: "policy" }, "Policy"), policy);
  const reference = h("textarea", { id: "reference", rows: "2" });
  const most = h("input", { id: "most", type: "number", min: "1", step: "1", placeholder: "the expert's own" });
  const button = h("button", { type: "submit", class: "primary" }, "Send");
  const changed = () => {
    const [, needs] = POLICIES[policy.value] ?? [null, null];
    const routed = !expert.value;
    policies.hidden = !routed;
    knob.hidden = !routed || !needs;
    number.required = !knob.hidden;
    if (needs) {
      fill(label, needs[0]);
      number.value ||= needs[1];
    }
  };
  policy.addEventListener("change", () => {
    number.value = "";
    changed();
  });
  expert.addEventListener("change", changed);
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    say("Sent.");
    const chosen = policy.value && (knob.hidden ? policy.value : `${policy.value}:${number.value}`);
    await submitted({
      prompt: text.value,
      ...(expert.value ? { expert: expert.value } : chosen && { policy: chosen }),
      ...(reference.value.trim() && { reference: reference.value }),
      ...(most.value && { max_tokens: Number(most.value) }),
    });
    button.disabled = false;
  };
  const node = h(
    "form",
    { class: "card form", onsubmit: submit, onkeydown: (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && node.requestSubmit() },
    h("label", { for: "text" }, "Prompt"),
    text,
    h("div", { class: "fields" }, h("div", {}, h("label", { for: "expert" }, "Expert"), expert), policies, knob),
    h("details", {}, h("summary", {}, "More"), h("label", { for: "reference" }, "A good answer, to score the expert's against"), reference, h("label", { for: "most" }, "Longest answer, in tokens"), most),
    h("div", { class: "actions" }, button, h("span", { class: "muted" }, "or Ctrl + Enter")),
  );
  const experts = (found) => expert.append(...found.map((one) => h("option", { value: one.id }, one.id)));
  return { node, experts };
}
