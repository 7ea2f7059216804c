// Numbers, times and names for people. What isn't known is a dash, never a 0.

import { h } from "./dom.js";

export const NONE = "–";

const WHOLE = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const CENTS = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const PRICE = new Intl.NumberFormat("en", { maximumFractionDigits: 6 });
const TINY = new Intl.NumberFormat("en", { maximumSignificantDigits: 2, maximumFractionDigits: 9 });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

const known = (value) => value !== null && value !== undefined;

export const whole = (value) => (known(value) ? WHOLE.format(value) : NONE);
export const short = (value) => (known(value) ? (value < 10_000 ? WHOLE.format(value) : SHORT.format(value)) : NONE);
export const quality = (value) => (known(value) ? value.toFixed(3) : NONE);
export const signed = (value) => (known(value) ? (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3) : NONE);
export const price = (value) => (known(value) ? `$${PRICE.format(value)}` : NONE);

/** In hundredths; what is less than one of them, but something, has a digit behind the point. */
export function share(part, all) {
  if (!all) return NONE;
  const hundredths = (100 * part) / all;
  return `${hundredths > 0 && hundredths < 1 ? Math.max(0.1, hundredths).toFixed(1) : Math.round(hundredths)} %`;
}


export const many = (count, one, several = `${one}s`) => `${whole(count)} ${count === 1 ? one : several}`;

/** US$, with two digits that say something where it is less than ten cents. */
export function usd(value) {
  if (!known(value)) return NONE;
  return `$${value === 0 ? "0" : value < 0.1 ? TINY.format(value) : CENTS.format(value)}`;
}

/** A time in seconds. */
export function duration(s) {
  if (!known(s)) return NONE;
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 60) return `${s < 10 && s % 1 ? s.toFixed(1) : Math.round(s)} s`;
  const [small, large, names] = s < 3600 ? [1, 60, ["min", "s"]] : s < 86_400 ? [60, 3600, ["h", "min"]] : [3600, 86_400, ["d", "h"]];
  const rest = Math.floor((s % large) / small);
  return `${Math.floor(s / large)} ${names[0]}${rest ? ` ${rest} ${names[1]}` : ""}`;
}

export const clock = (at) => CLOCK.format(at * 1000);
export const day = (at) => DATE.format(at * 1000);

/** When something was, of Unix seconds: near, how long ago; else the date. The exact time is its title. */
export function when(at) {
  if (!known(at)) return NONE;
  const date = new Date(at * 1000);
  return h("time", { datetime: date.toISOString(), title: date.toLocaleString() }, since(at));
}

function since(at) {
  const ago = Date.now() / 1000 - at;
  return ago < 2 ? "just now" : ago < 86_400 ? `${round(ago)} ago` : `${day(at)}, ${clock(at)}`;
}

/** Tell the times anew that are on the page. */
export function passTime() {
  for (const node of document.querySelectorAll("time")) node.textContent = since(Date.parse(node.dateTime) / 1000);
}

function round(ago) {
  if (ago < 60) return `${Math.floor(ago)} s`;
  return ago < 3600 ? `${Math.floor(ago / 60)} min` : `${Math.floor(ago / 3600)} h`;
}

/** The end of an id, which tells it from its neighbours; its beginning is a time. */
export const brief = (id) => `…${id.slice(-6)}`;

const STATES = {
  in_progress: "in progress",
  finalizing: "finishing",
  pending: "waiting",
  running: "at work",
  routed: "with its expert",
};

export const state = (name) => STATES[name] ?? name;
