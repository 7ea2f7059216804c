"""Messages out: ids of committed rows, in chunks, by task name. Whoever sends needs no step's code."""

import logging
from collections.abc import Iterator, Sequence

from celery import Celery
from kombu import Queue
from kombu.exceptions import OperationalError

from core import queues
from core.errors import StoreError
from core.queues import WorkClass
from core.schemas.work import Dispatch, Submitted
from core.settings import Settings
from core.store.recovery import Recovery

log = logging.getLogger(__name__)

#: Ids in one message of interactive work: few, so that they spread over the threads.
INTERACTIVE_CHUNK = 8


class Sender:
    """Sends what a transaction has just committed. What the broker doesn't take, recovery sends later."""

    def __init__(self, celery: Celery, recovery: Recovery, settings: Settings) -> None:
        self._celery = celery
        self._recovery = recovery
        self._chunks = {
            queues.ROUTE: settings.route_chunk,
            queues.GENERATE: settings.generate_chunk,
            queues.SCORE: settings.score_chunk,
        }

    def submitted(self, submitted: Submitted) -> None:
        """Wake up the routing workers for what was just stored."""
        self.send([Dispatch(queues.route_queue(submitted.work_class), queues.ROUTE, submitted.ids)])

    def scores(self, ids: list[int]) -> None:
        """Wake up the scoring workers."""
        if ids:
            self.send([Dispatch(queues.SCORE_QUEUE, queues.SCORE, ids)])

    def send(self, dispatches: Sequence[Dispatch]) -> bool:
        """Publish every message; False, and no error, for a broker that is away, since nothing is lost by it."""
        taken = True
        for dispatch in dispatches:
            for ids in self._cut(dispatch):
                try:
                    self._celery.send_task(dispatch.task, kwargs=queues.message(ids), queue=_queue(dispatch.queue))
                except OperationalError as error:
                    log.warning("the broker did not take %d ids for %s: %s", len(dispatch.ids), dispatch.queue, error)
                    self._unsend(dispatch)
                    taken = False
                    break
        return taken

    def _unsend(self, dispatch: Dispatch) -> None:
        """Only hastens recovery, which finds the rows by their age too: what was committed must not look refused."""
        try:
            self._recovery.unsend(dispatch)
        except StoreError as error:
            log.warning("recovery sends %d ids for %s later: %s", len(dispatch.ids), dispatch.queue, error)

    def _cut(self, dispatch: Dispatch) -> Iterator[list[int]]:
        size = self._chunks[dispatch.task]
        if dispatch.queue.endswith(WorkClass.INTERACTIVE):
            size = min(size, INTERACTIVE_CHUNK)
        if dispatch.alone:
            size = 1
        return (dispatch.ids[start : start + size] for start in range(0, len(dispatch.ids), size))


def _queue(name: str) -> Queue:
    """A sender may name any queue; a worker only those that it declared."""
    return Queue(name, routing_key=name)
