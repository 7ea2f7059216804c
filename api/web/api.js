// Calls of the HTTP API, with the key of this tab where there is one. Knows no page.

const KEY = "torouter.key";

/** What a call came to, in the server's words; status 0: there was no answer. */
export class ApiError extends Error {
  constructor(status, message, code = null, retryAfterS = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }
}

/** The key that this tab has signed in with; kept until it is closed, and sent in a header alone. */
export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

export async function get(path, signal) {
  return (await ask(path, { signal })).json();
}

export async function post(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  return (await ask(path, { method: "POST", headers, body: JSON.stringify(body), signal })).json();
}

/** Server-sent events, one after the other; EventSource could send no key. */
export async function* events(path, signal) {
  const response = await ask(path, { headers: { Accept: "text/event-stream" }, signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reading(() => reader.read());
    if (done) return;
    const whole = (text + value).split("\n\n");
    text = whole.pop();
    for (const event of whole) {
      const name = /^event: (.*)$/m.exec(event)?.[1];
      if (name) yield { name, data: JSON.parse(/^data: (.*)$/m.exec(event)[1]) };
    }
  }
}

async function ask(path, options) {
  const secret = key.get();
  const headers = { ...options.headers, ...(secret && { Authorization: `Bearer ${secret}` }) };
  const response = await reading(() => fetch(path, { ...options, headers, cache: "no-store", credentials: "omit" }));
  if (!response.ok) throw await refusal(response, secret);
  return response;
}

async function refusal(response, secret) {
  const { error = {} } = await response.json().catch(() => ({}));
  const retryAfterS = Number(response.headers.get("Retry-After")) || null;
  const refused = new ApiError(response.status, error.message ?? `HTTP ${response.status}`, error.code, retryAfterS);
  if (response.status === 401) document.dispatchEvent(new CustomEvent("torouter:unknown", { detail: { refused, secret } }));
  return refused;
}

/** A lost connection as an error of ours; that a view has been left stays what it is. */
async function reading(step) {
  try {
    return await step();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The server does not answer.");
  }
}
