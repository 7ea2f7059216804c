"""The shape of `report.json`. What is not known is left out of it, never 0."""

from pydantic import BaseModel, ConfigDict, Field

from router.provenance import git_commit, versions

Interval = tuple[float, float]


class Entry(BaseModel):
    """A frozen part of a report."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Summary(Entry):
    """Means over prompts. `n` and `ci95` are the quality's; the other measures' stand in `n_of` and `ci95_of`."""

    n: int
    quality: float | None = None
    ci95: Interval | None = None
    nll: float | None = None
    cost_usd: float | None = None
    cost_usd_per_mtok: float | None = None
    latency_s: float | None = None
    throughput_tok_s: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    n_of: dict[str, int] = Field(default_factory=dict)
    ci95_of: dict[str, Interval] = Field(default_factory=dict)


class ExpertSummary(Summary):
    """One expert on the prompts that it answered: means over prompts, and the macro quality to hold beside a router."""

    macro_quality: float | None = None


class MethodReport(Entry):
    """One way to choose experts: unweighted over data sets (macro), over prompts (micro), and per data set."""

    n: int  # prompts with a quality
    macro: Summary
    micro: Summary
    datasets: dict[str, Summary]
    shares: dict[str, float] = Field(default_factory=dict)  # of the answered prompts, per expert
    queries: dict[str, int] = Field(default_factory=dict)  # prompts sent to each expert
    unanswered: int = 0  # prompts for which no expert was chosen
    note: str | None = None  # which expert, or what the method means


class Difference(Entry):
    """Macro quality of one method minus another's, paired over the `n` prompts that both answered."""

    n: int
    difference: float
    ci95: Interval


class DataReport(Entry):
    """What was evaluated on, and what is needed to make the numbers again."""

    n: int
    fingerprint: str
    quality: str
    datasets: dict[str, int]
    seed: int
    resamples: int
    left_out: int = 0  # rows of the test files that repeat a text, or that a router was trained on
    train_fingerprint: str | None = None  # of the rows that the data-set oracle learned from
    versions: dict[str, str] = Field(default_factory=versions)
    commit: str | None = Field(default_factory=git_commit)


class Report(Entry):
    """Routers beside their baselines on the same prompts and the same pool of experts."""

    routers: dict[str, MethodReport]
    baselines: dict[str, MethodReport]
    default: str  # the router that the headline is about
    experts: dict[str, ExpertSummary]
    data: DataReport
    controls: dict[str, MethodReport] = Field(default_factory=dict)  # the default router without what it could learn
    differences: dict[str, dict[str, Difference]] = Field(default_factory=dict)  # router, then baseline or control

    def to_json(self) -> str:
        """The text of `report.json`."""
        return self.model_dump_json(indent=2, exclude_none=True) + "\n"
