"""Which of the store's outcomes go into an outcomes file: by data set, quality and held-out share, each text once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NoReturn

from core.errors import InvalidInputError
from core.schemas.outcomes import OutcomeRow
from router.datasets import HELD_OUT_SHARE, carrying, deduplicate, is_held_out

#: Which side of the split by text.
HeldOut = Literal["all", "only", "without"]


@dataclass(frozen=True)
class Selection:
    """What is wanted; nothing named means everything."""

    datasets: frozenset[str] = frozenset()
    quality: str | None = None
    held_out: HeldOut = "all"
    share: float = HELD_OUT_SHARE


def select(rows: Iterable[OutcomeRow], wanted: Selection) -> list[OutcomeRow]:
    """The wanted rows, those of one normalised text joined; InvalidInputError where there is none."""
    datasets: set[str] = set()
    found: list[OutcomeRow] = []
    for row in rows:
        datasets.add(row.dataset)
        if _is_wanted(row, wanted):
            found.append(row)
    if wanted.quality is not None:  # before texts are joined: an expert's first outcome that has it is to count
        found = list(carrying(found, wanted.quality))
    if not found:
        _refuse_nothing(wanted, datasets)
    return deduplicate(found)


def _is_wanted(row: OutcomeRow, wanted: Selection) -> bool:
    if wanted.datasets and row.dataset not in wanted.datasets:
        return False
    return wanted.held_out == "all" or is_held_out(row.prompt, wanted.share) == (wanted.held_out == "only")


def _refuse_nothing(wanted: Selection, datasets: set[str]) -> NoReturn:
    if not datasets:
        raise InvalidInputError("the store has no outcomes there: `torouter collect` makes them")
    raise InvalidInputError(
        f"no outcomes to export: none of data set {', '.join(sorted(wanted.datasets)) or '(any)'} with quality "
        f"{wanted.quality or '(any)'}, held out: {wanted.held_out} of {wanted.share:g}; "
        f"data sets with outcomes are {', '.join(sorted(datasets))}"
    )
