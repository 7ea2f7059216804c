"""What a router is measured against: Zero, Random, the best single expert, Optimal and the oracles.

Each is a function of a pool; Zero, Random and Optimal are those of arXiv 2408.12320. None reads a prompt to choose.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from router.baselines import RandomRouter
from router.policies import NOBODY, best_column, choose
from router.pool import LOWER_IS_BETTER, TOKENS, Measure, Pool, Values
from router.predictions import FloatArray, IntArray

#: An expert with less of the pool's prompts than this share of the fullest expert's is no candidate for the best one:
#: its mean is over other prompts.
_COVERAGE: Final = 0.9


@dataclass(frozen=True, eq=False)
class Measured:
    """What a method made of each prompt: every measure (n,), and the column chosen (n,) where it chose one expert."""

    values: Values
    columns: IntArray | None = None
    note: str | None = None


def zero(pool: Pool) -> Measured:
    """Each measure's mean over the experts that have it."""
    return Measured({measure: _row_mean(array) for measure, array in pool.values.items()}, note="mean over all experts")


def random(pool: Pool, seed: int) -> Measured:
    """One seeded, uniform draw per prompt among the experts that answered it; its expected value is Zero's."""
    predictions = RandomRouter(pool.experts, seed).predict(pool.texts)
    return _chosen(pool, choose(predictions, allowed=np.isfinite(pool.quality)), "one uniform draw per prompt")


def best_single(pool: Pool) -> Measured:
    """The one expert with the highest macro quality here, which is kinder to it than choosing it on other prompts."""
    best = _best_expert(pool)
    return _chosen(pool, np.full(len(pool), best), f"always {pool.experts[best]}")


def optimal(pool: Pool) -> Measured:
    """Each measure's best value of any expert. It mixes experts, so no router can reach it.

    Fewer or more tokens are neither better nor worse, so those are the mean's.
    """
    values = {
        measure: _row_mean(array) if measure in TOKENS else _row_best(array, measure)
        for measure, array in pool.values.items()
    }
    return Measured(values, note="the best value of each measure per prompt, of different experts: out of reach")


def quality_oracle(pool: Pool) -> Measured:
    """The expert with the highest quality per prompt, the cheapest where several tie."""
    quality, cost = pool.quality, pool.values[Measure.COST]
    top = quality == _row_best(quality, Measure.QUALITY)[:, None]
    price = np.where(np.isfinite(cost), cost, np.finfo(np.float64).max)
    return _chosen(pool, best_column(-price, top), "the best expert per prompt, the cheapest on ties")


def dataset_oracle(pool: Pool, train: Pool) -> Measured:
    """The best expert of each data set on the training rows; for a data set without any, their best single expert."""
    best = {dataset: train.experts[_best_expert(train, dataset)] for dataset in set(pool.datasets)}
    column = {name: j for j, name in enumerate(pool.experts)}
    columns = np.array([column.get(best[dataset], NOBODY) for dataset in pool.datasets], dtype=np.int64)
    return _chosen(pool, columns, "the best expert per data set, picked on the training rows")


def majority(pool: Pool, train: Pool) -> Measured:
    """The expert that is the best most often on the training rows: what hard labels collapse to."""
    wins = train.quality == _row_best(train.quality, Measure.QUALITY)[:, None]
    most = train.experts[int(wins.sum(axis=0).argmax())]
    column = pool.experts.index(most) if most in pool.experts else NOBODY
    return _chosen(pool, np.full(len(pool), column), f"always {most}, most often the best on the training rows")


def _chosen(pool: Pool, columns: IntArray, note: str) -> Measured:
    return Measured(pool.take(columns), columns, note)


def _best_expert(pool: Pool, dataset: str | None = None) -> int:
    """The column with the highest mean quality on the data set; over data sets where nothing is known of it."""
    own = pool.rows.get(dataset) if dataset is not None else None
    known = own is not None and np.isfinite(pool.quality[own]).any()
    parts = [pool.quality[rows] for name, rows in pool.rows.items() if not known or name == dataset]
    covered = np.sum([np.isfinite(part).sum(axis=0) for part in parts], axis=0)
    means = np.mean([_row_mean(part.T) for part in parts], axis=0)
    candidates = (covered >= _COVERAGE * covered.max()) & np.isfinite(means)
    if not candidates.any():  # no expert has every data set: compare over prompts
        means, candidates = _row_mean(np.vstack(parts).T), covered >= _COVERAGE * covered.max()
    return int(np.where(candidates, means, -np.inf).argmax())


def _row_mean(array: FloatArray) -> FloatArray:
    present = np.isfinite(array)
    count = present.sum(axis=1)
    total = np.where(present, array, 0.0).sum(axis=1)
    means: FloatArray = np.divide(total, count, out=np.full(len(array), np.nan), where=count > 0)
    return means


def _row_best(array: FloatArray, measure: Measure) -> FloatArray:
    sign = -1.0 if measure in LOWER_IS_BETTER else 1.0
    present = np.isfinite(array)
    best = np.where(present, sign * array, -np.inf).max(axis=1)
    return np.asarray(np.where(present.any(axis=1), sign * best, np.nan), dtype=np.float64)
