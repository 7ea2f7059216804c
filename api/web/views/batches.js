// All that was submitted, the newest first.

import { get } from "../api.js";
import { fill, h, keyed } from "../dom.js";
import { watch } from "../live.js";
import { batchRow, batchTable, choice, ended, howToSubmit, title } from "../parts.js";

/** Between two looks while something is open, and else; for each page that is shown. */
const OPEN_MS = 2000;
const IDLE_MS = 5000;
const LIMIT = 20;
const CLASSES = [["", "All"], ["bulk", "Bulk"], ["interactive", "Interactive"]];

export async function batches(main, _, signal) {
  const place = h("div");
  const body = h("tbody");
  const show = keyed(body, batchRow);
  const list = h("div");
  const more = h("button", { type: "button", class: "more", hidden: true, onclick: older }, "Show older");
  let chosen = "";
  let pages = 1;
  let turn = 0;
  let restMs = OPEN_MS;

  const everyMs = () => restMs;
  const look = async () => {
    const asked = turn;
    const found = await all(chosen, pages, signal);
    if (asked !== turn) return true; // another class was chosen meanwhile
    if (found.data.length) {
      if (!body.isConnected) fill(list, batchTable(body));
    } else fill(list, chosen ? h("p", { class: "muted" }, `Nothing ${chosen} was submitted.`) : howToSubmit());
    show(found.data);
    restMs = pages * (found.data.every(ended) ? IDLE_MS : OPEN_MS);
    more.hidden = !found.has_more;
    return true;
  };
  function choose(value) {
    [chosen, pages] = [value, 1];
    again();
  }
  function older() {
    pages += 1;
    again();
  }
  function again() {
    turn += 1;
    watch(async () => (await look(), false), { everyMs, signal, place });
  }
  fill(main, title("Batches", choice("Class", CLASSES, chosen, choose)), place, list, more);
  await watch(look, { everyMs, signal, place });
}

/** So many pages as one list. */
async function all(chosen, pages, signal) {
  const data = [];
  for (let page = 0; page < pages; page += 1) {
    const query = new URLSearchParams({ limit: LIMIT, ...(chosen && { class: chosen }), ...(data.length && { after: data.at(-1).id }) });
    const found = await get(`/v1/submissions?${query}`, signal);
    data.push(...found.data);
    if (!found.has_more) return { data, has_more: false };
  }
  return { data, has_more: true };
}

