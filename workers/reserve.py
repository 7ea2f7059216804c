"""Keep threads for interactive work: a bulk queue is not consumed while its bulk threads are taken.

A Celery worker whose pool is full consumes nothing at all, and a bulk chunk takes many seconds; so the last threads
must never go to bulk. Priority of queues alone does not give that.
"""

import threading
from collections.abc import Collection
from typing import Any

from celery.signals import task_postrun, task_received


class BulkReserve:
    """Counts bulk chunks in hand; consuming changes on the consumer's own thread only."""

    def __init__(self, bulk_queues: Collection[str], bulk_threads: int) -> None:
        self._queues = frozenset(bulk_queues)
        self._threads = bulk_threads
        self._in_hand = 0
        self._lock = threading.Lock()
        self._consumer: Any = None  # Any: Celery ships no types
        task_received.connect(self._received, weak=False)
        task_postrun.connect(self._finished, weak=False)

    def _finished(self, task: Any, **_: Any) -> None:  # Any: Celery ships no types
        """Celery's signal, on the thread that did it; also of a message that never reached its step."""
        if task.request.delivery_info.get("routing_key") not in self._queues:
            return
        with self._lock:
            self._in_hand -= 1
            resumes = self._in_hand == self._threads - 1
        if resumes:
            self._consumer.call_soon(self._resume)

    def _received(self, sender: Any, request: Any, **_: Any) -> None:  # Any: Celery ships no types
        """Celery's signal, on the consumer's thread, before the chunk is handed to a thread."""
        if request.delivery_info.get("routing_key") not in self._queues:
            return
        with self._lock:
            self._consumer = sender
            self._in_hand += 1
            full = self._in_hand >= self._threads
        if full:
            for queue in self._queues:
                sender.cancel_task_queue(queue)

    def _resume(self) -> None:
        with self._lock:
            full = self._in_hand >= self._threads
        if not full:
            for queue in self._queues:
                self._consumer.add_task_queue(queue)
