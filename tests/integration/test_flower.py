"""A real Flower on a real broker: it asks for its password, shows no more than ids, and changes nothing."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from flower.urls import handlers
from pydantic import SecretStr

from api import system, valkey
from core.settings import Settings
from core.store import Store
from tests.system import until

LOGIN = ("ann", "correct-horse")

#: What Flower shows to anybody: that it runs, and pictures.
PUBLIC = {"/healthcheck", "/static/(.*)", "/login/?", "/logout", ".*"}

Start = Callable[[Settings], httpx.Client]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return Settings(home=tmp_path, flower_port=free.getsockname()[1])


@pytest.fixture
def start(settings: Settings, tmp_path: Path) -> Iterator[Start]:
    """Flower beside a broker; the client follows no redirect."""
    store = Store.of(settings)
    store.schema.upgrade()
    store.close()
    processes = [subprocess.Popen(valkey.child(settings).argv, stdout=subprocess.DEVNULL)]
    clients = []

    def do(chosen: Settings) -> httpx.Client:
        argv = (sys.executable, "-P", "-m", "api.cli", "flower")
        processes.append(subprocess.Popen(argv, env=system.process_environment(chosen), cwd=tmp_path))
        client = httpx.Client(base_url=f"http://127.0.0.1:{chosen.flower_port}", trust_env=False, timeout=30)
        clients.append(client)
        until(lambda: answers(client), "Flower answers")
        return client

    until(lambda: valkey.answers(settings.socket), "the broker answers")
    yield do
    for client in clients:
        client.close()
    for process in reversed(processes):
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthcheck").status_code == 200
    except httpx.TransportError:
        return False


def paths(method: str) -> list[str]:
    """Of every handler of Flower that has this method."""
    found = []
    for handler in handlers:
        pattern = handler.regex.pattern.removesuffix("$") if hasattr(handler, "regex") else handler[0]
        kind = handler.handler_class if hasattr(handler, "handler_class") else handler[1]
        if pattern not in PUBLIC and method in vars(kind):
            found.append(pattern.replace("(.+)", "one").replace("(.*)", "one"))
    return found


def test_it_shows_nothing_without_the_password_and_changes_nothing_with_it(start: Start, settings: Settings):
    (settings.home / "flowerconfig.py").write_text("raise SystemExit('ran what lay about')")
    client = start(settings.model_copy(update={"flower_auth": SecretStr(":".join(LOGIN))}))

    reading, changing = paths("get"), paths("post")
    unknown = {path: client.get(path).status_code for path in reading}
    wrong = {path: client.get(path, auth=("ann", "hunter2")).status_code for path in reading}
    refused = {path: client.post(path).status_code for path in changing}
    known = {path: client.post(path, auth=LOGIN) for path in changing}

    assert len(reading) > 10
    assert len(changing) > 10
    assert set(unknown.values()) == set(wrong.values()) == set(refused.values()) == {401}, (unknown, refused)
    assert {answer.status_code for answer in known.values()} == {403}
    assert all("Read only mode" in answer.text for answer in known.values())
    for path in ("/workers", "/tasks", "/broker", "/metrics"):
        assert client.get(path, auth=LOGIN).status_code == 200
    page = client.get("/workers", auth=LOGIN).text
    assert LOGIN[1] not in page
    words = [word for child in psutil.Process().children(recursive=True) for word in child.cmdline()]
    assert not any(LOGIN[1] in word for word in words)


def test_on_loopback_it_shows_pages_and_changes_nothing(
    start: Start, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    # Whatever somebody's environment says: our own settings decide.
    monkeypatch.setitem(os.environ, "FLOWER_READ_ONLY", "false")
    monkeypatch.setitem(os.environ, "FLOWER_UNAUTHENTICATED_API", "true")
    client = start(settings)

    shown = client.get("/workers").status_code
    refused = {client.post(path).status_code for path in paths("post")}

    assert (shown, refused) == (200, {403})
