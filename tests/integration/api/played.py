"""A thread that plays every worker, through the store's own methods, so that prompts end for real."""

import queue
import threading
from dataclasses import asdict

from core.schemas.work import (
    Dispatch,
    Failure,
    GenerationItem,
    GenerationResult,
    Routed,
    RoutingItem,
    ScoreValue,
    Submitted,
)
from core.store import Store
from experts.completing import Token, completed
from experts.engine import Answer, Request
from tests import factories


class PlayedWorkers:
    """A sender whose messages reach a thread that routes, generates and scores; `hold()` makes it wait."""

    def __init__(self, store: Store) -> None:
        self.sent: list[Submitted] = []
        #: Code and message that every generation fails with, where set.
        self.failure: tuple[str, str] | None = None
        #: Experts of the texts that the router doesn't send to the general one.
        self.by_text: dict[str, str] = {}
        #: What was answered, or failed.
        self.generated: list[GenerationItem] = []
        self._store = store
        self._inbox: queue.Queue[list[int] | None] = queue.Queue()
        self._stopping = False
        self._may_work = threading.Event()
        self._may_work.set()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def submitted(self, submitted: Submitted) -> None:
        self.sent.append(submitted)
        self._inbox.put(submitted.ids)

    def send(self, dispatches: list[Dispatch]) -> bool:
        """What a batch's worker sends, to be routed."""
        for dispatch in dispatches:
            self._inbox.put(dispatch.ids)
        return True

    def is_full(self, _queue: str) -> bool:
        return False

    def hold(self) -> None:
        self._may_work.clear()

    def release(self) -> None:
        self._may_work.set()

    def stop(self) -> None:
        """At once: what was held back is not worked on any more."""
        self._stopping = True
        self._inbox.put(None)
        self.release()
        self._thread.join()

    def _run(self) -> None:
        for ids in iter(self._inbox.get, None):
            self._may_work.wait()
            if self._stopping:
                return
            items = self._store.prompts.claim(ids, "router", factories.LEASE_S)
            for dispatch in self._store.prompts.decide([self._decision(item) for item in items]):
                self._generate(dispatch.ids)

    def _generate(self, ids: list[int]) -> None:
        claimed = factories.claim(self._store, ids)
        self.generated += claimed
        if self.failure:
            self._store.generations.fail([Failure(one.claim, *self.failure) for one in claimed])
            return
        scores = self._store.generations.finish([_result(one) for one in claimed])
        to_score = self._store.scores.claim(scores, "scorer", factories.LEASE_S)
        self._store.scores.finish([ScoreValue(one.claim, 0.75) for one in to_score])

    def _decision(self, item: RoutingItem) -> Routed:
        if item.collect:
            return factories.routed(item, *item.collect, policy="collect")
        if item.expert:
            return factories.routed(item, item.expert, policy="pinned")
        chosen = self.by_text.get(item.messages[-1].content, "general")
        predictions = {"general": 0.7, "math": 0.2}
        return factories.routed(item, chosen, prediction_kind="quality", predictions=predictions, policy="best")


def _result(item: GenerationItem) -> GenerationResult:
    text = item.messages[-1].content
    if item.completion is None:
        return factories.result(item.claim, f"{item.expert}: {text}")
    request = Request("1", item.expert, item.messages, item.sampling, completion=item.completion)
    said = Answer(f" {item.expert}", "length", 10, 5, 0.5, None, 0.5, 0.1, None)
    answer = completed(said, request, [Token(text)], [Token(said.text, -0.5, ((said.text, -0.5),))])
    logprobs = asdict(answer.logprobs) if answer.logprobs else None
    return factories.result(item.claim, answer.text, finish_reason=answer.finish_reason, logprobs=logprobs)
