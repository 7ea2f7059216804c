"""Messages out: ids of committed rows, in chunks, by task name. Whoever sends needs no step's code."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from celery import Celery
from kombu import Queue
from kombu.exceptions import OperationalError

from core import queues
from core.errors import NotReadyError, StoreError
from core.queues import WorkClass
from core.schemas.work import Dispatch, Submitted
from core.settings import Settings
from core.store.failpoints import Point, failpoint
from core.store.recovery import Recovery
from workers.app import depth
from workers.away import Away

log = logging.getLogger(__name__)

#: Ids in one message of interactive work: few, so that they spread over the threads.
INTERACTIVE_CHUNK = 8

#: Seconds for which a look at a queue's depth holds.
LOOK_S = 0.5

#: Ids that a queue without a limit takes.
UNLIMITED = 1_000_000_000


class Sender:
    """Sends what a transaction has just committed. What the broker doesn't take, recovery sends later."""

    def __init__(self, celery: Celery, recovery: Recovery, settings: Settings) -> None:
        self._celery = celery
        self._recovery = recovery
        self._most = settings.queue_messages
        self._away = Away()
        self._depths = Depths(lambda queue: depth(celery, queue))
        self._chunks = {
            queues.ROUTE: settings.route_chunk,
            queues.GENERATE: settings.generate_chunk,
            queues.SCORE: settings.score_chunk,
        }

    def is_full(self, queue: str) -> bool:
        """Whether a bulk queue has no room: what is for it then waits in the database, for recovery to send."""
        return self._depths.of(queue) >= self._most

    def room(self, queue: str, task: str) -> int:
        """How many ids may be sent to a queue now."""
        if not queue.endswith(WorkClass.BULK):
            return UNLIMITED
        return max(0, self._most - self._depths.of(queue)) * self._chunks[task]

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
            try:
                self._publish(dispatch)
            except (OperationalError, NotReadyError) as error:
                log.warning("the broker did not take %d ids for %s: %s", len(dispatch.ids), dispatch.queue, error)
                self._unsend(dispatch)
                taken = False
        return taken

    def _publish(self, dispatch: Dispatch) -> None:
        for ids in self._cut(dispatch):
            with self._away.trying():
                self._celery.send_task(dispatch.task, kwargs=queues.message(ids), queue=_queue(dispatch.queue))
            self._depths.sent(dispatch.queue)
            failpoint(Point.MESSAGES_PARTLY_SENT)

    def _unsend(self, dispatch: Dispatch) -> None:
        """Only hastens recovery, which finds the rows by their age too: what was committed must not look refused."""
        try:
            self._recovery.unsend(dispatch.task, dispatch.ids)
        except StoreError as error:
            log.warning("recovery sends %d ids for %s later: %s", len(dispatch.ids), dispatch.queue, error)

    def _cut(self, dispatch: Dispatch) -> Iterator[list[int]]:
        size = self._chunks[dispatch.task]
        if dispatch.queue.endswith(WorkClass.INTERACTIVE):
            size = min(size, INTERACTIVE_CHUNK)
        return (dispatch.ids[start : start + size] for start in range(0, len(dispatch.ids), size))


class Depths:
    """How many messages wait in queues, looked up now and then, and counted on in between. Threads share it."""

    def __init__(self, look: Callable[[str], int]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, int]] = {}  # when it was looked up, and how many there are

    def of(self, queue: str) -> int:
        """Its messages; 0 where the broker is away, so that whoever sends finds out."""
        with self._lock:
            looked_at, count = self._known.get(queue, (float("-inf"), 0))
            if time.monotonic() - looked_at < LOOK_S:
                return count
            try:
                count = self._look(queue)
            except NotReadyError:
                count = 0
            self._known[queue] = time.monotonic(), count
            return count

    def sent(self, queue: str) -> None:
        """One more."""
        with self._lock:
            if queue in self._known:
                looked_at, count = self._known[queue]
                self._known[queue] = looked_at, count + 1


def _queue(name: str) -> Queue:
    """A sender may name any queue; a worker only those that it declared."""
    return Queue(name, routing_key=name)
