"""A small real HTTP server that speaks OpenAI's completions, chats and legacy, on a thread and a free loopback port."""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

#: Words of a prompt that it takes, as the server of an expert with a short context would.
CONTEXT_WORDS = 64


class ChatServer:
    """Answers politely, unless `failures`, `delay_s`, `reply` or `choice` say otherwise; keeps what it was sent."""

    def __init__(self) -> None:
        self.failures: list[int] = []  # HTTP statuses for the next calls
        self.says = ""  # in their bodies
        self.delay_s = 0.0
        self.reply: dict = {}  # laid over the completion
        self.choice: dict = {}  # laid over its choice
        self.only_chats = False
        self.received: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def answer(self, path: str, asked: dict) -> tuple[int, dict]:
        """Status and body for one call."""
        self._ended.wait(self.delay_s)
        legacy = not path.endswith("/chat/completions")
        if legacy and self.only_chats:
            return 404, {"error": {"message": "This is a chat model", "code": None}}
        texts = [asked["prompt"]] if legacy else [message["content"] for message in asked["messages"]]
        words = sum(len(text.split()) for text in texts)
        if self.failures:
            status = self.failures.pop(0)
            return status, {"error": {"message": self.says or f"told to say {status}", "code": None}}
        if words > CONTEXT_WORDS:
            told = {"message": f"the prompt has {words} tokens", "code": "context_length_exceeded"}
            return 400, {"error": told}
        return 200, self._completion(words, asked, legacy=legacy)

    def _completion(self, words: int, asked: dict, *, legacy: bool) -> dict:
        limit = asked.get("max_tokens")
        said = ["Good", "day", "to", "you"][:limit]
        message = {"role": "assistant", "content": " ".join(said)}
        choice = {
            "index": 0,
            "finish_reason": "length" if limit is not None and limit < 4 else "stop",
            **(_continued(asked, said) if legacy else {"message": message}),
            **self.choice,
        }
        usage = {"prompt_tokens": words, "completion_tokens": len(said), "total_tokens": words + len(said)}
        head = {"id": "x", "object": "text_completion" if legacy else "chat.completion", "model": "m"}
        return {**head, "created": int(time.time()), "choices": [choice], "usage": usage, **self.reply}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.received.append(asked)
                server.headers.append({name.lower(): value for name, value in self.headers.items()})
                status, body = server.answer(self.path, asked)
                data = json.dumps(body).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except ConnectionError:
                    self.close_connection = True  # its client gave up waiting

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Handler


def _continued(asked: dict, said: list[str]) -> dict:
    """A legacy choice: a token a word, of which none is likelier than another."""
    prompt = re.findall(r"\s*\S+", asked["prompt"]) if asked.get("echo") else []
    tokens = [*prompt, *(f" {word}" for word in said)]
    if "logprobs" not in asked:
        return {"text": "".join(tokens), "logprobs": None}
    first = [None] if prompt else []
    places = range(len(tokens) - len(first))
    logprobs = {
        "tokens": tokens,
        "token_logprobs": [*first, *(-0.5 for _ in places)],
        "top_logprobs": [*first, *({tokens[at + len(first)]: -0.5} for at in places)],
        "text_offset": [len("".join(tokens[:at])) for at in range(len(tokens))],
    }
    return {"text": "".join(tokens), "logprobs": logprobs}
