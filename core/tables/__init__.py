"""The tables, as SQLModel classes, and their migrations.

A SQLModel table does not validate: values are validated by `core.schemas` at the border. Times are Unix seconds by the
database's clock (docs/decisions/0003). Public ids are opaque, internal ids are integers. Bulk statements are written
on the Core tables below, which are the same tables.
"""

from core.tables.models import (
    LOCAL,
    METADATA,
    OURS,
    Batch,
    Checkpoint,
    Decision,
    Expert,
    Generation,
    Prompt,
    Score,
    public_id,
)
from core.tables.states import MOVES, TERMINAL, BatchState, State

BATCH = METADATA.tables["batch"]
PROMPT = METADATA.tables["prompt"]
DECISION = METADATA.tables["decision"]
GENERATION = METADATA.tables["generation"]
SCORE = METADATA.tables["score"]
CHECKPOINT = METADATA.tables["checkpoint"]
EXPERT = METADATA.tables["expert"]

#: What workers lease, in the order in which a transaction may lock them (then the batch).
LEASED = (SCORE, GENERATION, PROMPT)

__all__ = [
    "BATCH",
    "CHECKPOINT",
    "DECISION",
    "EXPERT",
    "GENERATION",
    "LEASED",
    "LOCAL",
    "METADATA",
    "MOVES",
    "OURS",
    "PROMPT",
    "SCORE",
    "TERMINAL",
    "Batch",
    "BatchState",
    "Checkpoint",
    "Decision",
    "Expert",
    "Generation",
    "Prompt",
    "Score",
    "State",
    "public_id",
]
