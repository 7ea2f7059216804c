"""A thread that plays every worker, through the store's own methods, so that prompts end for real."""

import queue
import threading

from core.schemas.work import Failure, GenerationItem, RoutingItem, ScoreValue, Submitted
from core.store import Store
from tests import factories


class PlayedWorkers:
    """A sender whose messages reach a thread that routes, generates and scores; `hold()` makes it wait."""

    def __init__(self, store: Store) -> None:
        self.sent: list[Submitted] = []
        #: Code and message that every generation fails with, where set.
        self.failure: tuple[str, str] | None = None
        self._store = store
        self._inbox: queue.Queue[Submitted | None] = queue.Queue()
        self._stopping = False
        self._may_work = threading.Event()
        self._may_work.set()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def submitted(self, submitted: Submitted) -> None:
        self.sent.append(submitted)
        self._inbox.put(submitted)

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
        for submitted in iter(self._inbox.get, None):
            self._may_work.wait()
            if self._stopping:
                return
            items = self._store.prompts.claim(submitted.ids, "router", factories.LEASE_S)
            for dispatch in self._store.prompts.decide([_decision(item) for item in items]):
                self._generate(dispatch.ids)

    def _generate(self, ids: list[int]) -> None:
        claimed = factories.claim(self._store, ids)
        if self.failure:
            self._store.generations.fail([Failure(one.claim, *self.failure) for one in claimed])
            return
        scores = self._store.generations.finish([factories.result(one.claim, _answer(one)) for one in claimed])
        to_score = self._store.scores.claim(scores, "scorer", factories.LEASE_S)
        self._store.scores.finish([ScoreValue(one.claim, 0.75) for one in to_score])


def _decision(item: RoutingItem):
    if item.collect:
        return factories.routed(item, *item.collect, policy="collect")
    if item.expert:
        return factories.routed(item, item.expert, policy="pinned")
    return factories.routed(
        item, "general", prediction_kind="quality", predictions={"general": 0.7, "math": 0.2}, policy="best"
    )


def _answer(item: GenerationItem) -> str:
    return f"{item.expert}: {item.messages[-1].content}"
