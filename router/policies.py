"""Turn predictions into choices. Pure functions over arrays; they know no router, price list or queue.

A new policy is one function here and one entry of `router.policy.POLICIES`; `auto:<policy>` reaches it from the API.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from core.errors import InvalidInputError
from router.policy import BEST, Policy
from router.predictions import BoolArray, Calibration, FloatArray, IntArray, Predictions

#: What stands in a choice where nobody may be chosen.
NOBODY: Final = -1

#: Fewer prompts than this say nothing sure about how far a gain can be trusted.
BIN: Final = 30
#: Groups of alike predicted gains, at most, in which the guard compares what came true.
BINS: Final = 10
#: A gain by a dearer expert must be so much surer.
_DEARER: Final = 2.0


@dataclass(frozen=True, eq=False)
class Choosing:
    """What a policy chooses from: n prompts, m experts."""

    predictions: Predictions
    allowed: BoolArray  # (n, m)
    cloud: BoolArray  # (m,): not on the edge


#: What there is to choose from and the policy's knob to the chosen column of each prompt (n,).
Chooser = Callable[[Choosing, float], IntArray]


def choose(
    predictions: Predictions, policy: Policy = BEST, allowed: BoolArray | None = None, cloud: BoolArray | None = None
) -> IntArray:
    """The column of `predictions.experts` that the policy chooses for each prompt (n,), or `NOBODY`.

    `allowed` (n, m) is False where an expert may not be chosen (disabled, context too small); None allows all.
    `cloud` (m,) says who is not on the edge; None: nobody. InvalidInputError where the router was not taught what
    the policy needs (costs, times, past predictions), ValueError for masks of another shape.
    """
    shape = predictions.values.shape
    allowed = np.ones(shape, dtype=np.bool_) if allowed is None else allowed
    cloud = np.zeros(shape[1], dtype=np.bool_) if cloud is None else cloud
    if allowed.shape != shape or cloud.shape != shape[1:]:
        raise ValueError(f"masks of shape {allowed.shape} and {cloud.shape} do not fit predictions of {shape}")
    return _CHOOSERS[policy.name](Choosing(predictions, allowed, cloud), policy.knob)


def best_column(values: FloatArray, allowed: BoolArray) -> IntArray:
    """The first column with a row's highest finite value among the allowed ones, or `NOBODY`; (n, m) to (n,)."""
    usable = allowed & np.isfinite(values)
    if not values.shape[1]:
        return np.full(len(values), NOBODY, dtype=np.int64)
    chosen = np.where(usable, values, -np.inf).argmax(axis=1)
    return np.where(usable.any(axis=1), chosen, NOBODY).astype(np.int64)


def _best(among: Choosing, knob: float) -> IntArray:  # noqa: ARG001  # as every policy's
    """The expert with the highest value; ties go to the one that is named first."""
    return best_column(among.predictions.values, among.allowed)


def _cost(among: Choosing, knob: float) -> IntArray:
    """The highest value minus the price of what it would cost."""
    spending = among.predictions.spending
    if spending is None or np.isnan(spending.cost_usd).all():
        raise _untaught("cost", "costs")
    return _weighed(among, knob * 1000 * spending.cost_usd)


def _time(among: Choosing, knob: float) -> IntArray:
    """The highest value minus the price of the time that it would take."""
    spending = among.predictions.spending
    if spending is None or np.isnan(spending.latency_s).all():
        raise _untaught("time", "inference times")
    return _weighed(among, knob * spending.latency_s)


def _weighed(among: Choosing, price: FloatArray) -> IntArray:
    """An expert whose price is unknown is chosen only where no other is left."""
    weighed = best_column(among.predictions.values - price, among.allowed)
    return np.where(weighed == NOBODY, best_column(among.predictions.values, among.allowed), weighed)


def _strong(among: Choosing, knob: float) -> IntArray:
    """The share of prompts that gain most by it go to the strong experts.

    Those are the ones in the cloud, or the best single expert where all are in one place. The threshold is the
    quantile of the gains that were predicted for the calibration's prompts.
    """
    calibration = _calibration(among.predictions, "strong")
    strong = among.cloud
    if strong.all() or not strong.any():
        strong = np.arange(len(strong)) == calibration.baseline
    known = _gain(calibration.values, np.ones_like(calibration.values, dtype=np.bool_), strong)
    threshold = {0.0: np.inf, 1.0: -np.inf}.get(knob, np.quantile(known, 1 - knob))
    gain = _gain(among.predictions.values, among.allowed, strong)
    return _either(among, strong, gain > threshold)


def _edge(among: Choosing, knob: float) -> IntArray:
    """The best expert on the edge, unless one in the cloud is better by more than the knob."""
    gain = _gain(among.predictions.values, among.allowed, among.cloud)
    return _either(among, among.cloud, gain > knob)


def _guard(among: Choosing, knob: float) -> IntArray:
    """The baseline expert, unless gains like the predicted one were real before, by the knob in standard errors."""
    calibration = _calibration(among.predictions, "guard")
    values, baseline = among.predictions.values, calibration.baseline
    chosen = _best(among, 0.0)
    rows = np.arange(len(chosen))
    gain = values[rows, chosen] - values[:, baseline]
    needed = np.full(len(chosen), knob)
    spending = among.predictions.spending
    if spending is not None:
        needed[spending.cost_usd[rows, chosen] > spending.cost_usd[:, baseline]] *= _DEARER
    leave = _surety(calibration, gain) > needed
    stay = among.allowed[:, baseline] & np.isfinite(values[:, baseline]) & ~leave
    return np.where(stay, baseline, chosen)


def _surety(calibration: Calibration, gain: FloatArray) -> FloatArray:
    """How many standard errors above 0 the real gains were where a gain like this was predicted; (n,) to (n,)."""
    values, baseline = calibration.values, calibration.baseline
    picked = values.argmax(axis=1)
    rows = np.flatnonzero(picked != baseline)
    predicted = values[rows, picked[rows]] - values[rows, baseline]
    real = calibration.qualities[rows, picked[rows]] - calibration.qualities[rows, baseline]
    predicted, real = predicted[np.isfinite(real)], real[np.isfinite(real)]
    count = min(BINS, len(real) // BIN)
    if not count:
        return np.full(len(gain), -np.inf)  # nothing is known of it
    order = predicted.argsort(kind="stable")
    groups = np.array_split(order, count)
    edges = np.array([predicted[group[0]] for group in groups[1:]])
    errors = np.array([real[group].std(ddof=1) / np.sqrt(len(group)) for group in groups])
    means = np.array([real[group].mean() for group in groups])
    surety = np.divide(means, errors, out=np.where(means > 0, np.inf, -np.inf), where=errors > 0)
    return np.asarray(surety[np.searchsorted(edges, gain, side="right")])


def _gain(values: FloatArray, allowed: BoolArray, strong: BoolArray) -> FloatArray:
    """The best value among the strong minus the best among the others; infinite where only one side may be chosen."""
    sides = [np.where(allowed & side & np.isfinite(values), values, -np.inf) for side in (strong, ~strong)]
    best, other = (side.max(axis=1, initial=-np.inf) for side in sides)
    gain: FloatArray = np.subtract(best, other, out=np.full(len(values), -np.inf), where=np.isfinite(best))
    return gain


def _either(among: Choosing, strong: BoolArray, wanted: BoolArray) -> IntArray:
    """The best of the strong experts where they are wanted, or else of the others; of all where that leaves nobody."""
    values = among.predictions.values
    of_strong, of_others = (best_column(values, among.allowed & side) for side in (strong, ~strong))
    chosen = np.where(wanted, of_strong, of_others)
    return np.where(chosen == NOBODY, _best(among, 0.0), chosen)


def _calibration(predictions: Predictions, policy: str) -> Calibration:
    if predictions.calibration is None or not len(predictions.calibration.values):
        raise _untaught(policy, "validation prompts")
    return predictions.calibration


def _untaught(policy: str, what: str) -> InvalidInputError:
    return InvalidInputError(
        f"the policy {policy!r} needs {what}, and this router was trained on outcomes without: train it on others",
        param="policy",
    )


_CHOOSERS: Final[Mapping[str, Chooser]] = MappingProxyType(
    {"best": _best, "cost": _cost, "time": _time, "strong": _strong, "edge": _edge, "guard": _guard}
)
