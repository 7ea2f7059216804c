"""Names of queues and tasks, and what a message looks like. The only place that spells them."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from core.errors import InvalidInputError


class WorkClass(StrEnum):
    """How urgent a prompt is; every step has one queue per class."""

    INTERACTIVE = "interactive"  # somebody waits
    BULK = "bulk"  # a file's worth; never in the way of interactive work


#: Task names; a Celery task is sent by name, so that the sender never imports a step.
ROUTE: Final = "torouter.route"
GENERATE: Final = "torouter.generate"
SCORE: Final = "torouter.score"
RETRAIN: Final = "torouter.retrain"

SCORE_QUEUE: Final = "score"
RETRAIN_QUEUE: Final = "retrain"

#: Version of the message format; a worker refuses one it doesn't know and the row is sent again.
VERSION: Final = 1

#: Ids in one message at most; the largest chunk that can be set is as long.
MOST_IDS: Final = 4096


def route_queue(work_class: WorkClass) -> str:
    return f"route.{work_class}"


def expert_queue(expert: str, work_class: WorkClass) -> str:
    return f"expert.{expert}.{work_class}"


class Address(NamedTuple):
    """What a queue's name says; `expert` and `work_class` are empty where it has none."""

    task: str
    expert: str
    work_class: str


def address(queue: str) -> Address:
    """Of a queue of a prompt's way."""
    if queue == SCORE_QUEUE:
        return Address(SCORE, "", "")
    kind, *expert, work_class = queue.split(".")
    return Address(GENERATE if kind == "expert" else ROUTE, ".".join(expert), work_class)


def message(ids: Sequence[int]) -> dict[str, object]:
    """The keyword arguments of a task: ids only, never prompts."""
    return {"v": VERSION, "ids": list(ids)}


def ids_of(message: Mapping[str, Any]) -> list[int]:  # Any: it came over the wire
    """The ids of a received message; InvalidInputError when it isn't one of ours."""
    ids = message.get("ids")
    if message.get("v") != VERSION or not isinstance(ids, list) or len(ids) > MOST_IDS or not all(map(_is_id, ids)):
        raise InvalidInputError(
            f'not a message of version {VERSION} ({{"v": {VERSION}, "ids": […]}}): {message!r:.200}'
        )
    return ids


def _is_id(found: Any) -> bool:  # Any: as above
    """Whether a database could have it: one that can't would fail the statement that looks for its neighbours too."""
    return type(found) is int and 0 < found < 2**63
