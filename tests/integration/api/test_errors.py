"""Errors that are no field's: in the same shape, and telling nothing that is ours."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from core.errors import StoreRefusedError
from tests.integration.api.played import PlayedWorkers


async def test_an_unknown_path_or_method_has_the_same_shape(client: httpx.AsyncClient):
    unknown = await client.get("/v1/nonsense")
    wrong = await client.delete("/v1/prompts")

    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")
    assert "/v1/nonsense" in unknown.json()["error"]["message"]
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "POST"


async def test_what_nobody_expected_is_a_500_without_internals(
    client: httpx.AsyncClient, workers: PlayedWorkers, monkeypatch: pytest.MonkeyPatch
):
    def broken(_submitted: object):
        raise KeyError("secret")

    monkeypatch.setattr(workers, "submitted", broken)

    response = await client.post("/v1/prompts", json={"prompt": "a"})

    assert response.status_code == 500
    assert response.json()["error"]["type"] == "server_error"
    assert "secret" not in response.text


async def test_a_database_that_fails_is_a_503_without_internals(client: httpx.AsyncClient, tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "torouter.db")) as database:
        database.execute("DROP TABLE expert")

    response = await client.get("/v1/models")

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "store_unavailable"
    assert response.headers["retry-after"] == "1"


async def test_a_stored_prompt_that_cannot_be_read_is_not_asked_again(
    client: httpx.AsyncClient, workers: PlayedWorkers, tmp_path: Path
):
    workers.hold()
    ask = asyncio.create_task(client.post("/predict", json={"messages": [{"role": "user", "content": "a"}]}))
    while not workers.sent:  # noqa: ASYNC110  # what it looks at is in another thread
        await asyncio.sleep(0.01)

    with closing(sqlite3.connect(tmp_path / "torouter.db", isolation_level=None)) as database:
        database.execute("DROP TABLE decision")
        database.execute("UPDATE prompt SET state = 'failed', finished_at = 1")
    response = await ask

    assert response.status_code == 504
    assert response.headers["x-should-retry"] == "false"
    assert response.json()["error"]["prompt_id"] == workers.sent[0].prompt_ids[0]


async def test_what_the_database_will_never_take_is_a_500_that_asks_for_no_retry(
    client: httpx.AsyncClient, workers: PlayedWorkers, monkeypatch: pytest.MonkeyPatch
):
    def refused(_submitted: object):
        raise StoreRefusedError("duplicate key secret")

    monkeypatch.setattr(workers, "submitted", refused)

    response = await client.post("/v1/prompts", json={"prompt": "a"})

    assert (response.status_code, response.headers["x-should-retry"]) == (500, "false")
    assert "secret" not in response.text
