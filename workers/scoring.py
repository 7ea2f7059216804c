"""The step that holds answers against their references: BERTSim, in batches, away from the experts."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from core import metrics, queues
from core.schemas.work import Failure, ScoreValue, ScoringItem
from core.settings import Settings
from core.store import Store
from core.store.failpoints import Point, failpoint
from workers import tracing
from workers.leasing import Leases
from workers.suspects import in_turn

log = logging.getLogger(__name__)

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
    store, leases = using.store, using.leases
    claim = partial(store.scores.claim, owner=leases.owner, lease_s=leases.lease_s)
    suspects = partial(store.recovery.suspects, queues.SCORE)
    for items in in_turn(claim, suspects, ids, using.settings.max_attempts):
        _score(items, using)


def _score(items: Sequence[ScoringItem], using: Using) -> None:
    if not items:
        return
    failpoint(Point.SCORING_CLAIMED)
    with using.leases.holding(item.claim for item in items), tracing.together("score", items):
        values, failed = _compute(items, using.similarity)
        failpoint(Point.SCORING_COMPUTED)
        using.leases.settle(lambda: using.store.scores.finish(values), (one.claim for one in values))
        failpoint(Point.SCORING_STORED)
        _count(items, values, failed)
        if failed:
            again = partial(using.store.scores.retry, failed, using.settings.max_attempts)
            using.leases.settle(again, (one.claim for one in failed))


def _count(items: Sequence[ScoringItem], values: Sequence[ScoreValue], failed: Sequence[Failure]) -> None:
    experts = {item.claim: item.expert for item in items}
    for one in values:
        metrics.BERTSIM.labels(experts[one.claim]).observe(one.value)
    for failure in failed:
        metrics.SCORE_FAILURES.labels(experts[failure.claim]).inc()


def _compute(items: Sequence[ScoringItem], similarity: Similarity) -> tuple[list[ScoreValue], list[Failure]]:
    """All in one pass; where that fails each by itself, so that what can't be scored fails alone."""
    try:
        return _values(items, similarity), []
    except Exception:
        log.exception("%d answers can't be scored together: trying each by itself", len(items))
    values: list[ScoreValue] = []
    failed: list[Failure] = []
    for item in items:
        try:
            values += _values([item], similarity)
        except Exception as error:  # noqa: BLE001  # logged above, and stored
            log.info("an answer to %s can't be scored", item.origin.prompt_id, extra=item.origin.ids())
            failed.append(Failure(item.claim, "score_failed", f"{type(error).__name__}: {error}"))
    return values, failed


def _values(items: Sequence[ScoringItem], similarity: Similarity) -> list[ScoreValue]:
    found = similarity([item.answer for item in items], [item.reference for item in items])
    return [ScoreValue(item.claim, float(value)) for item, value in zip(items, found, strict=True)]
