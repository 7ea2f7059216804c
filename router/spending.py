"""What an answer takes of each expert: cost, time and tokens as lines in the prompt's length, learned from outcomes.

A prompt's length is known before it is answered, costs nothing to look at, and explains most of the input's price;
what an expert's answers take beyond that is its mean.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from router.pool import Measure, Pool
from router.predictions import FloatArray, Spending

#: Fewer outcomes than this give no slope, only a mean.
MIN_LINE = 10


class Line(BaseModel):
    """A quantity of an expert's answers, by characters of the prompt; it never leaves what was seen in training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at_zero: float
    per_character: float
    least: float
    most: float

    def at(self, characters: FloatArray) -> FloatArray:
        """The quantity for prompts of these lengths, (n,) to (n,)."""
        return np.clip(self.at_zero + self.per_character * characters, self.least, self.most)


#: By measure (`cost_usd`, `latency_s`, `output_tokens`), then expert; absent where no outcome carried it.
Lines = Mapping[str, Mapping[str, Line]]

_MEASURES = (Measure.COST, Measure.LATENCY, Measure.OUTPUT)


def fit(pool: Pool) -> dict[str, dict[str, Line]]:
    """The lines of every expert for which the pool knows the measure."""
    characters = _lengths(pool.texts)
    found: dict[str, dict[str, Line]] = {}
    for measure in _MEASURES:
        lines = {
            expert: _line(characters[known], values[known])
            for expert, values in zip(pool.experts, pool.values[measure].T, strict=True)
            if (known := np.isfinite(values)).any()
        }
        if lines:
            found[measure.value] = lines
    return found


def predict(lines: Lines, experts: Sequence[str], texts: Sequence[str]) -> Spending:
    """What the texts should take of each expert (n, m)."""
    characters = _lengths(texts)
    return Spending(*(_table(lines.get(measure.value, {}), experts, characters) for measure in _MEASURES))


def _table(lines: Mapping[str, Line], experts: Sequence[str], characters: FloatArray) -> FloatArray:
    unknown = np.full(len(characters), np.nan)
    columns = [lines[expert].at(characters) if expert in lines else unknown for expert in experts]
    return np.stack(columns, axis=1) if columns else np.empty((len(characters), 0))


def _lengths(texts: Sequence[str]) -> FloatArray:
    return np.array([len(text) for text in texts], dtype=np.float64)


def _line(characters: FloatArray, values: FloatArray) -> Line:
    slope = 0.0
    if len(values) >= MIN_LINE and (spread := characters.var()) > 0:
        slope = float(((characters - characters.mean()) * (values - values.mean())).mean() / spread)
    at_zero = float(values.mean() - slope * characters.mean())
    return Line(at_zero=at_zero, per_character=slope, least=float(values.min()), most=float(values.max()))
