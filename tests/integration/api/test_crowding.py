"""Clients that are many, slow or gone, at a real uvicorn: nobody else notices, and nothing is left of them."""

import asyncio
import contextlib
import json
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from api.http import crowding
from core.settings import Settings
from core.store import Store
from tests.factories import prompt, submit
from tests.integration.api.played import PlayedWorkers
from tests.system import until


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_requests": 60, "max_file_bytes": 5_000_000})


def connect(url: str, head: str, body: bytes = b"") -> socket.socket:
    """A request whose answer nobody has read yet."""
    parts = urlsplit(url)
    client = socket.create_connection((parts.hostname, parts.port), 20)
    client.sendall(f"{head}\r\nHost: torouter\r\n\r\n".encode() + body)
    return client


def post(path: str, length: int, kind: str = "application/json") -> str:
    return f"POST {path} HTTP/1.1\r\nContent-Type: {kind}\r\nContent-Length: {length}"


def status(client: socket.socket) -> int:
    return int(client.recv(12).split()[1])


def temporary_files() -> int:
    """Those that this process has open, and no folder names."""
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            found += str(descriptor.readlink()).endswith("(deleted)")
    return found


async def test_idle_pollers_hold_up_nobody_and_one_too_many_is_told_to_come_back(
    url: str, workers: PlayedWorkers, api_store: Store
):
    workers.hold()
    waited = submit(api_store, prompt()).prompt_ids[0]
    async with httpx.AsyncClient(base_url=url, limits=httpx.Limits(max_connections=None), timeout=30) as client:
        polls = [asyncio.create_task(client.get(f"/v1/prompts/{waited}?wait=20")) for _ in range(59)]
        await asyncio.sleep(0.5)
        asked = time.monotonic()
        taken = await client.post("/v1/prompts", json={"prompt": "a"})
        took_s = time.monotonic() - asked
        polls.append(asyncio.create_task(client.get(f"/v1/prompts/{waited}?wait=20")))
        await asyncio.sleep(0.2)

        refused, alive = await client.post("/v1/prompts", json={"prompt": "a"}), await client.get("/healthz")
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)
        await asyncio.sleep(0.2)
        again = await client.post("/v1/prompts", json={"prompt": "a"})

    assert (taken.status_code, again.status_code, alive.status_code) == (202, 202, 200)
    assert took_s < 2
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "overloaded")
    assert int(refused.headers["Retry-After"]) > 0


def test_a_body_that_drips_is_refused(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(crowding, "PATIENCE_S", 0.3)
    for head in (post("/v1/prompts", 1000), post("/v1/files", 1000, "multipart/form-data; boundary=x")):
        with connect(url, head, b"-") as client:
            time.sleep(0.1)
            client.sendall(b"-")

            assert status(client) == 408


def test_bodies_that_are_not_complete_take_no_more_memory_than_all_may(url: str, app: FastAPI):
    head = post("/v1/prompts", 190_000)
    clients = [connect(url, head, b" " * 189_000) for _ in range(4)]
    until(lambda: app.state.parts.bodies._bytes == 4 * 189_000, "all are in memory")

    with connect(url, head, b" " * 189_000) as one_more:
        assert status(one_more) == 429

    for client in clients:
        client.close()
    until(lambda: app.state.parts.bodies._bytes == 0, "nothing is left of them")
    assert httpx.post(f"{url}/v1/prompts", json={"prompt": "a"}).status_code == 202


def test_a_client_that_disappears_while_it_sends_a_file_leaves_nothing(url: str, tmp_path: Path):
    open_before = temporary_files()
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'

    head = post("/v1/files", 4_000_000, "multipart/form-data; boundary=x")
    clients = [connect(url, head, form + b"{}\n" * 700_000) for _ in range(3)]
    until(lambda: temporary_files() == open_before + 3, "the files are on disk")
    for client in clients:
        client.close()

    until(lambda: temporary_files() == open_before, "they are gone")
    assert httpx.get(f"{url}/v1/files").json()["data"] == []
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


def test_slow_readers_hold_no_connection_of_the_database(url: str, api_store: Store, workers: PlayedWorkers):
    lines = b"\n".join(json.dumps({"n": n, "text": "x" * 1000}).encode() for n in range(90))
    form = {"files": {"file": ("a.jsonl", lines)}, "data": {"purpose": "batch"}}
    file = httpx.post(f"{url}/v1/files", **form).json()["id"]
    batch = httpx.post(f"{url}/v1/prompts", json={"prompts": [{"prompt": "x" * 150}] * 900}).json()["id"]
    readers = []
    for path in (f"/v1/files/{file}/content", f"/v1/batches/{batch}/results"):
        for _ in range(12):  # more than the pool has
            parts = urlsplit(url)
            reader = socket.socket()
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            reader.connect((parts.hostname, parts.port))
            reader.sendall(f"GET {path} HTTP/1.1\r\nHost: torouter\r\n\r\n".encode())
            readers.append(reader)
            assert status(reader) == 200
    time.sleep(0.3)

    asked = time.monotonic()
    answer = httpx.post(f"{url}/v1/prompts", json={"prompt": "a"})

    assert answer.status_code == 202
    assert time.monotonic() - asked < 5
    until(lambda: api_store._database.engine.pool.checkedout() == 0, "no connection is held", 10)
    for reader in readers:
        reader.close()
