"""The tables, as SQLModel classes, and their migrations.

A SQLModel table does not validate: values are validated by `core.schemas` at the border. Times are Unix seconds by the
database's clock (docs/decisions/0003). Public ids are opaque, internal ids are integers.
"""

from core.tables.models import Batch, Checkpoint, Decision, Expert, Generation, Prompt, Score
from core.tables.states import BatchState, State

__all__ = ["Batch", "BatchState", "Checkpoint", "Decision", "Expert", "Generation", "Prompt", "Score", "State"]
