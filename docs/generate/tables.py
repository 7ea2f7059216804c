"""The tables' page, from the SQLModel classes, their comments and what the database is told of them."""

import inspect
from collections.abc import Iterable, Iterator
from enum import StrEnum

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from core import tables
from core.tables import MOVES, BatchState, Invalid, State, UploadState
from docs.generate import comments
from docs.generate.markdown import code, joined, page, section, table

INTRODUCTION = """\
What the database holds, on PostgreSQL; SQLite has the same columns. Only `core/store` reads and writes them: look as
you like, and write nothing; a version may change them ([upgrading](../how-to/upgrade.md)). Times are Unix
seconds by the database's clock ([decision 0003](../decisions/0003-times-are-unix-seconds.md)). Ids that callers see
are `public_id`; `id` is inside. A column that may be empty has a `?` behind its type."""

STATES: tuple[type[StrEnum], ...] = (State, BatchState, UploadState, Invalid)

PURPOSES = {
    State: "Of what is to be done: a prompt, a generation, a score, a webhook.",
    BatchState: "Of a batch.",
    UploadState: "Of an upload.",
    Invalid: "What becomes of a batch with a line that can't be taken (`batch.on_invalid`).",
}


def made() -> str:
    parts = [_table(kind) for kind in _classes()]
    states = [_states(kind) for kind in STATES]
    return page("Tables", INTRODUCTION, *parts, section("States", *states))


def _classes() -> Iterator[type[SQLModel]]:
    """In the order of a prompt's way, then the rest."""
    first: list[type[SQLModel]] = [
        tables.Batch,
        tables.BatchExpert,
        tables.Prompt,
        tables.Decision,
        tables.Generation,
        tables.Score,
    ]
    named = (getattr(tables, name) for name in tables.__all__)
    yield from first
    for kind in named:
        if isinstance(kind, type) and hasattr(kind, "__table__") and kind not in first:
            yield kind


def _table(kind: type[SQLModel]) -> str:
    found: Table = kind.__table__  # type: ignore[attr-defined]  # of what is declared with table=True
    # Its attribute has another name than its column where SQLModel takes the column's for itself.
    told = {column.name: name for name, column in kind.__mapper__.columns.items()}  # type: ignore[attr-defined]  # as above
    said = comments.of_class(kind)
    rows = [_row(column, said.get(told[column.name], "")) for column in found.columns]
    return section(code(found.name), str(inspect.getdoc(kind)), table(("column", "type", "default", "what"), rows))


def _row(column: Column[object], said: str) -> tuple[str, ...]:
    kind = column.type.compile(dialect=postgresql.dialect()).lower()  # type: ignore[no-untyped-call]  # SQLAlchemy's
    default = str(getattr(column.server_default, "arg", ""))
    return (
        code(column.name),
        kind + ("?" if column.nullable else ""),
        code(default) if default else "",
        joined(said.rstrip("."), *_keys(column)),
    )


def _keys(column: Column[object]) -> Iterable[str]:
    if column.primary_key:
        yield "primary key"
    if column.unique:
        yield "unique"
    for key in column.foreign_keys:
        yield f"of {code(key.target_fullname)}"


def _states(kind: type[StrEnum]) -> str:
    said = comments.of_class(kind)
    rows = [(code(one.value), said.get(one.name, ""), _moves(one)) for one in kind]
    heads = ("state", "what", "may become")
    columns = len(heads) if kind is State else len(heads) - 1
    shown = table(heads[:columns], [row[:columns] for row in rows])
    return section(kind.__name__, PURPOSES[kind], shown, level=3)


def _moves(state: StrEnum) -> str:
    return ", ".join(map(code, MOVES.get(state, ())))  # type: ignore[call-overload]  # no other kind has moves
