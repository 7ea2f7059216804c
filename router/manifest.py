"""What is known of a trained router: the `manifest.json` beside its weights. It reads and writes no files."""

from datetime import UTC, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from router.config import TrainConfig
from router.provenance import git_commit, versions
from router.spending import Line

#: Version of the folder's layout; `checkpoints.load` refuses another.
FORMAT: Final = 1


class Entry(BaseModel):
    """A frozen part of the manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Metric(Entry):
    """A measured number with the prompts it is a mean over and its 95 % bootstrap interval."""

    n: int
    value: float
    ci95: tuple[float, float]


class DataSummary(Entry):
    """The outcomes that a router was trained on."""

    fingerprint: str  # router.outcomes.fingerprint of the rows given
    rows: int
    quality: str
    train: int  # prompts
    validation: int  # prompts, held out of the training that `metrics` measures
    duplicates: int
    too_few_experts: int
    held_out: int = 0  # texts left out of it all, for comparing routers
    datasets: dict[str, int]  # prompts of each in training


class LabelSummary(Entry):
    """Entropy of the training labels in nats; close to the maximum there is nothing to learn."""

    entropy: float
    maximum: float


class Manifest(Entry):
    """How a checkpoint was made and how good it was. Defaults describe a router that learned nothing."""

    format: int = FORMAT
    kind: str
    experts: tuple[str, ...] = Field(min_length=1)
    config: TrainConfig = TrainConfig(router="random")
    data: DataSummary | None = None
    labels: LabelSummary | None = None
    #: On the validation prompts, on which BERT's epoch was picked too: a first look, not a result. Routers that are
    #: fitted in seconds were then fitted again on all prompts.
    metrics: dict[str, Metric] = Field(default_factory=dict)
    #: What answers take, by measure and expert; what `router.spending` learned.
    spending: dict[str, dict[str, Line]] = Field(default_factory=dict)
    train_seconds: float | None = None
    versions: dict[str, str] = Field(default_factory=versions)
    commit: str | None = Field(default_factory=git_commit)
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
