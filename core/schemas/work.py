"""What the store and the steps exchange: claims, items to work on, and results. Plain frozen values, no validation."""

from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, Self

from core.queues import WorkClass
from core.schemas.conversation import Completion, Message, Sampling


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on one row: only the holder of `fence` may write its result."""

    id: int
    fence: int


class Origin(NamedTuple):
    """Where a row comes from, by the names that its caller knows: for logs and traces."""

    prompt_id: str
    batch_id: str
    #: W3C's, of the submission; None: it is not traced.
    traceparent: str | None = None

    def ids(self) -> dict[str, str]:
        """As a log record's fields."""
        ids = {"prompt_id": self.prompt_id, "batch_id": self.batch_id}
        return ids if self.traceparent is None else {**ids, "trace_id": self.traceparent.split("-")[1]}


@dataclass(frozen=True, slots=True)
class NewPrompt:
    """A validated prompt on its way into the store."""

    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    reference: str | None = None
    dataset: str | None = None
    expert: str | None = None
    custom_id: str | None = None
    details: dict[str, Any] | None = None
    #: Its one message is a text to be continued, and no chat.
    completion: Completion | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """Prompts of one owner that are stored together; `collect` names the experts that all answer."""

    prompts: tuple[NewPrompt, ...]
    endpoint: str
    work_class: WorkClass = WorkClass.INTERACTIVE
    owner: str = "local"
    collect: tuple[str, ...] | None = None
    policy: str | None = None
    details: dict[str, Any] | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """What a submission became; `ids` are the internal ones, for the messages: none where it came a second time."""

    batch_id: str
    prompt_ids: list[str]
    ids: list[int]
    work_class: WorkClass


@dataclass(frozen=True, slots=True)
class RoutingItem:
    """A claimed prompt, to be routed."""

    claim: Claim
    origin: Origin
    messages: tuple[Message, ...]
    sampling: Sampling
    work_class: WorkClass
    expert: str | None
    collect: tuple[str, ...] | None
    policy: str | None
    #: Seconds since it was stored.
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Routed:
    """What was decided for a claimed prompt: `experts` answer it; one, or every one of a collecting batch."""

    claim: Claim
    experts: tuple[str, ...]
    policy: str
    route_s: float
    gathered: int
    checkpoint_id: int | None = None
    prediction_kind: str | None = None
    predictions: dict[str, float] | None = None
    #: Experts that answer it too, in a collecting batch of their own that no caller sees; none: it is not compared.
    compare: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a claimed row can't be done."""

    claim: Claim
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Committed rows that one queue's messages are to carry."""

    queue: str
    task: str
    ids: list[int]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row that may be what kills those who work on it, and how often it was there when one died."""

    id: int
    deaths: int


@dataclass(frozen=True, slots=True)
class GenerationItem:
    """A claimed generation, to be answered by its expert."""

    claim: Claim
    origin: Origin
    expert: str
    messages: tuple[Message, ...]
    sampling: Sampling
    reference: str | None
    work_class: WorkClass
    completion: Completion | None = None


@dataclass(frozen=True, slots=True)
class GenerationResult:
    """An answer with its metrics; times in seconds, NLL in nats per token, prices in US$ per 1M tokens."""

    claim: Claim
    answer: str
    finish_reason: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    price_in_usd_per_mtok: float
    price_out_usd_per_mtok: float
    inference_s: float
    queue_s: float
    first_token_s: float | None = None
    nll_answer: float | None = None
    nll_reference: float | None = None
    #: OpenAI's, of a completion that asked for them.
    logprobs: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ScoringItem:
    """A claimed score: an answer to be held against its reference."""

    claim: Claim
    origin: Origin
    work_class: WorkClass
    expert: str
    answer: str
    reference: str


@dataclass(frozen=True, slots=True)
class ScoreValue:
    claim: Claim
    value: float


@dataclass(slots=True)
class ExpertTally:
    """What one transaction changes in what an expert has done for a batch."""

    done: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    scored: int = 0
    quality_sum: float = 0.0

    def __iadd__(self, other: "ExpertTally") -> Self:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))
        return self


@dataclass(slots=True)
class Tally:
    """What one transaction changes in a batch's counts."""

    done: int = 0
    failed: int = 0
    cancelled: int = 0
    expired: int = 0
    scores_open: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    experts: dict[str, ExpertTally] = field(default_factory=dict)
