"""The step that holds answers against their references: BERTSim, in batches, away from the experts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.schemas.work import ScoreValue
from core.settings import Settings
from core.store import Store
from workers.leasing import Leases, insist

#: Answers and references to similarities in 0..1.
Similarity = Callable[[Sequence[str], Sequence[str]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Using:
    """What the step works with."""

    store: Store
    leases: Leases
    similarity: Similarity
    settings: Settings


def score(ids: list[int], using: Using) -> None:
    """Compute those of the scores that still wait for it; twice does no harm."""
    items = using.store.scores.claim(ids, using.leases.owner, using.leases.lease_s)
    if not items:
        return
    with using.leases.holding(item.claim for item in items):
        found = using.similarity([item.answer for item in items], [item.reference for item in items])
        values = [ScoreValue(item.claim, float(value)) for item, value in zip(items, found, strict=True)]
        insist(lambda: using.store.scores.finish(values), using.settings.lease_s)
