"""The HTTP client of the commands, against a real server that answers what a test wants."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from api import probes
from api.client import Client
from core.errors import InvalidInputError, NotReadyError, TorouterError


class Answering(HTTPServer):
    """Answers every GET with `status` and `body`."""

    status = 200
    body = '{"id": "batch_1"}'


class Handler(BaseHTTPRequestHandler):
    server: Answering

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body.encode())

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Answering]:
    with Answering(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (400, '{"error": {"message": "max_tokens: (it is 0)"}}', InvalidInputError, r"max_tokens: .* \(HTTP 400\)"),
        (503, '{"error": {"message": "no router"}}', NotReadyError, r"no router \(HTTP 503\)"),
        (404, "<html>", InvalidInputError, "is that a torouter server"),
        (502, "<html>", NotReadyError, "is that a torouter server"),
    ],
)
def test_an_error_is_the_servers_own_from_500_on(
    server: Answering, status: int, body: str, error: type[TorouterError], says: str
) -> None:
    server.status, server.body = status, body

    with pytest.raises(error, match=says):
        Client(f"http://127.0.0.1:{server.server_port}").batch("batch_1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    server: Answering, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")  # nobody listens there

    assert Client(f"http://{host}:{server.server_port}").batch("batch_1") == {"id": "batch_1"}


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("fe80::1", "http://[fe80::1]:80"),
        ("name", "http://name:80"),
    ],
)
def test_a_server_is_reached_where_it_listens(host: str, url: str) -> None:
    assert probes.url(host, 80) == url
