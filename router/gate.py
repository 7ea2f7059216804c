"""Is a candidate better than the router that routes? Judged on outcomes that neither was trained on. It stores nothing.

Rows that lack experts are fine: on each, a router's value is the quality of the expert that it chooses among those
that are there. The difference is a mean over data sets, with a paired bootstrap on the prompts.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.schemas.outcomes import OutcomeRow
from router.bootstrap import Bootstrap
from router.datasets import HELD_OUT_SHARE, carrying, deduplicate, is_held_out
from router.labels import MIN_EXPERTS
from router.outcomes import fingerprint, quality_matrix
from router.policies import NOBODY, choose
from router.predictions import FloatArray, Router
from router.seen import Seen

#: An interval over fewer prompts says nothing.
MIN_ROWS: Final = 30

#: The newest of more prompts are judged on: a bootstrap takes 16 kB of each.
MOST_ROWS: Final = 10_000

#: Data sets of fewer prompts count as one. A mean over data sets gives a prompt that is alone in its own the weight of
#: thousands, and resampling it, always with the same result, an interval that is too narrow.
MIN_DATASET: Final = 10

#: A lead below this is what sums of floating-point numbers leave over.
_ROUNDING: Final = 1e-9

_SEED: Final = 0


@dataclass(frozen=True, eq=False)
class Contender:
    """A router, what it is called in a verdict, and which texts it has learned from."""

    name: str
    router: Router
    seen: Seen


class Verdict(BaseModel):
    """What came out; kept with a promotion. Qualities are means over data sets, absent where nothing was measured."""

    model_config = ConfigDict(frozen=True)

    better: bool
    reason: str
    quality: str | None = None
    against: str | None = None
    n: int = 0
    candidate: float | None = None
    current: float | None = None
    difference: float | None = None
    ci95: tuple[float, float] | None = None
    left_out: int = 0  # prompts held out that a contender has learned from, or has nobody to choose for
    fingerprint: str | None = None  # router.outcomes.fingerprint of the n rows


def unopposed(reason: str) -> Verdict:
    """There is no router to be better than."""
    return Verdict(better=True, reason=reason)


def unmeasured(reason: str) -> Verdict:
    """Nothing could be measured."""
    return Verdict(better=False, reason=reason)


def judge(
    candidate: Contender, current: Contender, rows: Iterable[OutcomeRow], experts: Sequence[str], quality: str
) -> Verdict:
    """Whether the candidate is better: the lower end of its lead's 95 % interval is above 0.

    Judged on those rows that are held out for good and have the quality of at least two of `experts`; each text once.
    InvalidInputError where a quality is outside 0..1.
    """
    held = held_out(rows, experts, quality)
    fresh = _unseen(held, (candidate.seen, current.seen))[-MOST_ROWS:]
    ours, theirs = (_values(one.router, fresh, experts, quality) for one in (candidate, current))
    answered = np.isfinite(ours) & np.isfinite(theirs)
    kept = [row for row, both in zip(fresh, answered, strict=True) if both]
    known = Verdict(
        better=False,
        reason=_too_few(len(kept), len(held) - len(kept), quality),
        quality=quality,
        against=current.name,
        n=len(kept),
        left_out=len(held) - len(kept),
        fingerprint=fingerprint(kept),
    )
    return known if len(kept) < MIN_ROWS else _measured(known, kept, ours[answered], theirs[answered])


def held_out(rows: Iterable[OutcomeRow], experts: Sequence[str], quality: str) -> list[OutcomeRow]:
    """The rows that routers can be compared on, each text once."""
    held = [row for row in carrying(rows, quality) if is_held_out(row.prompt, HELD_OUT_SHARE)]
    unique = deduplicate(held)
    counts = (~np.isnan(quality_matrix(unique, experts, quality))).sum(axis=1)
    return [row for row, count in zip(unique, counts, strict=True) if count >= MIN_EXPERTS]


def _unseen(rows: Sequence[OutcomeRow], by: Iterable[Seen]) -> list[OutcomeRow]:
    texts = [row.prompt for row in rows]
    known = np.zeros(len(rows), dtype=np.bool_)
    for seen in by:
        known |= seen.knows(texts)
    return [row for row, one in zip(rows, known, strict=True) if not one]


def _values(router: Router, rows: Sequence[OutcomeRow], experts: Sequence[str], quality: str) -> FloatArray:
    """The quality of the expert that the router chooses for each row (n,), NaN where it knows none that is there."""
    predictions = router.predict([row.prompt for row in rows])
    known = quality_matrix(rows, predictions.experts, quality)
    enabled = np.isin(predictions.experts, experts)
    chosen = choose(predictions, allowed=~np.isnan(known) & enabled)
    return np.where(chosen == NOBODY, np.nan, known[np.arange(len(rows)), chosen])


def _measured(known: Verdict, rows: Sequence[OutcomeRow], ours: FloatArray, theirs: FloatArray) -> Verdict:
    bootstrap = Bootstrap(_datasets(rows), _SEED)
    lead = bootstrap.estimate(ours - theirs).macro
    low, high = lead.ci95
    better = low > _ROUNDING
    return known.model_copy(
        update={
            "better": better,
            "reason": f"{'better' if better else 'not better'} than {known.against}: its {known.quality} is "
            f"{lead.value:+.4f} (95 % interval {low:+.4f} to {high:+.4f}) over {known.n} held-out prompts",
            "candidate": bootstrap.estimate(ours).macro.value,
            "current": bootstrap.estimate(theirs).macro.value,
            "difference": lead.value,
            "ci95": lead.ci95,
        }
    )


def _datasets(rows: Sequence[OutcomeRow]) -> list[str]:
    """The data set of each row; small ones go by one name, or by the largest's where they are few all together."""
    counts = Counter(row.dataset for row in rows)
    small = sum(count for count in counts.values() if count < MIN_DATASET)
    rest = "" if small >= MIN_DATASET else max(counts, key=counts.__getitem__)
    return [row.dataset if counts[row.dataset] >= MIN_DATASET else rest for row in rows]


def _too_few(n: int, left_out: int, quality: str) -> str:
    return (
        f"not known to be better: {n} held-out prompts have the {quality!r} of {MIN_EXPERTS} experts or more and were "
        f"no part of either router's training ({left_out} others were), and {MIN_ROWS} are needed"
    )
