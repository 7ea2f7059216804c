"""Keep threads for interactive work: a bulk queue is not consumed while its bulk threads are taken.

A Celery worker whose pool is full consumes nothing at all, and a bulk chunk takes many seconds; so the last threads
must never go to bulk. Priority of queues alone does not give that.
"""

from collections.abc import Collection
from typing import Any

from celery.signals import task_received
from celery.worker import state

from workers.periodic import Periodic

#: Seconds between two looks at whether there is room for bulk again.
LOOK_S = 0.02


class BulkReserve:
    """Knows the bulk chunks in hand; it counts, and changes what is consumed, on the consumer's own thread only.

    Celery says which of them are still in hand. Signals of their ends do not: a message with nonsense for arguments has
    none, and one that was never counted down would keep its thread from bulk for good.
    """

    def __init__(self, bulk_queues: Collection[str], bulk_threads: int) -> None:
        self._queues = frozenset(bulk_queues)
        self._threads = bulk_threads
        self._in_hand: list[Any] = []  # Any: Celery ships no types
        self._consumer: Any = None  # Any: as above
        self._is_paused = False

    def held(self) -> Periodic:
        """Holds it as long as the block lasts."""
        task_received.connect(self._received)
        return Periodic("reserve", LOOK_S, self._look)

    def _received(self, sender: Any, request: Any, **_: Any) -> None:  # Any: as above
        """Celery's signal, on the consumer's thread, before the chunk is handed to a thread."""
        if request.delivery_info.get("routing_key") not in self._queues:
            return
        self._consumer = sender
        self._in_hand = [*self._still_in_hand(), request]
        if len(self._in_hand) >= self._threads:
            self._is_paused = True  # first, since the connection may break in the next line
            for queue in self._queues:
                sender.cancel_task_queue(queue)

    def _look(self) -> None:
        """On a thread of its own, which asks again until the consumer has listened: it may be without a connection."""
        if self._is_paused:
            self._consumer.call_soon(self._resume)

    def _resume(self) -> None:
        self._in_hand = self._still_in_hand()
        if self._is_paused and len(self._in_hand) < self._threads:
            self._is_paused = False
            for queue in self._queues:
                self._consumer.add_task_queue(queue)

    def _still_in_hand(self) -> list[Any]:  # Any: as above
        return [request for request in self._in_hand if request in state.reserved_requests]
