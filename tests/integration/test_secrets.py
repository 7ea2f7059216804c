"""A password in every setting that may hold one, and a look wherever one could show: answers, logs, Flower."""

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api import system, valkey
from api.app import create_app
from core.settings import Settings
from core.store import Store
from tests.integration.test_flower import answers, free_port
from tests.system import until
from workers import app as celery_app
from workers.sending import Sender

#: Occurs in each of them, and nowhere else.
CANARY = "c4n4ry-of-every-setting"
WEBHOOK = base64.b64encode(CANARY.encode().ljust(32, b"-")).decode()


def settings_with_canaries(home: Path, **changes: object) -> Settings:
    """Of servers that nobody reaches, unless told otherwise."""
    values = {
        "database_url": f"postgresql://ann:{CANARY}@127.0.0.1:1/torouter?connect_timeout=1",
        "broker_url": f"redis://:{CANARY}@127.0.0.1:1/0",
        "files_url": f"file://{home / 'files'}",
        "webhook_secret": f"whsec_{WEBHOOK}",
        "flower_auth": f"ann:{CANARY}",
    }
    return Settings(home=home, flower_port=free_port(), port=free_port(), **{**values, **changes})


def assert_silent(*texts: object) -> None:
    for text in map(str, texts):
        assert CANARY not in text
        assert WEBHOOK not in text


def test_settings_show_no_secret(tmp_path: Path):
    settings = settings_with_canaries(tmp_path, files_url=f"sftp://ann:{CANARY}@127.0.0.1:1/files")

    assert_silent(repr(settings), settings, f"{settings!s}", settings.model_copy(), {"settings": settings})


#: Some end where nothing of what they need is there, and some wait for it; each says why.
COMMANDS = ("migrate", "keys list", "up", "serve", "work batches")


@pytest.fixture
def lonely(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """Logs of commands whose database and broker nobody reaches."""
    environment = system.process_environment(settings_with_canaries(tmp_path, log_level="DEBUG"))
    logs, processes = {command: tmp_path / f"{command}.log" for command in COMMANDS}, []
    for command, log in logs.items():
        with log.open("wb") as output:
            argv = [sys.executable, "-P", "-m", "api.cli", *command.split()]
            processes.append(subprocess.Popen(argv, env=environment, cwd=tmp_path, stdout=output, stderr=output))
    yield logs
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(60)


def test_no_command_says_a_secret_where_nothing_can_be_reached(lonely: dict[str, Path]):
    for log in lonely.values():
        until(lambda log=log: "127.0.0.1" in log.read_text(), f"{log.name} says what is missing", 180)

    assert_silent(*(log.read_text() for log in lonely.values()))


async def test_no_answer_of_the_api_says_a_secret_where_nothing_can_be_reached(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    settings = settings_with_canaries(tmp_path)
    store = Store.of(settings)
    app = create_app(settings, store, Sender(celery_app.create(settings), store.recovery, settings))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)

    async with httpx.AsyncClient(transport=transport, base_url="http://torouter", timeout=60) as client:
        found = [await client.get(path) for path in ("/readyz", "/v1/batches", "/v1/models", "/openapi.json")]
        found += [await client.post("/v1/prompts", json={"prompt": "Hi"}), await client.post("/v1/batches", json={})]
    await app.state.parts.waiting.close()
    store.close()

    assert [one.status_code for one in found[:3]] == [503, 503, 503]
    assert_silent(caplog.text, *(one.text for one in found), *(one.headers for one in found))


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Settings]:
    """A Valkey that asks for a password, a worker and a Flower."""
    port = free_port()
    broker = [
        str(valkey.server_path()),
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--requirepass",
        CANARY,
        "--save",
        "",
    ]
    settings = settings_with_canaries(
        tmp_path, database_url="", broker_url=f"redis://:{CANARY}@127.0.0.1:{port}/0", log_level="DEBUG"
    )
    Store.of(settings).schema.upgrade()
    processes = [subprocess.Popen(broker, cwd=tmp_path, stdout=subprocess.DEVNULL)]
    for command in ("work routing", "flower"):
        with (tmp_path / f"{command}.log").open("wb") as log:
            argv = [sys.executable, "-P", "-m", "api.cli", *command.split()]
            processes.append(
                subprocess.Popen(argv, env=system.process_environment(settings), stdout=log, stderr=subprocess.STDOUT)
            )
    yield settings
    for process in reversed(processes):
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def test_neither_flower_nor_a_workers_log_shows_a_secret(guarded: Settings):
    login = ("ann", CANARY)
    with httpx.Client(
        base_url=f"http://127.0.0.1:{guarded.flower_port}", auth=login, trust_env=False, timeout=60
    ) as flower:
        until(lambda: answers(flower), "Flower answers", 120)
        until(lambda: flower.get("/api/workers?refresh=1").json() != {}, "Flower knows the worker", 120)
        [worker] = flower.get("/api/workers?refresh=1").json()
        pages = [
            flower.get(path) for path in ("/", f"/worker/{worker}", "/broker", "/tasks", "/api/workers", "/metrics")
        ]

    assert [page.status_code for page in pages] == [200] * 6
    assert "conf" in pages[4].json()[worker]
    assert_silent(*(page.text for page in pages))
    assert_silent(*(path.read_text() for path in guarded.home.glob("*.log")))
    assert CANARY not in " ".join(_command_lines())


def _command_lines() -> Iterator[str]:
    """Of our processes, as everybody on the machine sees them."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "api.cli" in line and process.stat().st_uid == os.getuid():
            yield line
