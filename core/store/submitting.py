"""How a submission becomes a batch and its prompts. Functions on a connection."""

from typing import Any

from sqlalchemy import Connection, insert, select

from core.schemas.files import Once
from core.schemas.work import NewPrompt, Submission, Submitted
from core.store import request_keys
from core.store.database import now
from core.tables import BATCH, PROMPT, BatchState, public_id

#: Rows of one INSERT; bounds the memory that a large submission takes on its way.
INSERT_ROWS = 1000


def store(connection: Connection, submission: Submission, once: Once | None = None) -> Submitted:
    """Insert a batch and its prompts, which count as sent: the caller sends the messages after it has committed.

    Where an earlier request with the same key did so, what that stored.
    """
    batch_public_id = public_id("batch")
    made = request_keys.first(connection, submission.owner, once, batch_public_id)
    if made != batch_public_id:
        return _stored(connection, made, submission)
    batch_id = _insert_batch(connection, submission, batch_public_id)
    names: list[str] = []
    ids: list[int] = []
    for start in range(0, len(submission.prompts), INSERT_ROWS):
        part = submission.prompts[start : start + INSERT_ROWS]
        rows = [_prompt_row(prompt, submission, batch_id, line) for line, prompt in enumerate(part, start + 1)]
        stored = insert(PROMPT).values(created_at=now(), sent_at=now())
        returned = stored.returning(PROMPT.c.id, sort_by_parameter_order=True)
        ids += connection.execute(returned, rows).scalars()
        names += [row["public_id"] for row in rows]
    return Submitted(batch_public_id, names, ids, submission.work_class)


def _stored(connection: Connection, batch: str, submission: Submission) -> Submitted:
    of_batch = select(PROMPT.c.public_id).join(BATCH, BATCH.c.id == PROMPT.c.batch_id)
    names = connection.execute(of_batch.where(BATCH.c.public_id == batch).order_by(PROMPT.c.line)).scalars().all()
    return Submitted(batch, list(names), [], submission.work_class)


def _insert_batch(connection: Connection, submission: Submission, name: str) -> int:
    row = {
        "public_id": name,
        "owner": submission.owner,
        "state": BatchState.IN_PROGRESS,
        "work_class": submission.work_class,
        "endpoint": submission.endpoint,
        "collect": list(submission.collect) if submission.collect is not None else None,
        "policy": submission.policy,
        "total": len(submission.prompts),
        "metadata": submission.details,
        "traceparent": submission.traceparent,
    }
    stored = insert(BATCH).values(created_at=now(), in_progress_at=now(), **row)
    return int(connection.execute(stored.returning(BATCH.c.id)).scalar_one())


def _prompt_row(prompt: NewPrompt, submission: Submission, batch_id: int, line: int) -> dict[str, Any]:
    return {
        "public_id": public_id("prompt"),
        "batch_id": batch_id,
        "line": line,
        "owner": submission.owner,
        "endpoint": submission.endpoint,
        "work_class": submission.work_class,
        "policy": submission.policy,
        "messages": [message.model_dump() for message in prompt.messages],
        "sampling": prompt.sampling.model_dump(exclude_none=True),
        "completion": prompt.completion.model_dump() if prompt.completion else None,
        "reference": prompt.reference,
        "dataset": prompt.dataset,
        "expert": prompt.expert,
        "custom_id": prompt.custom_id,
        "metadata": prompt.details,
    }
