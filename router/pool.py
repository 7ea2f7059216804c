"""Every expert's outcomes on the same prompts, as arrays. Scores over different pools can't be compared."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

import numpy as np

from core.errors import InvalidInputError
from core.schemas.outcomes import Outcome, OutcomeRow
from router.outcomes import experts_of, quality_matrix
from router.policies import NOBODY
from router.predictions import FloatArray, IntArray


class Measure(StrEnum):
    """What is measured of one answer; a report holds means of these over prompts."""

    QUALITY = "quality"  # the column asked for, 0..1
    NLL = "nll"  # nats per token of the reference
    COST = "cost_usd"  # of this call
    COST_PER_MTOK = "cost_usd_per_mtok"  # of this call, per 1M of its input and output tokens
    LATENCY = "latency_s"  # inference alone
    THROUGHPUT = "throughput_tok_s"  # output tokens by seconds of inference, of this call
    INPUT = "input_tokens"
    OUTPUT = "output_tokens"
    TRUNCATED = "truncated"  # 1 where the answer was cut off at its token limit, else 0


#: Measures of which less is better.
LOWER_IS_BETTER: Final = frozenset(
    {Measure.NLL, Measure.COST, Measure.COST_PER_MTOK, Measure.LATENCY, Measure.TRUNCATED}
)

#: Measures of which neither more nor less is better.
TOKENS: Final = frozenset({Measure.INPUT, Measure.OUTPUT})

#: Each measure of each prompt: (n,) for a method, (n, m) for a pool. NaN where it is absent.
Values = Mapping[Measure, FloatArray]


@dataclass(frozen=True, eq=False)
class Pool:
    """n prompts and what m experts made of them."""

    texts: tuple[str, ...]
    datasets: tuple[str, ...]
    experts: tuple[str, ...]
    values: Values  # (n, m) each

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def quality(self) -> FloatArray:
        return self.values[Measure.QUALITY]

    @cached_property
    def compares(self) -> bool:
        """Whether any prompt has the quality of two experts.

        Where none has, as after routing, the mean over all experts or the best of them is that of the one there is.
        """
        return bool((np.isfinite(self.quality).sum(axis=1) > 1).any())

    @cached_property
    def rows(self) -> Mapping[str, IntArray]:
        """The prompts of each data set, by its name, in the names' order."""
        names = np.array(self.datasets, dtype=object)
        return {name: np.flatnonzero(names == name) for name in sorted(set(self.datasets))}

    def macro(self, values: FloatArray) -> float:
        """The mean over data sets of the means of a value per prompt (n,), NaN left out; NaN where a set has none."""
        parts = [part[np.isfinite(part)] for part in (values[rows] for rows in self.rows.values())]
        return float(np.mean([part.mean() if len(part) else np.nan for part in parts]))

    def take(self, columns: IntArray) -> Values:
        """Each prompt's values for the expert in `columns` (n,); NaN for `NOBODY`."""
        chosen = columns != NOBODY
        rows = np.arange(len(self))
        return {measure: np.where(chosen, array[rows, columns], np.nan) for measure, array in self.values.items()}


def pool_of(rows: Sequence[OutcomeRow], quality: str, experts: Sequence[str] | None = None) -> Pool:
    """The rows as a pool of the experts they name, or of those given.

    InvalidInputError where there are no rows, no experts, or the quality column is absent throughout or outside 0..1.
    """
    names = tuple(experts) if experts is not None else experts_of(rows)
    if not rows or not names:
        raise InvalidInputError(f"{len(rows)} rows of {len(names)} experts: nothing to evaluate")
    if np.isnan(quality_matrix(rows, names, quality)).all():
        raise InvalidInputError(
            f"none of the {len(rows)} rows carries the quality {quality!r} for {', '.join(names)}", param="quality"
        )
    flat = values_of([row.outcomes.get(expert) for row in rows for expert in names], quality)
    return Pool(
        texts=tuple(row.prompt for row in rows),
        datasets=tuple(row.dataset for row in rows),
        experts=names,
        values={measure: array.reshape(len(rows), len(names)) for measure, array in flat.items()},
    )


def values_of(outcomes: Iterable[Outcome | None], quality: str) -> Values:
    """Every measure of each outcome (n,); NaN where an outcome is None or does not carry it."""
    found = [_measure(outcome, quality) if outcome is not None else {} for outcome in outcomes]
    arrays = {measure: np.array([one.get(measure, np.nan) for one in found], dtype=np.float64) for measure in Measure}
    return {measure: np.where(np.isfinite(array), array, np.nan) for measure, array in arrays.items()}


def _measure(outcome: Outcome, quality: str) -> dict[Measure, float]:
    columns = {
        Measure.QUALITY: quality,
        Measure.NLL: "nll",
        Measure.COST: "cost",
        Measure.LATENCY: "latency_s",
        Measure.INPUT: "input_tokens",
        Measure.OUTPUT: "output_tokens",
        Measure.TRUNCATED: "truncated",
    }
    found = {measure: value for measure, column in columns.items() if (value := outcome.value(column)) is not None}
    return found | _ratios(outcome)


def _ratios(outcome: Outcome) -> dict[Measure, float]:
    found: dict[Measure, float] = {}
    tokens = (outcome.input_tokens or 0) + (outcome.output_tokens or 0)
    if outcome.cost is not None and outcome.input_tokens is not None and outcome.output_tokens is not None and tokens:
        found[Measure.COST_PER_MTOK] = 1e6 * outcome.cost / tokens
    if outcome.latency_s and outcome.output_tokens is not None:
        found[Measure.THROUGHPUT] = outcome.output_tokens / outcome.latency_s
    return found
