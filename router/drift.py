"""How far the prompts that a router gets are from those that it learned from. Numbers only; others tell them."""

from typing import Final

import numpy as np

from router.predictions import FloatArray, Predictions

#: Prompts after which half of what was seen before is forgotten.
HALF_LIFE: Final = 250

#: Prompts below which nothing is said: chance alone would move a mean of so few.
LEAST: Final = 50


class Recent:
    """The mean of rows (n, k), in which the last few hundred count most."""

    def __init__(self, half_life: float = HALF_LIFE) -> None:
        self._keeps = 0.5 ** (1 / half_life)
        self._sum = np.zeros(0)
        self._weight = self._squares = 0.0
        self.count = 0

    def add(self, rows: FloatArray) -> None:
        """Rows in the order in which they came."""
        if not self.count:
            self._sum = np.zeros(rows.shape[1])
        weights = self._keeps ** np.arange(len(rows) - 1, -1, -1)
        kept = self._keeps ** len(rows)
        self._sum = kept * self._sum + weights @ rows
        self._weight = kept * self._weight + float(weights.sum())
        self._squares = kept**2 * self._squares + float((weights**2).sum())
        self.count += len(rows)

    @property
    def mean(self) -> FloatArray:
        return self._sum / self._weight

    @property
    def chance(self) -> float:
        """The variance of the mean of rows whose own variance is 1, each for itself."""
        return self._squares / self._weight**2


class Drift:
    """Of one router. Of a router that was trained before this was kept, or has no vectors, less or nothing is known."""

    def __init__(self) -> None:
        self._vectors = Recent()
        self._favourites = Recent()
        self._expected: FloatArray | None = None

    def see(self, predictions: Predictions) -> None:
        """What the router has just said of some prompts."""
        if not len(predictions):
            return
        if predictions.deviations is not None:
            self._vectors.add(predictions.deviations)
        self._favourites.add(favourites(predictions.values))
        if self._expected is None and predictions.calibration is not None and len(predictions.calibration.values):
            self._expected = favourites(predictions.calibration.values).mean(axis=0)

    @property
    def of_prompts(self) -> float | None:
        """The distance of the mean vector from the training prompts', in their standard deviations; 0: none.

        It is the root mean square over the dimensions, less what comes by chance. None: unknown, or too few prompts.
        """
        if self._vectors.count < LEAST:
            return None
        return float(np.sqrt(max(0.0, float(np.mean(self._vectors.mean**2)) - self._vectors.chance)))

    @property
    def of_shares(self) -> float | None:
        """How many prompts have another favourite than the validation prompts would have, as a share: 0..1.

        Favourites are by prediction alone, whatever policies and masks make of them. None: as above.
        """
        if self._expected is None or self._favourites.count < LEAST:
            return None
        return float(np.abs(self._favourites.mean - self._expected).sum() / 2)


def favourites(values: FloatArray) -> FloatArray:
    """1 where an expert has a row's highest finite value, else 0; (n, m) to (n, m)."""
    usable = np.where(np.isfinite(values), values, -np.inf)
    found = np.zeros(values.shape)
    found[np.arange(len(values)), usable.argmax(axis=1)] = 1.0
    return found
