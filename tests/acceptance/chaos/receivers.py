"""A receiver of webhooks, which counts them."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Receiver:
    """The webhooks that came: id and kind of each event, by batch."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self.events: dict[str, set[tuple[str, str]]] = {}


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = receiver.events.setdefault(event["data"]["id"], set())
            found.add((event["id"], event["type"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
