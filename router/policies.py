"""Turn predictions into choices. Pure functions over arrays; they know no router, price list or queue.

A new policy is one function and one entry of `POLICIES`; `auto:<name>` reaches it from the API.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from core.errors import InvalidInputError
from router.predictions import BoolArray, FloatArray, IntArray, Predictions

#: Predictions and the mask of who may be chosen, both (n, m), to the chosen column of each row (n,).
Policy = Callable[[Predictions, BoolArray], IntArray]

#: What stands in a choice where nobody may be chosen.
NOBODY: Final = -1


def best(predictions: Predictions, allowed: BoolArray) -> IntArray:
    """The expert with the highest value; ties go to the one that `predictions.experts` names first."""
    return best_column(predictions.values, allowed)


POLICIES: Final[Mapping[str, Policy]] = MappingProxyType({"best": best})
DEFAULT_POLICY: Final = "best"


def choose(predictions: Predictions, policy: str = DEFAULT_POLICY, allowed: BoolArray | None = None) -> IntArray:
    """The column of `predictions.experts` that the policy chooses for each prompt (n,), or `NOBODY`.

    `allowed` (n, m) is False where an expert may not be chosen (disabled, context too small); None allows all.
    InvalidInputError for an unknown policy, ValueError for a mask of another shape.
    """
    function = POLICIES.get(policy)
    if function is None:
        raise InvalidInputError(f"unknown policy {policy!r}: choose one of {', '.join(POLICIES)}", param="policy")
    if allowed is None:
        allowed = np.ones(predictions.values.shape, dtype=np.bool_)
    if allowed.shape != predictions.values.shape:
        raise ValueError(f"a mask of shape {allowed.shape} does not fit predictions of {predictions.values.shape}")
    return function(predictions, allowed)


def best_column(values: FloatArray, allowed: BoolArray) -> IntArray:
    """The first column with a row's highest finite value among the allowed ones, or `NOBODY`; (n, m) to (n,)."""
    usable = allowed & np.isfinite(values)
    if not values.shape[1]:
        return np.full(len(values), NOBODY, dtype=np.int64)
    chosen = np.where(usable, values, -np.inf).argmax(axis=1)
    return np.where(usable.any(axis=1), chosen, NOBODY).astype(np.int64)
