// Looking again and again: with pauses, not while nobody sees the page, and on through a server's restart.

import { fill, h } from "./dom.js";

const LONGEST_PAUSE_MS = 15_000;

/** Between two looks at whether somebody sees the page again. */
const HIDDEN_MS = 500;

/** Whether trying again is of use. */
const passes = (error) => error.status === 0 || error.status === 429 || error.status >= 500;

/**
 * Call `step` until it returns false or the view is left (`signal`), with pauses of `everyMs()`. It is tried again
 * after errors that pass, which stand in `place` meanwhile; others stay there.
 */
export async function watch(step, { everyMs, signal, place }) {
  let failures = 0;
  while (!signal.aborted) {
    let pauseMs;
    try {
      if ((await step()) === false) return;
      if (failures) fill(place);
      failures = 0;
      pauseMs = everyMs();
    } catch (error) {
      if (signal.aborted || error.status === 401) return; // left, or the form to sign in is there
      fill(place, problem(error));
      if (!(error.status >= 0)) throw error; // a mistake of ours
      if (!passes(error)) return;
      pauseMs = Math.max(1000 * (error.retryAfterS ?? 0), Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** failures));
      failures += 1;
    }
    await pause(pauseMs, signal);
    await seen(signal);
  }
}

/** What went wrong, and what to do about it. */
export function problem(error) {
  return h("div", { class: "problem", role: "alert" }, h("p", {}, h("strong", {}, error.message)), cure(error));
}

function cure(error) {
  if (error.status === 0) return h("p", {}, "Is it running? Start it with ", h("code", {}, "torouter up"), ". This page tries again by itself.");
  if (error.status === 429) return h("p", {}, `This page tries again${error.retryAfterS ? ` in ${error.retryAfterS} s` : ""}.`);
  if (error.status >= 500) return h("p", {}, "This page tries again by itself.");
  if (error.status === 404) return h("p", {}, h("a", { href: "#/batches" }, "See all batches"));
  return null;
}

export function pause(ms, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}

/** When somebody looks at the page. */
async function seen(signal) {
  while (document.hidden && !signal.aborted) await pause(HIDDEN_MS, signal);
}
