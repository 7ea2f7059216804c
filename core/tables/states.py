"""States and their legal moves. Only the store moves a row, and a terminal state is final."""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Of one piece of work: a prompt to route, a generation, a score."""

    PENDING = "pending"  #: committed; a message may or may not be under way
    RUNNING = "running"  #: a worker holds the lease
    ROUTED = "routed"  #: prompts only: decided, its generations do the rest
    DONE = "done"
    FAILED = "failed"  #: the row says why
    CANCELLED = "cancelled"
    EXPIRED = "expired"  #: its deadline passed


TERMINAL: Final = (State.DONE, State.FAILED, State.CANCELLED, State.EXPIRED)

MOVES: Final[dict[State, tuple[State, ...]]] = {
    State.PENDING: (State.RUNNING, State.FAILED, State.CANCELLED, State.EXPIRED),
    State.RUNNING: (State.PENDING, State.ROUTED, State.DONE, State.FAILED, State.CANCELLED, State.EXPIRED),
    State.ROUTED: (State.DONE, State.FAILED, State.CANCELLED, State.EXPIRED),
    **dict.fromkeys(TERMINAL, ()),
}


class BatchState(StrEnum):
    """OpenAI's names for a batch's status."""

    VALIDATING = "validating"
    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"  #: every prompt has ended; scores are computed, files written
    COMPLETED = "completed"
    FAILED = "failed"  #: nothing of it has run
    EXPIRED = "expired"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


class Invalid(StrEnum):
    """What becomes of a batch with a line that can't be taken."""

    FAIL = "fail"  #: nothing of it runs
    SKIP = "skip"  #: such lines fail alone


class UploadState(StrEnum):
    """OpenAI's names for an upload's status."""

    PENDING = "pending"  #: parts may be added
    COMPLETED = "completed"  #: it has become a file
    CANCELLED = "cancelled"
    EXPIRED = "expired"
