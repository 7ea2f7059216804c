"""Where claimed rows come from: columns of prompt and batch, for whatever joins these two."""

from typing import Any

from core.schemas.work import Origin
from core.tables import BATCH, PROMPT

COLUMNS = (
    PROMPT.c.public_id.label("origin_prompt"),
    BATCH.c.public_id.label("origin_batch"),
    BATCH.c.traceparent.label("origin_traceparent"),
)


def origin(row: Any) -> Origin:  # Any: a row with these columns among others
    return Origin(row.origin_prompt, row.origin_batch, row.origin_traceparent)
