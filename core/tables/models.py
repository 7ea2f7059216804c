"""The tables on a prompt's way, from its batch to its scores, and what routes and answers it. One class a table."""

from typing import Any, ClassVar

from sqlalchemy import JSON, Column, Index, String, UniqueConstraint, text, true
from sqlmodel import Field, SQLModel

from core.queues import WorkClass
from core.tables.columns import BIG, LOCAL, default, one_of
from core.tables.states import BatchState, Invalid, State


def partial(where: str, *columns: str, name: str | None = None) -> Index:
    """An index over those rows alone that are looked for; few among millions."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


def waiting(*queue: str) -> Index:
    """What waits for a queue, which these columns name: unsent rows by id, and the one that was sent first."""
    return partial("state = 'pending'", *queue, "sent_at", "id")


def leased() -> Index:
    """What a worker holds, by the end of its lease."""
    return partial("state = 'running'", "lease_expires_at")


class Work(SQLModel):
    """Columns of whatever a worker leases: a claim raises `fence`, and only that fence may write the result."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG)
    state: str = Field(default=State.PENDING, sa_type=String(16), sa_column_kwargs=default(State.PENDING))
    work_class: str = Field(
        default=WorkClass.INTERACTIVE, sa_type=String(16), sa_column_kwargs=default(WorkClass.INTERACTIVE)
    )
    #: How often it was claimed; what was given back untried is not counted.
    attempts: int = Field(default=0, sa_column_kwargs=default(0))
    #: Of these, how many ended with the death or silence of the worker or engine that had it.
    deaths: int = Field(default=0, sa_column_kwargs=default(0))
    #: How often it was ever claimed: a result is written only with the number of the claim that holds.
    fence: int = Field(default=0, sa_column_kwargs=default(0))
    #: The worker that has it, and until when by the database's clock; renewed while it works.
    lease_owner: str | None = None
    lease_expires_at: float | None = None
    #: When it was last handed to the broker; None: not yet, so that recovery sends it.
    sent_at: float | None = None
    #: No claim before then: there was no room for it, or a webhook's receiver was away.
    not_before: float | None = None
    #: Why it failed: a stable code, and a sentence with the cure.
    error_code: str | None = None
    error_message: str | None = None
    created_at: float
    finished_at: float | None = None


class Batch(SQLModel, table=True):
    """One submission of prompts; its counts are of prompts and always add up to `total`."""

    __tablename__: ClassVar[Any] = "batch"  # Any: SQLModel types it as a declared attribute
    __table_args__ = (
        one_of("state", BatchState),
        one_of("work_class", WorkClass),
        partial("state IN ('validating', 'in_progress', 'finalizing', 'cancelling')", "state"),
        partial("input_file_id IS NOT NULL", "owner", "id", name="ix_batch_listed"),
        Index(None, "owner", "work_class", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG)
    public_id: str = Field(unique=True)
    owner: str = Field(default=LOCAL, sa_column_kwargs=default(LOCAL))
    state: str = Field(
        default=BatchState.IN_PROGRESS, sa_type=String(16), sa_column_kwargs=default(BatchState.IN_PROGRESS)
    )
    work_class: str = Field(
        default=WorkClass.INTERACTIVE, sa_type=String(16), sa_column_kwargs=default(WorkClass.INTERACTIVE)
    )
    #: Where it came in, as `/v1/prompts`.
    endpoint: str
    #: Names of the experts that all answer; None: the router chooses one.
    collect: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    #: For prompts that say none.
    policy: str | None = None
    total: int = Field(default=0, sa_column_kwargs=default(0))
    done: int = Field(default=0, sa_column_kwargs=default(0))
    failed: int = Field(default=0, sa_column_kwargs=default(0))
    cancelled: int = Field(default=0, sa_column_kwargs=default(0))
    expired: int = Field(default=0, sa_column_kwargs=default(0))
    #: Scores that generations of this batch still wait for.
    scores_open: int = Field(default=0, sa_column_kwargs=default(0))
    #: Sums over its answers, as cost_usd is.
    input_tokens: int = Field(default=0, sa_type=BIG, sa_column_kwargs=default(0))
    output_tokens: int = Field(default=0, sa_type=BIG, sa_column_kwargs=default(0))
    cost_usd: float = Field(default=0.0, sa_column_kwargs=default(0))
    #: The caller's own.
    details: dict[str, Any] | None = Field(default=None, sa_column=Column("metadata", JSON(none_as_null=True)))
    # Of the batch API: what came as a file of lines.
    #: Public ids of files, which may be gone; set where the batch came as a file.
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    #: As asked for; `deadline_at` is what it means.
    completion_window: str | None = None
    output_expires_after_s: int | None = None
    #: What becomes of it where a line can't be taken.
    on_invalid: str = Field(default=Invalid.FAIL, sa_type=String(16), sa_column_kwargs=default(Invalid.FAIL))
    #: Why it failed: `{"code", "message", "line", "param"}` each.
    errors: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    #: Lines that carry a reference; where there are any it is an evaluation.
    referenced: int = Field(default=0, sa_column_kwargs=default(0))
    #: How many lines and bytes of its file are prompts by now, so that reading goes on there whoever was killed.
    stored_lines: int = Field(default=0, sa_column_kwargs=default(0))
    stored_bytes: int = Field(default=0, sa_type=BIG, sa_column_kwargs=default(0))
    webhook_url: str | None = None
    #: W3C's, of whoever submitted it; its steps continue that trace. None: it is not traced.
    traceparent: str | None = None
    # Who moves it on: one process at a time, by a lease as for other work.
    fence: int = Field(default=0, sa_column_kwargs=default(0))
    lease_owner: str | None = None
    lease_expires_at: float | None = None
    created_at: float
    in_progress_at: float | None = None
    finalizing_at: float | None = None
    cancelling_at: float | None = None
    deadline_at: float | None = None
    finished_at: float | None = None


class Counts(SQLModel):
    """What an expert has done so far: counted as it answers, so that nobody has to count rows."""

    done: int = Field(default=0, sa_column_kwargs=default(0))
    failed: int = Field(default=0, sa_column_kwargs=default(0))
    input_tokens: int = Field(default=0, sa_type=BIG, sa_column_kwargs=default(0))
    output_tokens: int = Field(default=0, sa_type=BIG, sa_column_kwargs=default(0))
    cost_usd: float = Field(default=0.0, sa_column_kwargs=default(0))
    #: Answers that were scored, and the sum of their scores.
    scored: int = Field(default=0, sa_column_kwargs=default(0))
    quality_sum: float = Field(default=0.0, sa_column_kwargs=default(0))


class BatchExpert(Counts, table=True):
    """Of one expert, for a batch."""

    __tablename__: ClassVar[Any] = "batch_expert"  # Any: as above

    batch_id: int = Field(
        primary_key=True, sa_type=BIG, foreign_key="batch.id", sa_column_kwargs={"autoincrement": False}
    )
    expert: str = Field(primary_key=True)


class UsageHour(Counts, table=True):
    """Of one expert, for an owner within an hour (docs/decisions/0023)."""

    __tablename__: ClassVar[Any] = "usage_hour"  # Any: as above

    owner: str = Field(primary_key=True)
    #: Its beginning, in Unix seconds.
    hour_at: int = Field(primary_key=True, index=True, sa_type=BIG, sa_column_kwargs={"autoincrement": False})
    expert: str = Field(primary_key=True)


class Prompt(Work, table=True):
    """One thing to answer. As work it is: to be routed."""

    __tablename__: ClassVar[Any] = "prompt"  # Any: as above
    __table_args__ = (
        one_of("state", State),
        one_of("work_class", WorkClass),
        waiting("work_class"),
        leased(),
        Index(None, "batch_id", "line"),
        partial(
            "state IN ('failed', 'cancelled', 'expired')", "batch_id", "state", "line", name="ix_prompt_unanswered"
        ),
    )

    public_id: str = Field(unique=True)
    batch_id: int = Field(sa_type=BIG, foreign_key="batch.id")
    owner: str = Field(default=LOCAL, sa_column_kwargs=default(LOCAL))
    endpoint: str
    #: The chat: role and content of each message.
    messages: list[dict[str, str]] = Field(sa_column=Column(JSON, nullable=False))
    #: What the caller said of temperature, length and such; the expert's own stand for the rest.
    sampling: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    #: The one message is a text to be continued, and how; None: it is a chat.
    completion: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    #: A good answer, to score by.
    reference: str | None = None
    #: What reports group it by.
    dataset: str | None = None
    #: Named by the caller; the router is skipped.
    expert: str | None = None
    #: How it is to be chosen; None: as the settings say.
    policy: str | None = None
    details: dict[str, Any] | None = Field(default=None, sa_column=Column("metadata", JSON(none_as_null=True)))
    #: Generations of it that are not terminal; set when it is routed.
    generations_open: int = Field(default=0, sa_column_kwargs=default(0))
    #: The caller's own id.
    custom_id: str | None = None
    #: Its place in its batch.
    line: int | None = Field(default=None, sa_type=BIG)


class Decision(SQLModel, table=True):
    """What a router and a policy said of one prompt."""

    __tablename__: ClassVar[Any] = "decision"  # Any: as above

    prompt_id: int = Field(
        primary_key=True, sa_type=BIG, foreign_key="prompt.id", sa_column_kwargs={"autoincrement": False}
    )
    #: The one chosen, by the router or the caller; None for a prompt that every expert answers.
    expert: str | None = None
    #: As it was applied; `pinned` where the caller named the expert, `collect` where all answer.
    policy: str
    checkpoint_id: int | None = Field(default=None, sa_type=BIG, foreign_key="checkpoint.id")
    #: What the router's numbers are, qualities or label probabilities; and one for each expert.
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
        waiting("expert", "work_class"),
        leased(),
        partial("state IN ('pending', 'running')", "batch_id", "id", name="ix_generation_open"),
    )

    prompt_id: int = Field(sa_type=BIG, foreign_key="prompt.id")
    batch_id: int = Field(sa_type=BIG, foreign_key="batch.id")
    expert: str
    #: US$ per 1M tokens at the time it was answered.
    price_in_usd_per_mtok: float | None = None
    price_out_usd_per_mtok: float | None = None
    answer: str | None = None
    #: `stop`, or `length` where it was cut off.
    finish_reason: str | None = None
    #: OpenAI's, of a completion that asked for them.
    logprobs: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    #: Nats per token, of the answer and of the reference.
    nll_answer: float | None = None
    nll_reference: float | None = None
    #: From scheduled to last token; waiting for a place before that; from submission to the first token.
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
        waiting(),
        leased(),
    )

    generation_id: int = Field(sa_type=BIG, foreign_key="generation.id")
    batch_id: int = Field(sa_type=BIG, foreign_key="batch.id")
    #: As `bertsim`.
    scorer: str
    value: float | None = None


class Checkpoint(SQLModel, table=True):
    """A trained router in the file store. The one promoted last is the one that routes."""

    __tablename__: ClassVar[Any] = "checkpoint"  # Any: as above

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG)
    public_id: str = Field(unique=True)
    #: Of its files, in the file store.
    key: str = Field(unique=True)
    #: Its kind, as `blend`.
    router: str
    experts: list[str] = Field(sa_column=Column(JSON, nullable=False))
    #: What it was trained with and on.
    manifest: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: float
    promoted_at: float | None = Field(default=None, index=True)
    #: What was said for the latest promotion, and whether it was forced.
    verdict: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))


class Expert(SQLModel, table=True):
    """An entry of the catalogue, as processes read it."""

    __tablename__: ClassVar[Any] = "expert"  # Any: as above

    name: str = Field(primary_key=True)
    #: Its entry, with paths as the machine has them that loaded it.
    spec: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    #: False: it has left the catalogue, and what waits for it fails.
    enabled: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    #: How often its engine, or the worker with it, died or fell silent with work in hand.
    deaths: int = Field(default=0, sa_column_kwargs=default(0))
    updated_at: float
