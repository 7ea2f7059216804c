"""The rows of a batch that is evaluated: those of its lines that carry a reference, all or a fair sample."""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from core.schemas.files import BatchJob
from core.schemas.outcomes import OutcomeRow
from core.schemas.views import PromptView
from core.store import Store
from core.store.outcomes import outcome_row
from core.tables import State
from router.hashing import uniform

#: Prompts that are measured at most: a bootstrap takes 16 kB of each.
MOST_PROMPTS: Final = 20_000

#: Data sets that a report tells apart at most: plots and tables have a line for each.
MOST_DATASETS: Final = 50

#: What the others are called together.
OTHERS: Final = "(other data sets)"


@dataclass(slots=True)
class Rows:
    """The rows, and what was counted on the way to them, whether they are in the sample or not."""

    rows: list[OutcomeRow] = field(default_factory=list)
    answered: int = 0  # prompts with a reference that any expert answered
    named: int = 0  # of these, those that named their expert
    unanswered: Counter[str] = field(default_factory=Counter)  # by expert: it failed on them, or was cut off


def read(store: Store, job: BatchJob, most: int = MOST_PROMPTS) -> Rows:
    """Read the batch a page at a time; the `most` prompts with the smallest hashes of their ids are kept."""
    found = Rows()
    kept = heapq.nsmallest(most, _answered(store, job, found), key=itemgetter(0))
    found.rows = _with_few_datasets([row for _, row in kept])
    return found


def _answered(store: Store, job: BatchJob, counts: Rows) -> Iterator[tuple[float, OutcomeRow]]:
    """Every prompt that has a reference and an answer, with its hash."""
    for page in store.prompts.of_batch(job.public_id, job.owner):
        for prompt in page:
            if prompt.reference is None:
                continue
            counts.unanswered.update(one.expert for one in prompt.generations if one.state != State.DONE)
            row = outcome_row(prompt)
            if row.outcomes:
                counts.answered += 1
                counts.named += _named_its_expert(prompt)
                yield uniform("evaluation", prompt.id), row


def _named_its_expert(prompt: PromptView) -> bool:
    return prompt.decision is not None and prompt.decision.policy == "pinned"


def _with_few_datasets(rows: Sequence[OutcomeRow]) -> list[OutcomeRow]:
    """The same rows; beyond the largest, data sets go by one name."""
    counts = Counter(row.dataset for row in rows)
    if len(counts) <= MOST_DATASETS:
        return list(rows)
    own = {name for name, _ in counts.most_common(MOST_DATASETS - 1)}
    return [row if row.dataset in own else row.model_copy(update={"dataset": OTHERS}) for row in rows]
