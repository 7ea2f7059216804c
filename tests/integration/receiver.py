"""A real receiver of webhooks on this machine: it writes down what comes, and answers as it is told."""

import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple, Self

#: Its certificate, of receiver.test, and the key.
PEM = Path(__file__).parent / "receiver.pem"


class Received(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Until the block ends. `answers` are statuses, in turn; the last one stays."""

    answers: list[int] = field(default_factory=lambda: [200])
    #: Seconds before each byte of its answer.
    drips_s: float = 0.0
    #: Bytes of the answer's body.
    body_bytes: int = 0
    tls: bool = False
    received: list[Received] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._ending = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, self._ending))
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(PEM)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self._server.handle_error = lambda *_: None  # a client that doesn't trust it
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks"


def _handler(receiver: Receiver, ending: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
            answer = f"HTTP/1.1 {status} \r\nLocation: /elsewhere\r\nContent-Length: {receiver.body_bytes}\r\n\r\n"
            try:
                self._write(answer.encode())
            except OSError:  # the caller has left
                self.close_connection = True

        def _write(self, answer: bytes) -> None:
            if not receiver.drips_s:
                self.wfile.write(answer)
            for byte in answer if receiver.drips_s else b"":
                if ending.wait(receiver.drips_s):
                    raise OSError
                self.wfile.write(bytes([byte]))
            for _ in range(receiver.body_bytes // 2**16):
                self.wfile.write(bytes(2**16))
                time.sleep(0.001)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
