"""Write a batch's results into files as they stream in: JSON lines as they are, or Parquet with flat columns."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol, TextIO

from api import output_files
from api.client import Json
from core.errors import ConfigError

PARQUET: Final = ".parquet"

#: Rows of a group, all of which are in memory at once.
GROUP_ROWS: Final = 2000

#: Columns, and what Parquet calls their types. They are the same whatever a batch has, so that files can be joined.
COLUMNS: Final = {
    "custom_id": "string",
    "state": "string",
    "expert": "string",
    "answer": "string",
    "finish_reason": "string",
    "input_tokens": "int64",
    "output_tokens": "int64",
    "cost_usd": "float64",
    "inference_s": "float64",
    "queue_s": "float64",
    "nll_answer": "float64",
    "nll_reference": "float64",
    "bertsim": "float64",
    "error_code": "string",
    "error_message": "string",
    "dataset": "string",
    "metadata": "string",
}


class Writer(Protocol):
    """Takes results one by one."""

    def write(self, line: str) -> None: ...


def save(lines: Iterable[str], out: Path | None, errors: Path | None) -> tuple[int, int]:
    """Write results, without a file to standard output, and errors into a file of their own where there is one.

    How many each got. Each file is written whole or not at all.
    """
    written, failed = 0, 0
    with ExitStack() as files:
        answers = files.enter_context(writing(out)) if out else _JsonLines(sys.stdout)
        refused = files.enter_context(writing(errors)) if errors else None
        for line in lines:
            if refused is not None and is_error(line):
                refused.write(line)
                failed += 1
            else:
                answers.write(line)
                written += 1
    return written, failed


def is_error(line: str) -> bool:
    """Whether a prompt has ended without an answer."""
    found = json.loads(line)
    return found["error"] is not None or found["state"] in {"failed", "cancelled", "expired"}


@contextmanager
def writing(out: Path) -> Iterator[Writer]:
    """By its suffix."""
    kind = _parquet if out.suffix.lower() == PARQUET else _json_lines
    with output_files.replacing(out) as part, kind(part) as writer:
        yield writer


@contextmanager
def _json_lines(path: Path) -> Iterator[Writer]:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        yield _JsonLines(file)


class _JsonLines:
    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, line: str) -> None:
        self._file.write(line + "\n")


@contextmanager
def _parquet(path: Path) -> Iterator[Writer]:
    try:
        import pyarrow as pa  # noqa: PLC0415  # an extra
        from pyarrow import parquet  # noqa: PLC0415  # as above
    except ImportError as error:
        raise ConfigError(f"{path}: Parquet needs an extra: pip install 'torouter[parquet]'") from error
    schema = pa.schema([(name, getattr(pa, kind)()) for name, kind in COLUMNS.items()])
    with parquet.ParquetWriter(path, schema) as file:
        writer = _Parquet(lambda rows: file.write_table(pa.Table.from_pylist(rows, schema)))
        yield writer
        writer.flush()


class _Parquet:
    """Gathers rows of a group."""

    def __init__(self, write: Callable[[list[Json]], None]) -> None:
        self._write = write
        self._rows: list[Json] = []

    def write(self, line: str) -> None:
        self._rows += flat(json.loads(line))
        if len(self._rows) >= GROUP_ROWS:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._write(self._rows)
        self._rows = []


def flat(result: Json) -> list[Json]:
    """A row for each answer: one, or where every expert answers, each one's."""
    metadata = None if result["metadata"] is None else json.dumps(result["metadata"], ensure_ascii=False)
    same = {"custom_id": result["custom_id"], "dataset": result["dataset"], "metadata": metadata}
    return [_row(one) | same for one in result["generations"] or [result]]


def _row(one: Json) -> Json:
    """Of a result, or of one expert's part of it: they share these names."""
    metrics, error = one["metrics"] or {}, one["error"] or {}
    return {
        **{name: one[name] for name in ("state", "expert", "answer", "finish_reason")},
        **{name: metrics.get(name) for name in COLUMNS if name in metrics},
        "bertsim": one["scores"].get("bertsim"),
        "error_code": error.get("code"),
        "error_message": error.get("message"),
    }
