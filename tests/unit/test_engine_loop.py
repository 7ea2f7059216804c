"""Futures of an engine's loop: bound both ways, whenever they are cancelled."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, wait

import pytest

from core.schemas.conversation import Message, Sampling
from experts.engine import Answer, Request
from workers.engine_loop import EngineLoop


class Waiting:
    """Answers when told to; notes what was cancelled."""

    def __init__(self) -> None:
        self.cancelled: list[str] = []
        self.may_answer = threading.Event()

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def check(self) -> None: ...

    async def answer(self, request: Request) -> Answer:
        try:
            while not self.may_answer.is_set():  # noqa: ASYNC110  # set by another thread
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            self.cancelled.append(request.id)
            raise
        if request.id == "bad":
            raise ValueError("no")
        return Answer("yes", "stop", 1, 1, None, None, 0.0, 0.0, None)


@pytest.fixture
def engine() -> Waiting:
    return Waiting()


@pytest.fixture
def loop(engine: Waiting) -> Iterator[EngineLoop]:
    loop = EngineLoop(engine)
    loop.start()
    yield loop
    loop.stop()


def request(name: str) -> Request:
    return Request(name, "general", (Message(role="user", content="?"),), Sampling())


def test_answers_and_errors_reach_their_own_futures(loop: EngineLoop, engine: Waiting):
    good, bad = loop.submit([request("good"), request("bad")])

    engine.may_answer.set()

    assert good.result(5).text == "yes"
    with pytest.raises(ValueError, match="no"):
        bad.result(5)


def test_cancelling_a_future_aborts_its_request(loop: EngineLoop, engine: Waiting):
    one, other = loop.submit([request("one"), request("other")])
    threading.Event().wait(0.05)

    one.cancel()
    finished, _ = wait([one], timeout=5, return_when=FIRST_COMPLETED)
    engine.may_answer.set()

    assert finished == {one}
    assert other.result(5).text == "yes"
    assert engine.cancelled == ["one"]


def test_a_future_that_was_cancelled_before_its_turn_is_done_for_who_waits(loop: EngineLoop, engine: Waiting):
    busy = threading.Event()
    loop._loop.call_soon_threadsafe(busy.wait)
    [late] = loop.submit([request("late")])
    late.cancel()
    busy.set()

    finished, _ = wait([late], timeout=5, return_when=FIRST_COMPLETED)

    assert finished == {late}
    assert engine.cancelled == []
