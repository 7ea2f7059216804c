"""A real Flower on a real broker: it asks for its password, shows no more than ids, and changes nothing."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

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

#: A POST that shows: what the table of tasks is filled from.
SHOWING = "/tasks/datatable"


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, httpx.Client]]:
    """Of two Flowers at one broker: `guarded` by a password, and `open`, as on loopback."""
    home = tmp_path_factory.mktemp("flower")
    (home / "flowerconfig.py").write_text("raise SystemExit('ran what lay about')")
    settings = Settings(home=home)
    store = Store.of(settings)
    store.schema.upgrade()
    store.close()
    processes = [subprocess.Popen(valkey.child(settings).argv, stdout=subprocess.DEVNULL)]
    until(lambda: valkey.answers(settings.socket), "the broker answers")
    found = {}
    for name, login in (("guarded", SecretStr(":".join(LOGIN))), ("open", None)):
        chosen = settings.model_copy(update={"flower_port": free_port(), "flower_auth": login})
        # Whatever somebody's environment says: our own settings decide.
        theirs = {"FLOWER_READ_ONLY": "false", "FLOWER_UNAUTHENTICATED_API": "true"} if login is None else {}
        argv, env = (sys.executable, "-P", "-m", "api.cli", "flower"), system.process_environment(chosen) | theirs
        processes.append(subprocess.Popen(argv, env=env, cwd=home))
        found[name] = httpx.Client(base_url=f"http://127.0.0.1:{chosen.flower_port}", trust_env=False, timeout=30)
    for client in found.values():
        until(lambda client=client: answers(client), "Flower answers")
    yield found
    for client in found.values():
        client.close()
    for process in reversed(processes):
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(30)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


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


def test_it_shows_nothing_without_the_password_and_changes_nothing_with_it(clients: dict[str, httpx.Client]):
    client, reading, changing = clients["guarded"], paths("get"), paths("post")

    unknown = {path: client.get(path).status_code for path in reading}
    wrong = {path: client.get(path, auth=("ann", "hunter2")).status_code for path in reading}
    refused = {path: client.post(path).status_code for path in changing}
    known = {path: client.post(path, auth=LOGIN) for path in changing if path != SHOWING}

    assert len(reading) > 10
    assert len(known) > 10
    assert {*unknown.values(), *wrong.values(), *refused.values()} == {401}, (unknown, wrong, refused)
    assert {answer.status_code for answer in known.values()} == {403}
    assert all("Read only mode" in answer.text for answer in known.values())
    for path in ("/workers", "/tasks", "/broker", "/metrics"):
        assert client.get(path, auth=LOGIN).status_code == 200


def test_on_loopback_it_shows_pages_and_changes_nothing(clients: dict[str, httpx.Client]):
    client = clients["open"]

    shown = client.get("/workers").status_code
    refused = {client.post(path).status_code for path in paths("post") if path != SHOWING}

    assert (shown, refused) == (200, {403})


def test_its_password_is_no_argument_of_any_process(clients: dict[str, httpx.Client]):
    words = [word for child in psutil.Process().children(recursive=True) for word in child.cmdline()]

    assert any(word == "flower" for word in words)
    assert not any(LOGIN[1] in word for word in words)
