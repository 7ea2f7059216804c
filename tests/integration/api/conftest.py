"""The API over a real store, in this process or behind a real server, with workers that a thread plays."""

import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api import batch_reports
from api.app import create_app
from api.http.batch_lines import Lines
from core.settings import Settings
from core.store import Store
from tests import factories
from tests.integration.api.played import PlayedWorkers
from tests.serving import serving
from workers.batching import run
from workers.leasing import Leases
from workers.lines import Using


@pytest.fixture(scope="session")
def template(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with two experts and a promoted router, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    shutil.copy(migrated_sqlite, folder)
    store = Store(f"sqlite:///{folder / 'torouter.db'}", f"file://{folder / 'files'}")
    store.experts.sync([factories.expert("general"), factories.expert("math")])
    trained = folder / "checkpoint"
    trained.mkdir()
    (trained / "manifest.json").write_text("{}")
    checkpoint = store.checkpoints.add(trained, {"kind": "knn", "experts": ["general", "math"]})
    store.checkpoints.promote(checkpoint.public_id)
    store.close()
    return folder / "torouter.db"


@pytest.fixture
def api_store(template: Path, tmp_path: Path) -> Iterator[Store]:
    """Two experts and a promoted router."""
    shutil.copy(template, tmp_path)
    store = Store(f"sqlite:///{tmp_path / 'torouter.db'}", f"file://{tmp_path / 'files'}")
    yield store
    store.close()


@pytest.fixture
def workers(api_store: Store) -> Iterator[PlayedWorkers]:
    workers = PlayedWorkers(api_store)
    yield workers
    workers.stop()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path,
        wait_s=60,
        max_body_bytes=200_000,
        max_prompts=1000,
        max_file_bytes=100_000,
        batch_poll_s=0.02,
        max_lines=200,
    )


@pytest.fixture
def app(settings: Settings, api_store: Store, workers: PlayedWorkers) -> FastAPI:
    return create_app(settings, api_store, workers)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    json = {"Content-Type": "application/json"}  # also where a test sends bytes
    async with httpx.AsyncClient(transport=transport, base_url="http://torouter", timeout=30, headers=json) as client:
        yield client
    await app.state.parts.waiting.close()


@pytest.fixture
def url(app: FastAPI) -> Iterator[str]:
    """Where the app is served by a real uvicorn, on loopback."""
    with serving(app) as found:
        yield found


@pytest.fixture
def batches(api_store: Store, workers: PlayedWorkers, settings: Settings) -> Iterator[Using]:
    """What moves batches that come as files on, in this process."""
    leases = Leases(api_store.batch_jobs, settings.lease_s)
    evaluate = partial(batch_reports.write, api_store, settings)
    using = Using(api_store, workers, leases, Lines(api_store), settings, evaluate)
    thread = threading.Thread(target=run, args=(using,))
    thread.start()
    yield using
    using.stopping.set()
    thread.join()
