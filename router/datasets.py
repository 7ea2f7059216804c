"""From outcome rows to what a router is fitted on: de-duplicated, split by text, as arrays. It knows no router."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from core.errors import InvalidInputError
from core.schemas.outcomes import OutcomeRow
from router.config import TrainConfig
from router.hashing import uniform
from router.labels import MIN_EXPERTS, soft_labels
from router.outcomes import columns_of, experts_of, quality_matrix
from router.predictions import BoolArray, FloatArray

#: Fewer training prompts than this are a mistake rather than a training set.
MIN_ROWS: Final = 8


#: Share of all texts that `TrainConfig.hold_out` leaves for comparing routers. It never changes: a router that was
#: trained before would be measured on what it has learned.
HELD_OUT_SHARE: Final = 0.2


@dataclass(frozen=True, eq=False)
class Part:
    """Prompts (n) with each expert's quality (n, m; NaN where absent) and the labels made of them (n, m).

    Labels compare experts; a prompt with one expert's quality alone has none, only zeros.
    """

    texts: tuple[str, ...]
    datasets: tuple[str, ...]
    qualities: FloatArray
    labels: FloatArray

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def present(self) -> BoolArray:
        return ~np.isnan(self.qualities)

    def comparable(self) -> "Part":
        """The prompts that say which expert is better."""
        chosen = _present(self.qualities)
        at = np.flatnonzero(chosen)
        texts, datasets = tuple(self.texts[i] for i in at), tuple(self.datasets[i] for i in at)
        return Part(texts, datasets, self.qualities[chosen], self.labels[chosen])


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """What a router is fitted on, what its settings are picked on, and the rows that were left out."""

    experts: tuple[str, ...]
    train: Part
    validation: Part
    duplicates: int  # rows whose normalised text an earlier row already had; their outcomes joined it
    too_few_experts: int  # rows with the quality of fewer than two experts; of none, where one is enough
    held_out: int  # texts kept for comparing routers

    def whole(self) -> "TrainingSet":
        """The same with nothing held out."""
        part = Part(
            self.train.texts + self.validation.texts,
            self.train.datasets + self.validation.datasets,
            np.concatenate([self.train.qualities, self.validation.qualities]),
            np.concatenate([self.train.labels, self.validation.labels]),
        )
        nothing = Part((), (), part.qualities[:0], part.labels[:0])
        return replace(self, train=part, validation=nothing)


def training_set(rows: Sequence[OutcomeRow], config: TrainConfig, *, partial: bool = False) -> TrainingSet:
    """Rows as arrays, each text once, split into training and validation by a stable hash of the text.

    A row that lacks some experts is kept, its labels cover the others; one with fewer than two (`partial`: with none)
    is left out and counted. InvalidInputError, with counts, where an expert or the quality column is missing
    throughout, or too few prompts are left.
    """
    experts = config.experts or experts_of(rows)
    unique = deduplicate(rows)
    kept = [row for row in unique if not (config.hold_out and is_held_out(row.prompt, HELD_OUT_SHARE))]
    qualities = quality_matrix(kept, experts, config.quality)
    usable = _present(qualities, 1 if partial else MIN_EXPERTS)
    _refuse_absent(kept, experts, qualities, usable, config.quality)
    held = np.array([is_held_out(row.prompt, config.validation_share, "validation") for row in kept], dtype=np.bool_)
    found = TrainingSet(
        experts=experts,
        train=_part(kept, qualities, usable & ~held, config),
        validation=_part(kept, qualities, usable & held, config),
        duplicates=len(rows) - len(unique),
        too_few_experts=int((~usable).sum()),
        held_out=len(unique) - len(kept),
    )
    _refuse_too_few(found, config.quality)
    return found


def normalise(text: str) -> str:
    """The text as duplicates are recognised: case and white space don't count."""
    return " ".join(text.casefold().split())


def is_held_out(text: str, share: float, purpose: str = "held out") -> bool:
    """Whether a prompt belongs to the held-out share, for good: it depends on its normalised text and nothing else.

    Each purpose draws its own share, so that validation rows can be taken from what another purpose left.
    """
    return uniform(purpose, normalise(text)) < share


def carrying(rows: Iterable[OutcomeRow], column: str) -> Iterator[OutcomeRow]:
    """The rows with those of their outcomes that carry the column; without the rows that have none.

    Joined with others of their text, an outcome that says nothing would stand in the way of one that does.
    """
    for row in rows:
        found = {name: outcome for name, outcome in row.outcomes.items() if outcome.value(column) is not None}
        if found:
            yield row.model_copy(update={"outcomes": found})


def deduplicate(rows: Sequence[OutcomeRow]) -> list[OutcomeRow]:
    """Each normalised text once, in order, with the outcomes of all its rows; an expert's first outcome counts.

    So the outcomes of one more expert, collected later on the same prompts, join the earlier ones.
    """
    found: dict[str, OutcomeRow] = {}
    for row in rows:
        text = normalise(row.prompt)
        first = found.setdefault(text, row)
        if row.outcomes.keys() - first.outcomes.keys():
            found[text] = first.model_copy(update={"outcomes": row.outcomes | first.outcomes})
    return list(found.values())


def without(rows: Sequence[OutcomeRow], others: Iterable[OutcomeRow]) -> list[OutcomeRow]:
    """The rows whose normalised text is in none of the others: what a router may be measured on."""
    known = {normalise(row.prompt) for row in others}
    return [row for row in rows if normalise(row.prompt) not in known]


def _present(qualities: FloatArray, least: int = MIN_EXPERTS) -> BoolArray:
    """Which prompts (n,) have the quality of so many experts; two say who is better."""
    return np.asarray((~np.isnan(qualities)).sum(axis=1) >= least)


def _refuse_absent(
    rows: Sequence[OutcomeRow], experts: Sequence[str], qualities: FloatArray, usable: BoolArray, column: str
) -> None:
    """InvalidInputError where nothing can be learned of an expert, saying what the rows do have."""
    if len(experts) < MIN_EXPERTS:
        raise InvalidInputError(
            f"{len(rows)} rows with outcomes of {len(experts)} experts: routing needs at least {MIN_EXPERTS}"
        )
    if np.isnan(qualities).all():
        raise InvalidInputError(
            f"none of the {len(rows)} rows carries the quality {column!r}: "
            f"they carry {', '.join(columns_of(rows)) or 'no number'}",
            param="quality",
        )
    counts = (~np.isnan(qualities[usable])).sum(axis=0)
    absent = [expert for expert, count in zip(experts, counts, strict=True) if not count]
    if absent and usable.any():
        raise InvalidInputError(
            f"no {column!r} in any of the {usable.sum()} rows for {', '.join(absent)} (others have "
            f"{counts[counts > 0].min()} or more): collect their outcomes, or leave them out of the experts"
        )


def _refuse_too_few(data: TrainingSet, column: str) -> None:
    if len(data.train) < MIN_ROWS:
        raise InvalidInputError(
            f"{len(data.train)} prompts to train on, besides {len(data.validation)} held out for validation, "
            f"{data.held_out} for comparing routers, {data.duplicates} duplicates and {data.too_few_experts} rows with "
            f"too few experts' {column!r}: at least {MIN_ROWS} are needed, so collect more outcomes"
        )


def _part(rows: Sequence[OutcomeRow], qualities: FloatArray, chosen: BoolArray, config: TrainConfig) -> Part:
    kept, found = [row for row, keep in zip(rows, chosen, strict=True) if keep], qualities[chosen]
    labels, labelled = np.zeros_like(found), _present(found)
    labels[labelled] = soft_labels(found[labelled], config.temperature, config.reading)
    return Part(tuple(row.prompt for row in kept), tuple(row.dataset for row in kept), found, labels)
