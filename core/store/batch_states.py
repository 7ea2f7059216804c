"""Which batches are open, in the very words of the index over them: in others, all that there ever were are read."""

from sqlalchemy import ColumnElement, literal

from core.tables import BATCH, BatchState

OPEN = (BatchState.VALIDATING, BatchState.IN_PROGRESS, BatchState.FINALIZING, BatchState.CANCELLING)


def is_open() -> ColumnElement[bool]:
    return BATCH.c.state.in_([literal(state.value, literal_execute=True) for state in OPEN])
