"""A small real HTTP server that speaks chat completions, on a thread and a free port of the loopback."""

import json
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

    def answer(self, asked: dict) -> tuple[int, dict]:
        """Status and body for one call."""
        self._ended.wait(self.delay_s)
        words = sum(len(message["content"].split()) for message in asked["messages"])
        if self.failures:
            status = self.failures.pop(0)
            return status, {"error": {"message": self.says or f"told to say {status}", "code": None}}
        if words > CONTEXT_WORDS:
            told = {"message": f"the prompt has {words} tokens", "code": "context_length_exceeded"}
            return 400, {"error": told}
        return 200, self._completion(words, asked.get("max_tokens"))

    def _completion(self, words: int, limit: int | None) -> dict:
        said = ["Good", "day", "to", "you"][:limit]
        choice = {
            "index": 0,
            "finish_reason": "length" if limit and limit < 4 else "stop",
            "message": {"role": "assistant", "content": " ".join(said)},
            **self.choice,
        }
        usage = {"prompt_tokens": words, "completion_tokens": len(said), "total_tokens": words + len(said)}
        head = {"id": "x", "object": "chat.completion", "created": int(time.time()), "model": "m"}
        return {**head, "choices": [choice], "usage": usage, **self.reply}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.received.append(asked)
                server.headers.append({name.lower(): value for name, value in self.headers.items()})
                status, body = server.answer(asked)
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
