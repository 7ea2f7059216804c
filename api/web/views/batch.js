// One batch as it goes: progress, errors, what each expert did, its prompts.

import { events, get } from "../api.js";
import { fill, fresh, h, keyed, say } from "../dom.js";
import { brief, duration, many, quality, short, state, usd, when, whole } from "../format.js";
import { pause, watch } from "../live.js";
import { badge, choice, command, counted, ended, facts, head, number, over, progress, scrolling, shareBar, tags, title } from "../parts.js";

const everyMs = () => 1000;
const PROMPTS_MS = 2000;
const LIMIT = 20;

/** Seconds of which the speed is a mean, and between two announcements to a screen reader. */
const SPEED_S = 20;
const SAY_S = 10;

export async function batch(main, id, signal) {
  const place = h("div");
  const parts = { state: h("span"), counts: h("p", { class: "counts" }), speed: h("p", { class: "muted" }), facts: h("div"), errors: h("div"), experts: h("div"), commands: h("div") };
  const bar = progress("Progress");
  const prompts = listOf(id, signal);
  fill(
    main,
    title(`Batch ${brief(id)}`, parts.state),
    place,
    h("section", { class: "card", "aria-label": "Progress" }, parts.counts, bar.node, parts.speed, parts.facts),
    parts.errors,
    parts.experts,
    prompts.node,
    parts.commands,
  );
  const show = shown(parts, bar);
  const follow = async () => {
    for await (const event of events(`/v1/batches/${encodeURIComponent(id)}/events`, signal)) {
      fill(place);
      show(event.data);
      prompts.changed(event.data);
      if (event.name === "end") return false;
    }
    return true; // it was cut off: again
  };
  await watch(follow, { everyMs, signal, place });
}

function shown(parts, bar) {
  const speed = speedometer();
  const tell = teller();
  const experts = fresh(parts.experts, expertsOf);
  const errors = fresh(parts.errors, errorsOf);
  const commands = fresh(parts.commands, commandsOf);
  return (now) => {
    bar.update(now);
    fill(parts.state, badge(now.status));
    fill(parts.counts, countsOf(now));
    fill(parts.speed, speed(now));
    fill(parts.facts, factsOf(now));
    errors(now.errors);
    experts(now.by_expert);
    commands({ id: now.id, ended: ended(now), references: now.references, input: now.input_file_id });
    tell(now);
  };
}

function countsOf({ status, request_counts: counts }) {
  if (!counts.total && status === "validating") return "Its file is being read.";
  return [h("strong", {}, whole(over(counts))), ` of ${many(counts.total, "prompt")}`, bad(counts)];
}

function bad(counts) {
  const found = ["failed", "cancelled", "expired"].filter((name) => counts[name]);
  return found.map((name) => h("span", { class: "badge bad" }, `${whole(counts[name])} ${name}`));
}

function factsOf(now) {
  const end = now.completed_at ?? now.failed_at ?? now.cancelled_at ?? now.expired_at;
  return facts(
    ["Class", now.class],
    ["Submitted", when(now.created_at)],
    ["Took", end ? duration(end - now.created_at) : null],
    ["Cost", usd(now.cost_usd)],
    ["Tokens in", short(now.usage.input_tokens)],
    ["Tokens out", short(now.usage.output_tokens)],
    ["Each prompt goes to", now.experts ? now.experts.join(", ") : null],
    ["Scores to come", now.scores_open || null],
    ["Due", !end && now.expires_at ? new Date(now.expires_at * 1000).toLocaleString() : null],
    ["Metadata", now.metadata && Object.keys(now.metadata).length ? tags(now.metadata) : null],
    ["Id", h("code", {}, now.id)],
  );
}

/** How fast it goes and how long it still takes, from what was seen in the last seconds. */
function speedometer() {
  let seen = [];
  return (now) => {
    if (ended(now)) return null;
    const at = performance.now() / 1000;
    seen = [...seen.filter((one) => at - one.at < SPEED_S), { at, count: over(now.request_counts) }];
    const [first] = seen;
    const perS = at > first.at ? (over(now.request_counts) - first.count) / (at - first.at) : 0;
    if (!perS) return now.request_counts.total ? "Measuring how fast it goes …" : null;
    const left = now.request_counts.total - over(now.request_counts);
    return `${perS < 10 ? perS.toFixed(1) : whole(Math.round(perS))} prompts/s, about ${duration(Math.max(1, left / perS))} left`;
  };
}

/** Tells a screen reader now and then, and when it is over. */
function teller() {
  let told = -Infinity;
  return (now) => {
    const at = performance.now() / 1000;
    if (!ended(now) && at - told < SAY_S) return;
    told = at;
    say(`Batch ${state(now.status)}: ${counted(now.request_counts)} prompts.`);
  };
}

function errorsOf(errors) {
  if (!errors?.data.length) return null;
  return h(
    "section",
    { class: "problem", role: "alert" },
    h("h2", {}, "Nothing of it has run"),
    h("ul", {}, errors.data.map((one) => h("li", {}, one.line === null ? null : h("strong", {}, `Line ${whole(one.line)}: `), one.message))),
    h("p", {}, "Mend those lines and submit the file again, or leave them out with ", h("code", {}, "--on-invalid skip"), "."),
  );
}

function expertsOf(byExpert) {
  const rows = Object.entries(byExpert).sort(([, one], [, other]) => other.completed - one.completed);
  if (!rows.length) return null;
  const all = rows.reduce((sum, [, one]) => sum + one.completed, 0);
  const columns = [["Expert"], ["Answers", "number"], ["Share"], ["Failed", "number"], ["Quality", "number"], ["Tokens out", "number wide"], ["Cost", "number wide"]];
  const cells = rows.map(([name, one]) =>
    h("tr", {}, h("th", { scope: "row" }, name), number(whole(one.completed)), h("td", {}, shareBar(one.completed, all)), number(whole(one.failed)), number(quality(one.quality)), number(short(one.output_tokens), "wide"), number(usd(one.cost_usd), "wide")));
  return h("section", {}, h("h2", {}, "By expert"), scrolling("By expert", columns, cells));
}

function commandsOf(now) {
  const file = now.input !== null;
  return h(
    "section",
    {},
    h("h2", {}, "From here"),
    h("p", {}, now.ended ? "All answers as a file:" : "The answers so far as a file, or its end:"),
    command(`torouter results ${now.id} --out answers.jsonl${now.ended ? "" : `\ntorouter cancel ${now.id}`}`),
    now.ended && file && now.references ? h("p", {}, `Its report measures ${many(now.references, "prompt")} with a reference: `, h("code", {}, `GET /v1/batches/${now.id}/report.html`)) : null,
  );
}

/** The batch's prompts, some pages of them, as a table. */
function listOf(id, signal) {
  const place = h("div");
  const body = h("tbody");
  const show = keyed(body, promptRow);
  const filter = h("div");
  const none = h("p", { class: "muted", hidden: true });
  const more = h("button", { type: "button", class: "more", hidden: true }, "Show more");
  let wanted = "";
  let pages = 1;
  let counts = null;
  let looking = false;
  let stale = false;

  const look = async () => {
    const query = { limit: LIMIT, ...(wanted && { state: wanted }) };
    const data = [];
    let page = { has_more: true };
    for (let n = 0; n < pages && page.has_more; n += 1) {
      const asked = new URLSearchParams({ ...query, ...(data.length && { after: data.at(-1).id }) });
      page = await get(`/v1/batches/${encodeURIComponent(id)}/prompts?${asked}`, signal);
      data.push(...page.data);
    }
    show(data);
    more.hidden = !page.has_more;
    none.hidden = data.length > 0;
    fill(none, wanted ? `None is ${wanted}.` : "Its lines are still being read.");
    return false;
  };
  const again = async () => {
    stale = true;
    if (looking) return;
    looking = true;
    while (stale && !signal.aborted) {
      stale = false;
      await watch(look, { everyMs, signal, place });
      if (stale) await pause(PROMPTS_MS, signal);
    }
    looking = false;
  };
  const choose = (value) => {
    [wanted, pages] = [value, 1];
    again();
  };
  more.addEventListener("click", () => {
    pages += 1;
    again();
  });
  const options = fresh(filter, (names) => (names.length ? choice("Prompts", [["", "All"], ...names.map((name) => [name, capital(name)])], wanted, choose) : null));
  const changed = (now) => {
    options(["failed", "cancelled", "expired"].filter((name) => now.request_counts[name]));
    const seen = JSON.stringify([now.request_counts, now.scores_open, now.stored_lines]);
    if (seen !== counts) again();
    counts = seen;
  };
  const columns = [["Prompt"], ["Expert"], ["Quality", "number wide"], ["Cost", "number wide"]];
  const node = h("section", {}, h("div", { class: "title" }, h("h2", {}, "Prompts"), filter), place, h("table", { class: "prompts" }, head(columns), body), none, more);
  return { node, changed };
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function promptRow(prompt) {
  const said = h("span", { class: "under" });
  const experts = h("td");
  const [found, cost] = [h("td", { class: "number wide" }), h("td", { class: "number wide" })];
  const name = h("a", { class: "excerpt", href: `#/prompts/${encodeURIComponent(prompt.id)}` }, prompt.text);
  const node = h("tr", {}, h("th", { scope: "row" }, name, said), experts, found, cost);
  const update = (now) => {
    fill(said, badge(now.state), now.custom_id ? h("code", {}, now.custom_id) : null, now.error ? h("span", { class: "excerpt" }, now.error.message ?? now.error.code) : null);
    fill(experts, now.experts.join(", ") || "–");
    fill(found, quality(now.quality));
    fill(cost, usd(now.cost_usd));
  };
  return { node, update };
}
