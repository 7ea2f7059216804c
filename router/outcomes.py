"""Outcomes files: one JSON object a line, read, written, told apart and turned into a matrix.

What a source doesn't say is absent (NaN in a matrix), never 0.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from core.errors import InvalidInputError
from core.schemas.outcomes import OutcomeRow
from router.config import DEFAULT_QUALITY
from router.predictions import FloatArray


def read_outcomes(paths: Iterable[Path]) -> list[OutcomeRow]:
    """All rows of the files, in order. InvalidInputError with file, line and cure; also when a file has no row."""
    rows: list[OutcomeRow] = []
    for path in paths:
        before = len(rows)
        rows.extend(_rows_of(path))
        if len(rows) == before:
            raise InvalidInputError(f"{path}: no outcomes in it; expected one JSON object a line")
    return rows


def write_outcomes(path: Path, rows: Iterable[OutcomeRow]) -> int:
    """Write the rows, one a line and absent values left out; the number written."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(row.model_dump_json(exclude_none=True) + "\n")
            count += 1
    return count


def fingerprint(rows: Iterable[OutcomeRow]) -> str:
    """sha256 over the rows' content, whatever the order of rows, experts and keys."""
    digests = sorted(
        sha256(json.dumps(row.model_dump(mode="json", exclude_none=True), sort_keys=True).encode()).digest()
        for row in rows
    )
    return sha256(b"".join(digests)).hexdigest()


def experts_of(rows: Iterable[OutcomeRow]) -> tuple[str, ...]:
    """Every expert that the rows name, sorted."""
    return tuple(sorted({expert for row in rows for expert in row.outcomes}))


def only(rows: Sequence[OutcomeRow], experts: Sequence[str] | None) -> list[OutcomeRow]:
    """The rows with the outcomes of these experts, those without any left out; None: all of them.

    InvalidInputError, with those there are, for an expert that no row knows.
    """
    if not experts:
        return list(rows)
    known = experts_of(rows)
    unknown = [expert for expert in experts if expert not in known]
    if unknown:
        raise InvalidInputError(f"no outcomes of {', '.join(unknown)}: there are {', '.join(known)}", param="experts")
    wanted = frozenset(experts)
    found = [
        row.model_copy(update={"outcomes": {name: one for name, one in row.outcomes.items() if name in wanted}})
        for row in rows
    ]
    return [row for row in found if row.outcomes]


def columns_of(rows: Iterable[OutcomeRow]) -> tuple[str, ...]:
    """The numeric columns that the rows' outcomes carry, sorted: what a message can offer as a quality."""
    outcomes = [outcome for row in rows for outcome in row.outcomes.values()]
    return tuple(sorted({name for one in outcomes for name in one.model_dump() if one.value(name) is not None}))


def quality_matrix(rows: Sequence[OutcomeRow], experts: Sequence[str], column: str = DEFAULT_QUALITY) -> FloatArray:
    """The named column of each row and expert (n, m), NaN where it is absent or not finite.

    InvalidInputError where a value is outside 0..1: it would be no quality.
    """
    values = column_matrix(rows, experts, column)
    wrong = np.argwhere((values < 0) | (values > 1))
    if len(wrong):
        row, expert = wrong[0]
        raise InvalidInputError(
            f"{len(wrong)} values of {column!r} are outside 0..1, the first {values[row, expert]:g} of "
            f"{experts[expert]!r} on prompt {rows[row].id!r}: a quality lies in 0..1 and higher is better",
            param="quality",
        )
    return values


def column_matrix(rows: Sequence[OutcomeRow], experts: Sequence[str], column: str) -> FloatArray:
    """Any numeric column of each row and expert (n, m), NaN where it is absent or not finite."""
    values = np.full((len(rows), len(experts)), np.nan)
    for i, row in enumerate(rows):
        for j, expert in enumerate(experts):
            outcome = row.outcomes.get(expert)
            found = outcome.value(column) if outcome is not None else None
            if found is not None:
                values[i, j] = found
    return np.where(np.isfinite(values), values, np.nan)


def _rows_of(path: Path) -> Iterator[OutcomeRow]:
    # Iterating over the file ends lines at \n only; str.splitlines() would also break prompts at U+2028 and the like.
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _row(line, f"{path}, line {number}")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path}: can't be read as UTF-8 text: {error}") from error


def _row(line: str, where: str) -> OutcomeRow:
    try:
        return OutcomeRow.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the line"
        raise InvalidInputError(
            f"{where}: {field}: {first['msg']}; "
            'want {"id", "dataset", "prompt", "outcomes": {expert: {"score" or "bertsim", …}}}'
        ) from error
