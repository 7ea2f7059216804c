"""Crash points: places where a fault test ends a process, as the kernel would. Off unless the process was armed.

Each stands before or behind a commit, or between two things that no transaction holds together; so they live in the
store, which every step has at hand. `tests/acceptance/chaos` goes through all of them.
"""

import os
import signal
from enum import StrEnum
from threading import Semaphore

from core.errors import ConfigError
from core.settings import FAILPOINT


class Point(StrEnum):
    """Named as the step and what has just happened there."""

    # The API.
    FILE_STORED = "files.stored"  # its bytes are there, and no row says so
    FILE_ADDED = "files.added"  # there is a row, and the caller has no answer
    BATCH_CREATED = "batches.created"  # as above
    BATCH_CANCELLED = "batches.cancelled"  # as above
    PROMPTS_STORED = "prompts.stored"  # committed; nobody has been woken up
    PROMPTS_SENT = "prompts.sent"  # the caller has no answer

    # Every worker.
    MESSAGE_TAKEN = "message.taken"  # acknowledged, and nothing done about it
    MESSAGE_DONE = "message.done"  # the step has returned
    MESSAGES_PARTLY_SENT = "messages.partly-sent"  # of several, one is out
    LEASES_RENEWED = "leases.renewed"

    # Routing.
    ROUTING_CLAIMED = "routing.claimed"
    ROUTING_CHOSEN = "routing.chosen"  # in memory
    ROUTING_STORED = "routing.stored"  # committed; no expert has been woken up
    ROUTER_FETCHED = "router.fetched"  # a promoted checkpoint is here, and not loaded

    # An expert.
    GENERATING_CLAIMED = "generating.claimed"
    GENERATING_ASKED = "generating.asked"  # the engine is at it
    GENERATING_ANSWERED = "generating.answered"  # in memory
    GENERATING_STORED = "generating.stored"  # committed; scoring has not been woken up
    GENERATING_GIVEN_BACK = "generating.given-back"  # what a worker that must end had not begun

    # Scoring.
    SCORING_CLAIMED = "scoring.claimed"
    SCORING_COMPUTED = "scoring.computed"  # in memory
    SCORING_STORED = "scoring.stored"

    # Batches that came as files.
    BATCH_CLAIMED = "batching.claimed"
    BATCH_STEPPED = "batching.stepped"  # a step is done, and its lease still held
    VALIDATING_READ = "validating.read"  # a window of lines was looked at
    VALIDATING_STARTED = "validating.started"  # the batch may run
    LINES_STORED = "validating.lines-stored"  # a window is committed; routing has not been woken up
    STOPPING_PROMPTS = "stopping.prompts"  # a page of them has ended
    STOPPING_GENERATIONS = "stopping.generations"  # likewise
    STOPPING_ENDED = "stopping.ended"  # the lines that were never read are counted
    OUTPUT_PARTLY_WRITTEN = "finalizing.partly-written"
    OUTPUT_WRITTEN = "finalizing.written"  # both files are on the disk, and no row says so
    OUTPUT_FINISHED = "finalizing.finished"  # the batch has ended; an empty file is still there
    WEBHOOK_CLAIMED = "webhooks.claimed"
    WEBHOOK_CALLED = "webhooks.called"  # the receiver has answered, and no row says so

    # Recovery.
    RECOVERY_RECLAIMED = "recovery.reclaimed"  # of one table, what silent workers held
    RECOVERY_FORGOT = "recovery.forgot"  # messages that are lost are no longer counted as sent
    RECOVERY_TAKEN = "recovery.taken"  # unsent rows count as sent, and are not

    # Promoting a checkpoint.
    CHECKPOINT_PUT = "promotion.put"  # its files are there, and no row says so
    CHECKPOINT_ADDED = "promotion.added"  # it is kept, and does not route
    CHECKPOINT_PROMOTED = "promotion.promoted"  # it routes, and nobody was told


#: The passes that are still free of what this process is armed with; empty in production.
_armed: dict[Point, Semaphore] = {}


def arm(asked: str) -> None:
    """Make this process kill itself at a point; empty: at none. ConfigError for what is no point."""
    if not asked:
        return
    name, _, nth = asked.partition(":")
    try:
        _armed[Point(name)] = Semaphore(int(nth or 1) - 1)
    except ValueError as error:
        raise ConfigError(f"{FAILPOINT}={asked!r}: is not NAME or NAME:NTH of {', '.join(Point)}") from error


def failpoint(point: Point) -> None:
    """Die here if this process is armed with it: no handler runs, nothing is flushed and no lock is let go of."""
    if _armed and point in _armed and not _armed[point].acquire(blocking=False):
        os.kill(os.getpid(), signal.SIGKILL)
