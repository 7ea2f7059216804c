// The form that asks for an API key.

import { key } from "../api.js";
import { fill, h } from "../dom.js";
import { command, title } from "../parts.js";

/** Show the form; `refused` says why a key that was there is no good. `then` is called when one is. */
export function signIn(main, refused, signal, then) {
  const told = h("p", { class: "refused", id: "refused", role: "alert" }, refused);
  const input = h("input", { id: "key", type: "password", autocomplete: "off", spellcheck: "false", autocapitalize: "off", required: true, "aria-describedby": "refused key-note" });
  const button = h("button", { type: "submit", class: "primary" }, "Sign in");
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    const why = await tried(input.value.trim(), signal);
    if (signal.aborted) return;
    button.disabled = false;
    fill(told, why);
    if (why === null) then();
    else input.focus();
  };
  fill(
    main,
    h(
      "div",
      { class: "narrow" },
      title("Sign in"),
      h("form", { class: "card form", onsubmit: submit },
        h("label", { for: "key" }, "API key"),
        input,
        told,
        h("p", { class: "muted", id: "key-note" }, "It stays in this tab, until you close it or sign out."),
        button),
      h("p", {}, "No key yet? Whoever runs this server makes one:"),
      command("torouter keys create my-laptop"),
      h("p", { class: "muted" }, "With ", h("code", {}, "--scope read --scope submit --scope operate"), " it shows the queues of all callers too."),
    ),
  );
}

/** Why the key isn't good; null: it is, and this tab has it. */
async function tried(secret, signal) {
  if (!/^[\x21-\x7e]+$/.test(secret)) return "This is no API key: check it for spaces and missing characters.";
  const response = await fetch("/v1/models", { headers: { Authorization: `Bearer ${secret}` }, cache: "no-store", credentials: "omit", signal }).catch(() => null);
  if (response === null) return "The server does not answer: try again.";
  if (response.ok) {
    key.set(secret);
    return null;
  }
  const { error } = await response.json().catch(() => ({}));
  return error?.message ?? `HTTP ${response.status}`;
}
