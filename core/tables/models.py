"""One class a table. Which columns a later feature needs from the start is said beside them."""

import secrets
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    UniqueConstraint,
    text,
    true,
)
from sqlmodel import Field, SQLModel

from core.queues import WorkClass
from core.tables.states import BatchState, State

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
LOCAL = "local"

#: Who owns what the system asks of itself; no key may be this owner's.
OURS = "torouter"


def public_id(kind: str) -> str:
    """An opaque id, e.g. `batch_…`, that can't be guessed or counted."""
    return f"{kind}_{secrets.token_hex(12)}"


def one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    """States are strings with a CHECK: SQLModel would make a native PostgreSQL enum of member names."""
    values = ", ".join(f"'{state.value}'" for state in states)
    return CheckConstraint(f"{column} IN ({values})", name=column)


def default(value: str | float) -> dict[str, Any]:  # Any: Field's keyword
    """The same default in the database: bulk statements are written on the Core tables, which know no pydantic."""
    return {"server_default": str(value)}


def open_work() -> Index:
    """What recovery looks for: rows that are not terminal, few among millions."""
    is_open = text("state IN ('pending', 'running')")
    return Index(None, "state", "sent_at", sqlite_where=is_open, postgresql_where=is_open)


class Work(SQLModel):
    """Columns of whatever a worker leases: a claim raises `fence`, and only that fence may write the result."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG)
    state: str = Field(default=State.PENDING, sa_type=String(16), sa_column_kwargs=default(State.PENDING))
    work_class: str = Field(
        default=WorkClass.INTERACTIVE, sa_type=String(16), sa_column_kwargs=default(WorkClass.INTERACTIVE)
    )
    attempts: int = Field(default=0, sa_column_kwargs=default(0))
    fence: int = Field(default=0, sa_column_kwargs=default(0))
    lease_owner: str | None = None
    lease_expires_at: float | None = None
    #: When it was last handed to the broker; None: not yet, so that recovery sends it.
    sent_at: float | None = None
    not_before: float | None = None
    error_code: str | None = None
    error_message: str | None = None
    created_at: float
    finished_at: float | None = None


class Batch(SQLModel, table=True):
    """One submission of prompts; its counts are of prompts and always add up to `total`."""

    __tablename__: ClassVar[Any] = "batch"  # Any: SQLModel types it as a declared attribute
    __table_args__ = (one_of("state", BatchState), one_of("work_class", WorkClass))

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG)
    public_id: str = Field(unique=True)
    owner: str = Field(default=LOCAL, index=True, sa_column_kwargs=default(LOCAL))
    state: str = Field(
        default=BatchState.IN_PROGRESS, sa_type=String(16), sa_column_kwargs=default(BatchState.IN_PROGRESS)
    )
    work_class: str = Field(
        default=WorkClass.INTERACTIVE, sa_type=String(16), sa_column_kwargs=default(WorkClass.INTERACTIVE)
    )
    endpoint: str
    #: Names of the experts that all answer; None: the router chooses one.
    collect: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    policy: str | None = None
    total: int = Field(default=0, sa_column_kwargs=default(0))
    done: int = Field(default=0, sa_column_kwargs=default(0))
    failed: int = Field(default=0, sa_column_kwargs=default(0))
    cancelled: int = Field(default=0, sa_column_kwargs=default(0))
    expired: int = Field(default=0, sa_column_kwargs=default(0))
    #: Scores that generations of this batch still wait for.
    scores_open: int = Field(default=0, sa_column_kwargs=default(0))
    input_tokens: int = Field(default=0, sa_type=BIG, sa_column_kwargs=default(0))
    output_tokens: int = Field(default=0, sa_type=BIG, sa_column_kwargs=default(0))
    cost_usd: float = Field(default=0.0, sa_column_kwargs=default(0))
    details: dict[str, Any] | None = Field(default=None, sa_column=Column("metadata", JSON(none_as_null=True)))
    # For the batch API: windows, cancelling, idempotent requests.
    not_before: float | None = None
    deadline_at: float | None = None
    cancel_requested_at: float | None = None
    idempotency_key: str | None = None
    created_at: float
    finished_at: float | None = None


class Prompt(Work, table=True):
    """One thing to answer. As work it is: to be routed."""

    __tablename__: ClassVar[Any] = "prompt"  # Any: as above
    __table_args__ = (
        one_of("state", State),
        one_of("work_class", WorkClass),
        open_work(),
        Index(None, "batch_id", "id"),
    )

    public_id: str = Field(unique=True)
    batch_id: int = Field(sa_type=BIG, foreign_key="batch.id")
    owner: str = Field(default=LOCAL, sa_column_kwargs=default(LOCAL))
    endpoint: str
    messages: list[dict[str, str]] = Field(sa_column=Column(JSON, nullable=False))
    sampling: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    reference: str | None = None
    dataset: str | None = None
    #: Named by the caller; the router is skipped.
    expert: str | None = None
    policy: str | None = None
    details: dict[str, Any] | None = Field(default=None, sa_column=Column("metadata", JSON(none_as_null=True)))
    #: Generations of it that are not terminal; set when it is routed.
    generations_open: int = Field(default=0, sa_column_kwargs=default(0))
    # For the batch API: the caller's id and line, windows, cancelling.
    custom_id: str | None = None
    line: int | None = Field(default=None, sa_type=BIG)
    deadline_at: float | None = None
    cancel_requested_at: float | None = None


class Decision(SQLModel, table=True):
    """What a router and a policy said of one prompt."""

    __tablename__: ClassVar[Any] = "decision"  # Any: as above

    prompt_id: int = Field(
        primary_key=True, sa_type=BIG, foreign_key="prompt.id", sa_column_kwargs={"autoincrement": False}
    )
    #: The one chosen, by the router or the caller; None for a prompt that every expert answers.
    expert: str | None = None
    policy: str
    checkpoint_id: int | None = Field(default=None, sa_type=BIG, foreign_key="checkpoint.id")
    prediction_kind: str | None = None
    predictions: dict[str, float] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    #: Its share of the forward pass, and how many prompts shared that.
    route_s: float
    gathered: int
    created_at: float


class Generation(Work, table=True):
    """One expert's work on one prompt; once terminal, the row never changes again."""

    __tablename__: ClassVar[Any] = "generation"  # Any: as above
    __table_args__ = (
        one_of("state", State),
        one_of("work_class", WorkClass),
        UniqueConstraint("prompt_id", "expert"),
        open_work(),
    )

    prompt_id: int = Field(sa_type=BIG, foreign_key="prompt.id")
    batch_id: int = Field(sa_type=BIG, foreign_key="batch.id", index=True)
    expert: str
    deadline_at: float | None = None
    #: US$ per 1M tokens at the time it was answered.
    price_in_usd_per_mtok: float | None = None
    price_out_usd_per_mtok: float | None = None
    answer: str | None = None
    finish_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    #: Nats per token, of the answer and of the reference.
    nll_answer: float | None = None
    nll_reference: float | None = None
    inference_s: float | None = None
    queue_s: float | None = None
    first_token_s: float | None = None


class Score(Work, table=True):
    """A quality of one answer, by one scorer."""

    __tablename__: ClassVar[Any] = "score"  # Any: as above
    __table_args__ = (
        one_of("state", State),
        one_of("work_class", WorkClass),
        UniqueConstraint("generation_id", "scorer"),
        open_work(),
    )

    generation_id: int = Field(sa_type=BIG, foreign_key="generation.id")
    batch_id: int = Field(sa_type=BIG, foreign_key="batch.id")
    scorer: str
    value: float | None = None


class Checkpoint(SQLModel, table=True):
    """A trained router in the file store. The one promoted last is the one that routes."""

    __tablename__: ClassVar[Any] = "checkpoint"  # Any: as above

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG)
    public_id: str = Field(unique=True)
    key: str = Field(unique=True)
    router: str
    experts: list[str] = Field(sa_column=Column(JSON, nullable=False))
    manifest: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: float
    promoted_at: float | None = Field(default=None, index=True)
    #: What was said for the latest promotion, and whether it was forced.
    verdict: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))


class Expert(SQLModel, table=True):
    """An entry of the catalogue, as processes read it."""

    __tablename__: ClassVar[Any] = "expert"  # Any: as above

    name: str = Field(primary_key=True)
    spec: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    enabled: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    updated_at: float
