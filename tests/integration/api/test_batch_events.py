"""A batch's progress as server-sent events, from a real server."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import httpx
import pytest

from api.http import batch_events
from core.settings import Settings
from core.store import Store
from tests import factories
from tests.integration.api.played import PlayedWorkers


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"events_s": 0.05})


@asynccontextmanager
async def listening(url: str, batch: str) -> AsyncIterator[httpx.Response]:
    path = f"{url}/v1/batches/{batch}/events"
    async with httpx.AsyncClient(timeout=30) as client, client.stream("GET", path) as response:
        yield response


async def events_of(response: httpx.Response) -> AsyncIterator[tuple[str, dict]]:
    """Name and object of each event; the name of a comment is empty."""
    text = ""
    async for part in response.aiter_text():
        text += part
        *whole, text = text.split("\n\n")
        for event in whole:
            if event.startswith(":"):
                yield "", {}
                continue
            name, data = event.split("\n")
            yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))
    assert text == ""


async def test_a_batch_that_has_ended_is_told_at_once(url: str, api_store: Store, workers: PlayedWorkers):
    submitted = factories.submit(api_store, factories.prompt("a"))
    workers.submitted(submitted)
    while not api_store.batches.get(submitted.batch_id, factories.OWNER).ended:  # noqa: ASYNC110  # a thread's work
        await asyncio.sleep(0.01)

    async with listening(url, submitted.batch_id) as response:
        found = [event async for event in events_of(response)]

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"
    assert [name for name, _ in found] == ["progress", "end"]
    async with httpx.AsyncClient() as client:
        read = (await client.get(f"{url}/v1/batches/{submitted.batch_id}")).json()
    assert read["status"] == "completed"
    assert [body for _, body in found] == [read, read]


async def test_each_change_is_told_until_the_end(url: str, api_store: Store):
    submitted = factories.submit(api_store, *(factories.prompt(str(n)) for n in range(4)))
    items = factories.claim(api_store, factories.route(api_store, submitted))

    counts = []
    async with listening(url, submitted.batch_id) as response:
        async for name, body in events_of(response):
            counts.append((name, body["request_counts"]["completed"]))
            if items:
                await asyncio.to_thread(api_store.generations.finish, [factories.result(items.pop().claim)])

    assert counts == [*(("progress", done) for done in range(5)), ("end", 4)]


async def test_changes_that_come_faster_are_told_together(url: str, api_store: Store):
    submitted = factories.submit(api_store, *(factories.prompt(str(n)) for n in range(100)))
    items = factories.claim(api_store, factories.route(api_store, submitted))

    async def work() -> None:
        for item in items:
            await asyncio.to_thread(api_store.generations.finish, [factories.result(item.claim)])

    began = time.monotonic()
    async with listening(url, submitted.batch_id) as response:
        working = asyncio.create_task(work())
        found = [name async for name, _ in events_of(response)]
    await working

    assert found.count("progress") <= (time.monotonic() - began) / 0.05 + 2


async def test_silence_is_broken_by_comments(url: str, api_store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batch_events, "HEARTBEAT_S", 0.1)
    submitted = factories.submit(api_store)

    async with listening(url, submitted.batch_id) as response:
        stream = events_of(response)
        names = [(await anext(stream))[0] for _ in range(4)]

    assert names == ["progress", "", "", ""]


@pytest.mark.parametrize("batch", ["batch_0123456789", "nonsense"])
async def test_an_unknown_batch_is_a_404_and_no_stream(batch: str, url: str):
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{url}/v1/batches/{batch}/events")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


async def test_streams_hold_no_thread_and_no_connection(url: str, api_store: Store):
    submitted = factories.submit(api_store)
    limits = httpx.Limits(max_connections=None)

    async with httpx.AsyncClient(timeout=30, limits=limits) as client:
        path = f"{url}/v1/batches/{submitted.batch_id}/events"
        opened = [await client.send(client.build_request("GET", path), stream=True) for _ in range(100)]
        began = time.monotonic()
        others = await asyncio.gather(*(client.get(f"{url}/v1/models") for _ in range(20)))
        took_s = time.monotonic() - began
        for one in opened:
            await one.aclose()

    assert {one.status_code for one in (*opened, *others)} == {200}
    assert took_s < 5


async def test_a_client_that_leaves_ends_its_looks(url: str, api_store: Store, monkeypatch: pytest.MonkeyPatch):
    submitted = factories.submit(api_store)
    looked = []
    latest = batch_events._latest

    async def counting(*arguments: object):
        looked.append(1)
        return await latest(*arguments)

    monkeypatch.setattr(batch_events, "_latest", counting)
    async with listening(url, submitted.batch_id) as response:
        stream = events_of(response)  # which the client leaves with the last reference to it
        await anext(stream)
        await asyncio.sleep(0.3)
    await asyncio.sleep(0.3)
    before = len(looked)

    await asyncio.sleep(0.5)

    assert len(looked) == before > 0


@contextmanager
def without_a_table(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("ALTER TABLE batch_expert RENAME TO away")
        yield
        database.execute("ALTER TABLE away RENAME TO batch_expert")


async def test_a_database_that_fails_for_a_while_ends_no_stream(url: str, api_store: Store, tmp_path: Path):
    submitted = factories.submit(api_store)
    (item,) = factories.claim(api_store, factories.route(api_store, submitted))

    async with listening(url, submitted.batch_id) as response:
        stream = events_of(response)
        await anext(stream)
        with without_a_table(tmp_path / "torouter.db"):
            await asyncio.sleep(0.5)
        await asyncio.to_thread(api_store.generations.finish, [factories.result(item.claim)])
        names = [name async for name, _ in stream]

    assert names == ["progress", "end"]


@pytest.fixture
def served(api_store: Store, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`torouter serve` itself, and its URL."""
    environment = os.environ | {"TOROUTER_HOME": str(tmp_path), "TOROUTER_PORT": "0", "TOROUTER_LOG_LEVEL": "INFO"}
    command = [sys.executable, "-m", "api.cli", "serve"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = next(found[0] for line in process.stderr if (found := re.search(r"http://[\d.:]+", line)))
        yield process, url
        process.kill()


async def test_a_server_that_is_told_to_end_does_not_wait_for_its_streams(
    served: tuple[subprocess.Popen[str], str], api_store: Store
):
    process, url = served
    submitted = factories.submit(api_store)

    async with listening(url, submitted.batch_id) as response:
        stream = events_of(response)
        await anext(stream)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        rest = [name async for name, _ in stream]
        told = await asyncio.to_thread(process.communicate, timeout=30)
        took_s = time.monotonic() - began

    assert rest == []
    assert took_s < 3
    assert "timeout graceful shutdown exceeded" not in told[1]
    assert "Traceback" not in told[1]
