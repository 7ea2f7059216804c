"""Real Celery workers on a real Valkey, with synthetic experts: what is killed, doubled or lost."""

import pickle
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis
from kombu import Exchange, Queue

from api.system import process_environment
from core import queues
from core.queues import WorkClass
from core.schemas.work import Dispatch, NewPrompt
from core.settings import Settings
from tests.factories import OWNER, expert, prompt, submission
from tests.system import System, until
from workers.processes import ENGINE_DIED

#: Short, so that tests see leases expire and messages sent again.
HASTE = {"lease_s": 3.0, "sweep_s": 0.3, "resend_after_s": 1.5, "drain_s": 5.0}


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., System]]:
    """Systems of two experts, `a` and `b`, which obey fault markers; ended with the module."""
    made: list[System] = []

    def make_system(database_url: str = "", changes: dict[str, float] | None = None, **limits: int) -> System:
        home = tmp_path_factory.mktemp("system")
        settings = Settings(home=home, database_url=database_url, **HASTE | (changes or {}))
        options = {"faults": True, "first_token_s": 0.01, "token_s": 0.001}
        slow = {**options, "token_s": 0.02, "tokens": 50}
        system = System(settings, [expert("a", options=options), expert("b", options=slow, limits=limits)])
        made.append(system)
        system.start_broker()
        return system

    yield make_system
    for system in made:
        system.stop_all()


@pytest.fixture(scope="module")
def running(make: Callable[..., System], tmp_path_factory: pytest.TempPathFactory) -> System:
    """Routing, recovery and both experts, shared by the tests that end nothing."""
    system = make()
    system.promote_random(tmp_path_factory.mktemp("checkpoints") / "first", "a", "b")
    system.start("routing", "recovery", "expert a", "expert b")
    return system


def prompts(count: int, **changes: object) -> list[NewPrompt]:
    return [prompt(f"question {number}", **changes) for number in range(count)]


def attempts(system: System, batch: str) -> list[int]:
    pages = system.store.prompts.of_batch(batch, OWNER)
    return [one.attempts for page in pages for view in page for one in view.generations]


def test_routed_pinned_and_collected_prompts_are_answered(running: System):
    routed = running.submit(*prompts(40), work_class=WorkClass.BULK)
    pinned = running.submit(prompt(expert="b"))
    collected = running.submit(*prompts(5), collect=("a", "b"))

    for batch in (routed, pinned, collected):
        running.ended(batch)

    views = [view for page in running.store.prompts.of_batch(routed, OWNER) for view in page]
    (one,) = next(iter(running.store.prompts.of_batch(pinned, OWNER)))
    assert {view.state for view in views} == {"done"}
    assert {view.generations[0].expert for view in views} == {"a", "b"}
    assert all(view.decision is not None and set(view.decision.predictions or {}) == {"a", "b"} for view in views)
    assert one.generations[0].expert == "b"
    assert one.decision is not None
    assert (one.decision.policy, one.decision.checkpoint) == ("pinned", None)
    assert len(attempts(running, collected)) == 10


def test_a_message_delivered_twice_is_answered_once(running: System):
    submitted = running.store.prompts.submit(submission(*prompts(8), work_class=WorkClass.BULK))

    for _ in range(3):
        running.sender.submitted(submitted)
    running.ended(submitted.batch_id)

    assert attempts(running, submitted.batch_id) == [1] * 8


def test_a_message_that_is_not_ours_is_refused_and_harms_nothing(running: System):
    celery = running.sender._celery
    for message in ({"v": 99, "ids": [1]}, {"ids": "all"}, {"v": 1, "ids": ["x"]}, {}):
        celery.send_task(queues.ROUTE, kwargs=message, queue=Queue("route.bulk", routing_key="route.bulk"))

    batch = running.submit(*prompts(3), work_class=WorkClass.BULK)
    running.ended(batch)

    assert running.store.batches.get(batch, OWNER).done == 3


class Touches:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_on_a_queue_is_never_opened_and_ends_no_worker(running: System, tmp_path: Path):
    evil, names = Touches(tmp_path / "ran"), ("routing", "expert-a")
    headers = {"task": queues.ROUTE, "id": "1", "lang": "py"}
    with running.sender._celery.connection() as connection:
        producer = connection.Producer(serializer="pickle")
        for queue in ("route.bulk", "expert.a.bulk"):
            producer.publish(((evil,), {"ids": evil}, {}), routing_key=queue, headers=headers)
            connection.default_channel.client.lpush(queue, pickle.dumps(evil), b"\xff", b"{}", b'{"body": 1}')
        producer.publish(evil, exchange=Exchange("celery.pidbox", "fanout"), headers=headers)

    batch = running.submit(*prompts(3, expert="a"), *prompts(3), work_class=WorkClass.BULK)
    running.ended(batch)

    assert running.store.batches.get(batch, OWNER).done == 6
    assert not evil.path.exists()
    assert all(running.is_running(name) for name in names)


def test_messages_that_never_reach_their_step_keep_no_thread_of_the_reserve(running: System):
    celery, queue = running.sender._celery, Queue("expert.b.bulk", routing_key="expert.b.bulk")
    for arguments in ({"args": ["not", "by", "name"]}, {"kwargs": ["no", "mapping"]}) * 10:
        message = {"serializer": "json", "routing_key": "expert.b.bulk", "declare": [queue]}
        body = (arguments.get("args", []), arguments.get("kwargs", {}), {})
        with celery.producer_pool.acquire() as producer:
            producer.publish(body, headers={"task": queues.GENERATE, "id": str(uuid.uuid4())}, **message)

    batch = running.submit(*prompts(3, expert="b"), work_class=WorkClass.BULK)
    running.ended(batch)

    assert running.store.batches.get(batch, OWNER).done == 3


@pytest.mark.parametrize("raw", [b"not a message", b"{}", b"[1]", b"null", b"\xff"])
def test_what_is_no_message_at_all_ends_no_worker(running: System, raw: bytes):
    before = running.pid("expert-b")
    with redis.Redis(unix_socket_path=str(running.settings.socket)) as broker:
        broker.lpush("expert.b.bulk", raw)
        until(lambda: broker.llen("expert.b.bulk") == 0, "somebody takes it")

    running.ended(running.submit(*prompts(2, expert="b"), work_class=WorkClass.BULK))

    assert psutil.Process(before).status() != psutil.STATUS_ZOMBIE


def test_a_broker_without_memory_ends_no_worker_that_connects_to_it(running: System):
    before = running.pid("expert-b")
    with redis.Redis(unix_socket_path=str(running.settings.socket)) as broker:
        broker.config_set("maxmemory", "1mb")
        broker.client_kill_filter(_type="normal", skipme=True)
        time.sleep(1.0)  # in which it is refused several times
        broker.config_set("maxmemory", "0")

    running.ended(running.submit(*prompts(2, expert="b"), work_class=WorkClass.BULK))

    assert psutil.Process(before).status() != psutil.STATUS_ZOMBIE


def test_a_message_of_ids_that_do_not_exist_is_nothing(running: System):
    running.sender.send([Dispatch(queues.route_queue(WorkClass.BULK), queues.ROUTE, [10**9])])

    batch = running.submit(prompt())
    running.ended(batch)

    assert running.store.batches.get(batch, OWNER).done == 1


def test_a_prompt_fails_alone_with_its_reason(running: System):
    batch = running.submit(
        prompt("fine", expert="a"),
        prompt("[[fault:reject]]", expert="a"),
        prompt("[[fault:generation=1]] better the second time", expert="a"),
        prompt("[[fault:generation=9]] never", expert="a"),
        work_class=WorkClass.BULK,
    )

    running.ended(batch)

    (fine, rejected, second, never), *_ = running.store.prompts.of_batch(batch, OWNER)
    assert [view.state for view in (fine, rejected, second, never)] == ["done", "failed", "done", "failed"]
    assert rejected.error_code == "invalid_request"
    assert second.generations[0].attempts == 2
    assert never.generations[0].attempts == 4
    assert "attempt 4 of 4" in (never.error_message or "")


def test_a_full_engine_makes_a_prompt_wait_and_counts_no_attempt(running: System):
    batch = running.submit(prompt("[[fault:busy]] please wait", expert="a"))

    running.ended(batch)

    assert running.store.batches.get(batch, OWNER).done == 1
    assert attempts(running, batch) == [1]


def test_interactive_work_does_not_wait_for_bulk(make: Callable[..., System]):
    system = make(bulk_threads=2, interactive_threads=2, bulk_places=8)
    system.start("routing", "recovery", "expert b")
    bulk = system.submit(*prompts(400, expert="b"), work_class=WorkClass.BULK)
    until(lambda: system.store.batches.get(bulk, OWNER).done > 0, "bulk work has begun")

    interactive = system.submit(prompt(expert="b"))
    system.ended(interactive)

    assert system.store.batches.get(bulk, OWNER).done < 300
    system.ended(bulk)
    assert system.store.batches.get(bulk, OWNER).done == 400
    log = (system.settings.home / "logs" / "expert-b.log").read_text()
    assert "no consumers" not in log


def test_a_prompt_that_follows_the_first_promotion_at_once_is_routed(make: Callable[..., System], tmp_path: Path):
    system = make()
    system.start("routing", "recovery", "expert a")

    system.promote_random(tmp_path / "first", "a")
    batch = system.submit(*prompts(3), work_class=WorkClass.BULK)
    system.ended(batch)

    assert system.store.batches.get(batch, OWNER).done == 3
    system.stop_all()


def test_another_checkpoint_routes_without_a_restart(running: System, tmp_path: Path):
    first = running.submit(prompt())
    running.ended(first)

    running.promote_random(tmp_path / "only-b", "b", seed=7)
    checkpoint = running.store.checkpoints.promoted()
    assert checkpoint is not None

    def routed_by_it() -> bool:
        batch = running.submit(prompt())
        running.ended(batch)
        ((view,),) = running.store.prompts.of_batch(batch, OWNER)
        return view.decision is not None and view.decision.checkpoint == checkpoint.public_id

    until(routed_by_it, "the new checkpoint routes")


def test_no_prompt_is_lost_while_checkpoints_replace_each_other(running: System, tmp_path: Path):
    batches = []
    for number in range(4):
        batches.append(running.submit(*prompts(60), work_class=WorkClass.BULK))
        running.promote_random(tmp_path / str(number), "a", "b", seed=number)

    for batch in batches:
        running.ended(batch)

    assert [running.store.batches.get(batch, OWNER).done for batch in batches] == [60] * 4


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_worker_killed_in_mid_chunk_loses_nothing_and_doubles_nothing(
    kind: str, make: Callable[..., System], request: pytest.FixtureRequest
):
    url = "" if kind == "sqlite" else request.getfixturevalue("new_postgresql_database")
    system = make(url)
    system.start("routing", "recovery", "expert b")
    batch = system.submit(*prompts(200, expert="b"), work_class=WorkClass.BULK)
    until(lambda: system.store.batches.get(batch, OWNER).done >= 5, "some are answered")

    system.kill("expert-b")
    system.kill("routing")
    system.start("routing", "expert b")
    system.ended(batch)

    view = system.store.batches.get(batch, OWNER)
    assert (view.done, view.failed, view.state) == (200, 0, "completed")
    assert {1, 2} >= set(attempts(system, batch))
    system.stop_all()


def test_a_worker_asked_to_end_finishes_or_hands_back_what_it_has(make: Callable[..., System]):
    system = make()
    system.start("routing", "recovery", "expert b")
    batch = system.submit(*prompts(150, expert="b"), work_class=WorkClass.BULK)
    until(lambda: system.store.batches.get(batch, OWNER).done >= 5, "some are answered")

    status = system.stop("expert-b")
    system.start("expert b")
    system.ended(batch)

    assert status == 0
    assert set(attempts(system, batch)) == {1}
    system.stop_all()


def test_a_broker_that_comes_back_empty_loses_nothing(make: Callable[..., System]):
    system = make()
    system.start("routing", "recovery")
    batch = system.submit(*prompts(100, expert="a"), work_class=WorkClass.BULK)
    until(lambda: len(attempts(system, batch)) == 100, "all are routed, and wait for their expert")

    system.kill("valkey")
    while_away = system.submit(prompt(expert="a"))
    system.start_broker()
    system.start("expert a")

    system.ended(batch)
    system.ended(while_away)
    assert set(attempts(system, batch)) == {1}
    system.stop_all()


def supervise(system: System, name: str, batch: str) -> list[int]:
    """Start a worker again whenever it ends, until the batch has ended; its exit statuses."""
    statuses = []
    deadline = time.monotonic() + 300
    while not system.store.batches.get(batch, OWNER).ended:
        assert time.monotonic() < deadline, f"not ended after {len(statuses)} starts"
        if (status := system._processes[name].poll()) is not None:
            statuses.append(status)
            system.start(name.replace("-", " "), ready=False)
        time.sleep(0.1)
    return statuses


def test_prompts_that_kill_their_engine_or_worker_fail_and_all_others_are_done(make: Callable[..., System]):
    system = make()
    system.start("routing", "recovery", "expert a")
    texts = [f"question {number}" for number in range(200)]
    texts[20], texts[150] = "[[fault:dead]]", "[[fault:kill]]"
    batch = system.submit(*(prompt(text, expert="a") for text in texts), work_class=WorkClass.BULK)

    statuses = supervise(system, "expert-a", batch)

    views = [view for page in system.store.prompts.of_batch(batch, OWNER) for view in page]
    assert [view.state for view in views] == ["failed" if "fault" in text else "done" for text in texts]
    assert {view.error_code for view in views if view.state == "failed"} == {"worker_lost"}
    assert set(statuses) == {ENGINE_DIED, -signal.SIGKILL}
    assert len(statuses) <= 4 * 2
    deaths = system.store.experts.deaths()
    # The batch may end with the last death, before anybody has seen the process end.
    assert statuses.count(ENGINE_DIED) <= deaths["a"] <= len(statuses) + 1
    assert deaths["b"] == 0
    system.stop_all()


def test_a_loop_that_stands_still_ends_its_process(make: Callable[..., System]):
    system = make(changes={"engine_silent_s": 1.5, "max_attempts": 1})
    system.start("routing", "recovery", "expert a")
    batch = system.submit(prompt("[[fault:freeze]]", expert="a"), prompt("next", expert="a"))

    status = system.wait("expert-a")
    system.start("expert a")
    system.ended(batch)

    assert status == ENGINE_DIED
    assert system.store.batches.get(batch, OWNER).failed >= 1
    system.stop_all()


STUCK = """
import sys, time
from pathlib import Path
from core.settings import read
from workers import app, process

process.LATE_S = 0.5

def step(ids, queue):
    Path(sys.argv[1]).touch()
    time.sleep(600)

consuming = process.Consuming("stuck", "torouter.score", ("score",), (), 1, 0)
process.run(app.create(read()), consuming, step, Path(sys.argv[2]), lambda: None, drain_s=0.5)
"""


def test_a_worker_that_nothing_can_end_is_cut_off_after_its_time(running: System, tmp_path: Path):
    begun, ready = tmp_path / "begun", tmp_path / "ready"
    environment = process_environment(running.settings)
    with subprocess.Popen([sys.executable, "-c", STUCK, str(begun), str(ready)], env=environment) as process:
        until(ready.exists, "it consumes")
        running.sender.scores([10**9])
        until(begun.exists, "it works")
        asked = time.monotonic()
        process.terminate()

        assert process.wait(20) == 0
        assert time.monotonic() - asked < 10


def test_a_synthetic_worker_and_recovery_load_neither_torch_nor_vllm(running: System):
    for name in ("expert-a", "recovery"):
        mapped = Path(f"/proc/{running.pid(name)}/maps").read_text()
        assert "libtorch" not in mapped, name
        assert "/vllm/" not in mapped, name
