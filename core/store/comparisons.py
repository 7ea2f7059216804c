"""Routed prompts that other experts answer too, so that routers can be compared on real traffic. On a connection.

They are collecting batches of our own: nobody waits for them, and no caller sees or pays for them.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from core import queues
from core.queues import WorkClass
from core.schemas.conversation import Completion, Message, Sampling
from core.schemas.work import Dispatch, NewPrompt, Routed, Submission
from core.store import submitting
from core.tables import OURS, PROMPT

#: What these batches say they came from.
ENDPOINT = "torouter comparison"


def store(connection: Connection, decided: Sequence[Routed]) -> list[Dispatch]:
    """Copy the prompts that are to be compared, in one batch for each set of experts; what is now to be sent."""
    by_experts: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for one in decided:
        if one.compare:
            by_experts[one.compare].append(one.claim.id)
    return [_collect(connection, experts, ids) for experts, ids in by_experts.items()]


def _collect(connection: Connection, experts: tuple[str, ...], ids: list[int]) -> Dispatch:
    rows = connection.execute(select(PROMPT).where(PROMPT.c.id.in_(ids)).order_by(PROMPT.c.id))
    copies = tuple(_copy(row) for row in rows)
    batch = Submission(copies, endpoint=ENDPOINT, work_class=WorkClass.BULK, owner=OURS, collect=experts)
    submitted = submitting.store(connection, batch)
    return Dispatch(queues.route_queue(WorkClass.BULK), queues.ROUTE, submitted.ids)


def _copy(row: Row[Any]) -> NewPrompt:  # Any: the columns of the table
    return NewPrompt(
        messages=tuple(Message.model_construct(**message) for message in row.messages),
        sampling=Sampling.model_validate(row.sampling),
        reference=row.reference,
        dataset=row.dataset,
        completion=Completion.model_validate(row.completion) if row.completion is not None else None,
        custom_id=row.public_id,
    )
