"""Every process is replaced while clients go on asking: none of them notices."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from core.settings import Settings
from tests.factories import expert
from tests.system import System, until

#: Clients that ask one after the other.
CLIENTS = 3

FIRST, SECOND = "api", "second-api"


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(
        home=tmp_path, port=port, share_port=True, log_level="INFO", drain_s=10, lease_s=10, sweep_s=0.3, flower_port=0
    )
    slow = {"first_token_s": 0.3, "token_s": 0.01, "tokens": 20}
    system = System(settings, [expert("a", options=slow)])
    system.promote_random(tmp_path / "checkpoint", "a")
    system.start_broker()
    yield system
    system.stop_all()


def start_api(system: System, name: str) -> None:
    system.start_process(name, "serve")
    until(lambda: "startup complete" in system.log(name), f"{name} listens")


def ask(url: str, stop: threading.Event, answers: list[str]) -> None:
    """As an application would, with the client's own tries; an error ends it."""
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        while not stop.is_set():
            asked = [{"role": "user", "content": f"question {len(answers)}"}]
            answers.append(client.chat.completions.create(model="auto", messages=asked).choices[0].message.content)


def test_a_rolling_restart_of_every_process_is_invisible_to_clients(system: System):
    workers = ("routing", "recovery", "batches", "expert a")
    system.start(*workers)
    start_api(system, FIRST)
    url, stop = f"http://127.0.0.1:{system.settings.port}", threading.Event()
    answers: list[list[str]] = [[] for _ in range(CLIENTS)]
    clients = [threading.Thread(target=ask, args=(url, stop, mine), daemon=True) for mine in answers]
    for client in clients:
        client.start()
    until(lambda: all(answers), "all are answered")

    statuses = {}
    for worker in workers:
        name = worker.replace(" ", "-")
        statuses[name] = system.stop(name)
        system.start(worker)
    start_api(system, SECOND)
    statuses[FIRST] = system.stop(FIRST)
    so_far = [len(mine) for mine in answers]
    until(lambda: all(len(mine) > before for mine, before in zip(answers, so_far, strict=True)), "all go on")

    assert all(client.is_alive() for client in clients)
    stop.set()
    for client in clients:
        client.join(30)
    assert sum(system.store.batches.open_prompts().values()) == 0
    assert {status for name, status in statuses.items() if name != FIRST} == {0}
