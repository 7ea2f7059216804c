"""Cost against quality while a policy's knob is turned, summed up as RouterBench and RouteLLM do. Numbers only.

Points are macro means over data sets, as a report's headline is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.metrics import roc_auc_score

from router.policies import choose
from router.policy import Policy
from router.pool import Measure, Pool
from router.predictions import BoolArray, FloatArray, IntArray, PredictionKind, Predictions, Spending
from router.reports import Curve, Point, SharePoint, StrongCalls, TwoExperts

#: Prices that are tried between paying anything for quality and paying nothing.
PRICES: Final = 60
#: Shares of strong calls that are tried.
SHARES: Final = 51
#: Rounding apart, this is the same quality.
_SAME: Final = 1e-9


@dataclass(frozen=True)
class _Anchors:
    """The single experts that a curve is measured by."""

    cheapest_usd: float
    dearest_usd: float
    best_usd: float
    best_quality: float


def curves(pool: Pool, predictions: dict[str, Predictions]) -> dict[str, Curve]:
    """A curve of each router whose predictions carry costs, of `utility_oracle` and of the single `experts`.

    Empty where the pool knows no costs.
    """
    experts = _experts(pool)
    if not experts:
        return {}
    anchors = _anchors(experts)
    found = {
        name: _curve(_sweep(pool, one), anchors)
        for name, one in predictions.items()
        if one.spending is not None and not np.isnan(one.spending.cost_usd).all()
    }
    return {**found, "utility_oracle": _curve(_sweep(pool, _truth(pool)), anchors), "experts": _curve(experts, anchors)}


def two_experts(pool: Pool, predictions: dict[str, Predictions]) -> TwoExperts | None:
    """What routing between a weak and a strong expert brings; None unless there are two that differ."""
    if len(pool.experts) != 2:  # noqa: PLR2004  # that is the point
        return None
    alone = [_macro(pool, np.full(len(pool), column))[1] for column in range(2)]
    if not np.isfinite(alone).all() or abs(alone[0] - alone[1]) < _SAME:
        return None
    weak, strong = int(np.argmin(alone)), int(np.argmax(alone))
    return TwoExperts(
        weak=pool.experts[weak],
        strong=pool.experts[strong],
        routers={
            name: _strong_calls(pool, one, (weak, strong), (min(alone), max(alone)))
            for name, one in predictions.items()
        },
    )


def hull(points: Sequence[Point]) -> list[Point]:
    """The points that no mixture of others beats, by rising cost: non-decreasing and concave in quality."""
    found: list[Point] = []
    for point in sorted(points, key=lambda one: (one.cost_usd, -one.quality)):
        if found and point.quality <= found[-1].quality + _SAME:
            continue
        while len(found) > 1 and _slope(found[-2], found[-1]) <= _slope(found[-2], point):
            found.pop()
        found.append(point)
    return found


def _slope(one: Point, other: Point) -> float:
    return (other.quality - one.quality) / max(other.cost_usd - one.cost_usd, 1e-300)


def _curve(points: list[Point], anchors: _Anchors) -> Curve:
    outer = hull(points)
    costs = np.array([point.cost_usd for point in outer])
    qualities = np.array([point.quality for point in outer])
    needed = _cost_of(anchors.best_quality, costs, qualities)
    qnc = None if needed is None or anchors.best_usd <= 0 else needed / anchors.best_usd
    return Curve(
        points=points,
        hull=outer,
        aiq=_height(costs, qualities, anchors),
        cost_save=None if qnc is None else 1 - qnc,
        perf_gain=float(qualities.max() - anchors.best_quality),
        qnc=qnc,
    )


def _height(costs: FloatArray, qualities: FloatArray, anchors: _Anchors) -> float | None:
    """The hull's mean height between the cheapest and the dearest expert; flat beyond its own ends."""
    low, high = anchors.cheapest_usd, anchors.dearest_usd
    if high <= low:
        return None
    inside = costs[(costs > low) & (costs < high)]
    at = np.concatenate([[low], inside, [high]])
    return float(np.trapezoid(np.interp(at, costs, qualities), at) / (high - low))


def _cost_of(quality: float, costs: FloatArray, qualities: FloatArray) -> float | None:
    """The least cost at which the hull has a quality; None where it never has."""
    if qualities.max() < quality - _SAME:
        return None
    return float(np.interp(quality, qualities, costs))


def _sweep(pool: Pool, predictions: Predictions) -> list[Point]:
    """Where each price on cost leads; choices that repeat are one point."""
    found: list[Point] = []
    for price in _prices(predictions):
        columns = choose(predictions, Policy("cost", price), allowed=np.isfinite(pool.values[Measure.COST]))
        cost, quality = _macro(pool, columns)
        if np.isfinite(cost) and np.isfinite(quality) and (not found or (cost, quality) != _at(found[-1])):
            found.append(Point(setting=price, cost_usd=cost, quality=quality))
    return found


def _at(point: Point) -> tuple[float, float]:
    return point.cost_usd, point.quality


def _prices(predictions: Predictions) -> list[float]:
    """Prices at which choices change: quantiles of value per US$ 0.001 over pairs of experts, with 0 and far beyond."""
    values, cost = predictions.values, 1000 * predictions.spending.cost_usd if predictions.spending else None
    if cost is None:
        return [0.0]
    gains = (values[:, :, None] - values[:, None, :]).ravel()
    extra = (cost[:, :, None] - cost[:, None, :]).ravel()
    usable = (extra > 0) & (gains > 0)
    prices = np.quantile(gains[usable] / extra[usable], np.linspace(0, 1, PRICES)) if usable.any() else np.empty(0)
    return [0.0, *map(float, np.unique(prices)), *([float(prices.max() * 2)] if len(prices) else [])]


def _truth(pool: Pool) -> Predictions:
    """What an oracle predicts: the outcomes themselves."""
    unknown = np.full(pool.quality.shape, np.nan)
    spending = Spending(pool.values[Measure.COST], unknown, unknown)
    return Predictions(pool.experts, pool.quality, PredictionKind.QUALITIES, spending)


def _experts(pool: Pool) -> list[Point]:
    found = []
    for column, expert in enumerate(pool.experts):
        cost, quality = _macro(pool, np.full(len(pool), column))
        if np.isfinite(cost) and np.isfinite(quality):
            found.append(Point(expert=expert, cost_usd=cost, quality=quality))
    return found


def _anchors(experts: Sequence[Point]) -> _Anchors:
    best = max(experts, key=lambda one: (one.quality, -one.cost_usd))
    costs = [one.cost_usd for one in experts]
    return _Anchors(min(costs), max(costs), best.cost_usd, best.quality)


def _macro(pool: Pool, columns: IntArray) -> tuple[float, float]:
    """Macro cost and quality of choices (n,); NaN where a data set has none."""
    cost, quality = _macros(pool, columns, (Measure.COST, Measure.QUALITY))
    return cost, quality


def _macros(pool: Pool, columns: IntArray, measures: Sequence[Measure]) -> list[float]:
    """Macro means of choices (n,), one of each measure; NaN where a data set has none."""
    values = pool.take(columns)
    known = np.isfinite(values[Measure.QUALITY])
    return [pool.macro(np.where(known, values[measure], np.nan)) for measure in measures]


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _strong_calls(
    pool: Pool, predictions: Predictions, columns: tuple[int, int], alone: tuple[float, float]
) -> StrongCalls:
    """Of the columns of the weak and the strong expert, and the qualities that they have alone."""
    (weak, strong), (low, high) = columns, alone
    gain = predictions.values[:, strong] - predictions.values[:, weak]
    order = np.argsort(-gain, kind="stable")
    points = []
    for share in np.linspace(0, 1, SHARES):
        chosen = np.full(len(pool), weak)
        chosen[order[: round(share * len(pool))]] = strong
        quality, cost, latency = _macros(pool, chosen, (Measure.QUALITY, Measure.COST, Measure.LATENCY))
        points.append(
            SharePoint(
                share=float(share),
                quality=quality,
                pgr=(quality - low) / (high - low),
                cost_usd=_known(cost),
                latency_s=_known(latency),
            )
        )
    shares = np.array([point.share for point in points])
    recovered = np.array([point.pgr for point in points], dtype=np.float64)
    return StrongCalls(
        points=points,
        apgr=float(np.trapezoid(recovered, shares)),
        cpt50=_first_share(shares, recovered, 0.5),
        cpt80=_first_share(shares, recovered, 0.8),
        auroc=_auroc(pool.quality[:, weak] >= pool.quality[:, strong], -gain),
    )


def _first_share(shares: FloatArray, recovered: FloatArray, wanted: float) -> float | None:
    reached = np.flatnonzero(recovered >= wanted)
    if not len(reached):
        return None
    at = int(reached[0])
    if at == 0:
        return float(shares[0])
    return float(np.interp(wanted, recovered[at - 1 : at + 1], shares[at - 1 : at + 1]))


def _auroc(enough: BoolArray, score: FloatArray) -> float | None:
    """The chance that a prompt for which the weak expert is enough has the higher score; None where all are alike."""
    return None if enough.all() or not enough.any() else float(roc_auc_score(enough, score))
