// The page: which view is shown by the address after #, and whether somebody has to sign in first.

import { key } from "./api.js";
import { fill, h, say } from "./dom.js";
import { passTime } from "./format.js";
import { problem } from "./live.js";
import { batch } from "./views/batch.js";
import { batches } from "./views/batches.js";
import { overview } from "./views/overview.js";
import { prompt } from "./views/prompt.js";
import { routing } from "./views/routing.js";
import { signIn } from "./views/signin.js";
import { trial } from "./views/trial.js";

/** By address; a view takes where to draw, what the address names, and a signal that it has been left. */
const VIEWS = [
  [/^\/$/, overview],
  [/^\/batches$/, batches],
  [/^\/batches\/([a-z]+_[0-9a-f]+)$/, batch],
  [/^\/prompts\/([a-z]+_[0-9a-f]+)$/, prompt],
  [/^\/try$/, trial],
  [/^\/routing$/, routing],
];

/** Between two updates of all times that are told as so long ago. */
const TIME_MS = 20_000;

const main = document.getElementById("main");
const signOut = document.getElementById("sign-out");
let leaving = new AbortController();

function show({ focus }) {
  const signal = entered();
  const address = location.hash.slice(1) || "/";
  const [pattern, view] = VIEWS.find(([one]) => one.test(address)) ?? [];
  signOut.hidden = !key.get();
  mark(address);
  if (view) view(main, pattern.exec(address)[1], signal).catch((error) => signal.aborted || fill(main, problem(error)));
  else fill(main, h("h1", { tabindex: "-1" }, "There is no such page"), h("p", {}, h("a", { href: "#/" }, "Go to the overview")));
  settle(focus);
}

/** Leave what was shown; the signal of what comes. */
function entered() {
  leaving.abort();
  leaving = new AbortController();
  fill(main);
  scrollTo(0, 0);
  say("");
  return leaving.signal;
}

function mark(address) {
  for (const link of document.querySelectorAll("nav a")) {
    const to = link.getAttribute("href").slice(1);
    const here = to === "/" ? address === "/" : address.startsWith(to) || (to === "/batches" && address.startsWith("/prompts/"));
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** The window's title, and where a keyboard goes on. */
function settle(focus) {
  const heading = main.querySelector("h1");
  document.title = heading ? `${heading.textContent} – torouter` : "torouter";
  if (focus) (heading ?? main).focus({ preventScroll: true });
}

function askForKey({ refused, secret }) {
  if (secret !== key.get() || main.querySelector("#key")) return; // another call was refused too, and the form is there
  key.forget();
  signOut.hidden = true;
  signIn(main, secret === null ? null : refused.message, entered(), () => show({ focus: true }));
  settle(true);
}

addEventListener("hashchange", () => show({ focus: true }));
document.addEventListener("torouter:unknown", (event) => askForKey(event.detail));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address after # is the view's
  main.focus();
});
signOut.addEventListener("click", () => {
  key.forget();
  show({ focus: true });
});
setInterval(passTime, TIME_MS);
show({ focus: false });
