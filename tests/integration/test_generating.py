"""The generating step on a real store, with engines that fail in every way: who pays with an attempt, and who waits."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import EngineDeadError
from core.queues import GENERATE, WorkClass
from core.schemas.conversation import Completion, Sampling
from core.schemas.experts import ExpertSpec
from core.settings import Settings
from core.store import Store
from experts.engine import Answer, Engine, Request
from experts.engines import create
from experts.synthetic import SyntheticEngine
from tests.factories import LEASE_S, OWNER, claim, expert, prompt, route, submit
from tests.system import until
from tests.unit.chat_server import ChatServer
from workers import app, generating
from workers.engine_loop import EngineLoop
from workers.leasing import Leases
from workers.sending import Sender

Make = Callable[..., generating.Using]


@pytest.fixture
def make(sqlite_store: Store, tmp_path: Path) -> Iterator[Make]:
    """What the step works with: an engine on its loop, by default a synthetic one that obeys fault markers."""
    loops: list[EngineLoop] = []

    def start(spec: ExpertSpec | None = None, engine: Engine | None = None, **changes: float) -> generating.Using:
        spec = spec or expert(options={"faults": True, "first_token_s": 0, "token_s": 0})
        settings = Settings(home=tmp_path, **changes)
        loop = EngineLoop(engine or create([spec], tmp_path))
        loop.start()
        loops.append(loop)
        sender = Sender(app.create(settings), sqlite_store.recovery, settings)
        leases = Leases(sqlite_store.generations, LEASE_S)
        return generating.Using(sqlite_store, sender, leases, loop, {spec.name: spec}, settings)

    yield start
    for loop in loops:
        loop.stop()


def seen(store: Store, names: list[str]) -> list[tuple[str, int]]:
    """State and counted attempts of each prompt's generation."""
    found = [view.generations[0] for view in store.prompts.get_many(names, OWNER)]
    return [(one.state, one.attempts) for one in found]


def test_a_wrong_key_costs_no_prompt_an_attempt(make: Make, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CLOUD_KEY", "wrong")
    submitted = submit(sqlite_store, prompt("a"), prompt("b"))
    mine, elsewhere = route(sqlite_store, submitted)
    with ChatServer() as server:
        server.failures = [401]
        options = {"base_url": server.url, "api_key_env": "CLOUD_KEY", "max_retries": 0}
        using = make(expert(engine="openai", options=options))
        (other,) = claim(sqlite_store, [elsewhere], using.leases.owner)

        with using.leases.holding([other.claim]):
            with pytest.raises(EngineDeadError) as dead:
                generating.generate([mine], using)
            generating.let_go(dead.value, using)

    assert seen(sqlite_store, submitted.prompt_ids) == [("pending", 0), ("pending", 0)]


def test_a_prompt_that_finds_no_room_waits_before_the_next_try(
    make: Make, sqlite_store: Store, caplog: pytest.LogCaptureFixture
):
    submitted = submit(sqlite_store, prompt("[[fault:busy]] one"), prompt("[[fault:busy]] two"))
    using = make()
    ids = route(sqlite_store, submitted)

    generating.generate(ids, using)
    at_once = sqlite_store.recovery.unsent()
    time.sleep(1.1)
    (after_a_pause,) = sqlite_store.recovery.unsent()

    assert at_once == []
    assert after_a_pause.ids == ids
    assert seen(sqlite_store, submitted.prompt_ids) == [("pending", 0), ("pending", 0)]
    assert caplog.text.count("busy as its") == 1


class Buggy(SyntheticEngine):
    """Knows no way to answer a prompt that says `bug`."""

    async def answer(self, request: Request) -> Answer:
        if "bug" in request.messages[-1].content:
            raise KeyError("nobody thought of this")
        return await super().answer(request)


def test_a_bug_in_the_engine_fails_its_prompt_alone_after_its_attempts(
    make: Make, sqlite_store: Store, caplog: pytest.LogCaptureFixture
):
    submitted = submit(sqlite_store, prompt("bug"), prompt("fine"))
    spec = expert(options={"first_token_s": 0.2, "token_s": 0})
    using = make(spec, Buggy(spec))
    ids = route(sqlite_store, submitted)

    for _ in range(4):
        generating.generate(ids, using)

    failed, fine = sqlite_store.prompts.get_many(submitted.prompt_ids, OWNER)
    assert (failed.state, failed.error_code) == ("failed", "internal_error")
    assert "KeyError" in (failed.error_message or "")
    assert fine.state == "done"
    assert "Traceback" in caplog.text


def test_what_an_error_leaves_unfinished_is_aborted_and_given_back(
    make: Make, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
):
    submitted = submit(sqlite_store, prompt("fine"), prompt("[[fault:hang]]"))
    using = make()
    ids = route(sqlite_store, submitted)

    def broken(_results: object):
        raise ValueError("can't be stored")

    monkeypatch.setattr(sqlite_store.generations, "finish", broken)
    with pytest.raises(ValueError, match="can't be stored"):
        generating.generate(ids, using)

    assert seen(sqlite_store, submitted.prompt_ids) == [("running", 1), ("pending", 0)]
    assert using.leases.held() == []


def test_an_engine_that_dies_is_blamed_on_what_was_in_it_and_on_nothing_that_waited(make: Make, sqlite_store: Store):
    spec = expert(
        options={"faults": True, "first_token_s": 5, "token_s": 0}, limits={"bulk_places": 2, "interactive_places": 2}
    )
    texts = ["slow", "[[fault:dead]]", "waits", "waits too"]
    submitted = submit(sqlite_store, *map(prompt, texts), work_class=WorkClass.BULK)
    ids = route(sqlite_store, submitted)
    using = make(spec)

    with pytest.raises(EngineDeadError):
        generating.generate(ids, using)

    assert seen(sqlite_store, submitted.prompt_ids) == [("pending", 1), ("pending", 1), ("pending", 0), ("pending", 0)]
    assert [one.deaths for one in sqlite_store.recovery.suspects(GENERATE, ids, 0)] == [1, 1, 0, 0]


def test_of_many_prompts_only_those_that_kill_their_engine_fail(make: Make, sqlite_store: Store):
    texts = [f"[[fault:dead]] {n}" if n % 40 == 7 else f"question {n}" for n in range(120)]
    submitted = submit(sqlite_store, *map(prompt, texts), work_class=WorkClass.BULK)
    ids = route(sqlite_store, submitted)
    deaths = 0

    while open_ids := [one.id for one in sqlite_store.recovery.suspects(GENERATE, ids, 0)]:
        using = make()  # a new process
        try:
            generating.generate(open_ids[:64], using)
        except EngineDeadError as error:
            generating.let_go(error, using)
            deaths += 1

    views = sqlite_store.prompts.get_many(submitted.prompt_ids, OWNER)
    assert [view.state for view in views] == ["failed" if "dead" in text else "done" for text in texts]
    assert {view.error_code for view in views if view.state == "failed"} == {"worker_lost"}
    assert deaths <= 4 * 3


def test_suspects_that_their_worker_does_not_get_to_are_sent_again(make: Make, sqlite_store: Store):
    submitted = submit(sqlite_store, prompt("[[fault:dead]]"), prompt("innocent"), work_class=WorkClass.BULK)
    ids = route(sqlite_store, submitted)
    for _ in range(3):
        claim(sqlite_store, ids, lease_s=-1)
        sqlite_store.recovery.reclaim(4)
    sqlite_store.recovery.unsent()

    with pytest.raises(EngineDeadError):
        generating.generate(ids, make())

    assert seen(sqlite_store, submitted.prompt_ids) == [("failed", 4), ("pending", 3)]
    assert [dispatch.ids for dispatch in sqlite_store.recovery.unsent()] == [ids[1:]]


def test_a_silent_engine_is_found_and_what_it_holds_comes_back_as_suspect(
    make: Make, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(generating, "LET_GO_S", 0.2)
    submitted = submit(sqlite_store, prompt("[[fault:freeze]]"))
    ids = route(sqlite_store, submitted)
    spec = expert(options={"faults": True})
    using = make(spec, Frozen(spec))
    with ThreadPoolExecutor(1) as threads:
        answering = threads.submit(generating.generate, ids, using)
        until(Frozen.is_frozen.is_set, "the loop stands still")

        with pytest.raises(EngineDeadError, match="is silent") as silent:
            using.engine.check(0.2)
        generating.let_go(silent.value, using)

        assert [one.deaths for one in sqlite_store.recovery.suspects(GENERATE, ids, 0)] == [1]
        Frozen.may_go_on.set()
        assert isinstance(answering.exception(10), EngineDeadError)


class Frozen(SyntheticEngine):
    """Its loop stands still with the first prompt, until a test has seen it."""

    is_frozen, may_go_on = threading.Event(), threading.Event()

    async def answer(self, request: Request) -> Answer:
        self.is_frozen.set()
        self.may_go_on.wait(30)
        raise EngineDeadError("frozen")


def test_a_chunk_that_takes_too_long_gives_back_what_has_had_no_place(
    make: Make, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(generating, "CHUNK_ANSWERS", 2)
    submitted = submit(sqlite_store, *(prompt(f"[[fault:hang]] {n}") for n in range(9)), work_class=WorkClass.BULK)
    spec = expert(options={"faults": True}, limits={"bulk_places": 2})
    using = make(spec, answer_timeout_s=0.5)

    generating.generate(route(sqlite_store, submitted), using)

    states = seen(sqlite_store, submitted.prompt_ids)
    assert states.count(("pending", 1)) in (2, 4)  # these had a place, and no answer within half a second
    assert states.count(("pending", 0)) == 9 - states.count(("pending", 1))


def test_a_completion_is_answered_as_one_and_keeps_its_log_probabilities(make: Make, sqlite_store: Store):
    asked = Completion(echo=True, logprobs=2)
    submitted = submit(sqlite_store, prompt("Once upon a time", sampling=Sampling(max_tokens=3), completion=asked))

    generating.generate(route(sqlite_store, submitted), make())

    [view] = sqlite_store.prompts.get_many(submitted.prompt_ids, OWNER)
    [answered] = view.generations
    assert answered.answer.startswith("Once upon a time ")
    assert (answered.input_tokens, answered.output_tokens) == (4, 3)
    assert "".join(answered.logprobs["tokens"]) == answered.answer
    assert answered.logprobs["text_offset"][:4] == [0, 4, 9, 11]
    assert answered.logprobs["token_logprobs"][0] is None
    assert [len(top) for top in answered.logprobs["top_logprobs"][1:]] == [2] * 6
