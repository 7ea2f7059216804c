"""What all tables share: how ids, states and defaults are written, on both databases."""

import secrets
import time
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, Integer, MetaData
from sqlmodel import SQLModel

#: Constraint names are the same on both databases, so that migrations can name them.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

METADATA: MetaData = SQLModel.metadata

#: Room for a billion rows a month; SQLite's integers are as large, and only INTEGER numbers its rows.
BIG = BigInteger().with_variant(Integer(), "sqlite")

#: Who owns what is submitted while there are no keys.
LOCAL: Final = "local"

#: Who owns what the system asks of itself; no key may be this owner's.
OURS: Final = "torouter"

#: Random bytes of an id: nobody guesses 80 bits.
RANDOM_BYTES: Final = 10


def public_id(kind: str) -> str:
    """An opaque id, e.g. `batch_…`, that can't be guessed or counted."""
    return public_ids(kind, 1)[0]


def public_ids(kind: str, count: int) -> list[str]:
    """As many of them. They begin with the time in ms: a unique index grows at its end, and stays fast at any size."""
    began, drawn = f"{kind}_{time.time_ns() // 1_000_000:012x}", secrets.token_hex(RANDOM_BYTES * count)
    width = 2 * RANDOM_BYTES
    return [began + drawn[start : start + width] for start in range(0, width * count, width)]


def one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    """States are strings with a CHECK: SQLModel would make a native PostgreSQL enum of member names."""
    values = ", ".join(f"'{state.value}'" for state in states)
    return CheckConstraint(f"{column} IN ({values})", name=column)


def default(value: str | float) -> dict[str, Any]:  # Any: Field's keyword
    """The same default in the database: bulk statements are written on the Core tables, which know no pydantic."""
    return {"server_default": str(value)}
