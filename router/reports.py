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
    truncated: float | None = None  # share of the answers that were cut off at their token limit
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
    #: Total variation distance of the shares to those of the quality oracle, 0..1.
    shares_to_oracle: float | None = None
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


class BatchReport(Entry):
    """The batch that the rows come from: what was asked, and what has no answer."""

    id: str
    references: int  # lines that carry one
    answered: int  # of these, by any expert; as many were measured as the report's `data` says: all, or a fair sample
    unanswered: dict[str, int] = Field(default_factory=dict)  # of these, by each expert that was asked in vain


class Point(Entry):
    """Where one setting of a policy's knob leads: macro means over the prompts. An expert's own has its name."""

    setting: float | None = None
    expert: str | None = None
    cost_usd: float  # of one call
    quality: float


class Curve(Entry):
    """Cost against quality while the price on cost is swept, and the numbers that sum it up (RouterBench, RouteLLM)."""

    points: list[Point]
    hull: list[Point]  # non-decreasing and convex, by cost
    aiq: float | None = None  # mean height of the hull between the cheapest and the dearest expert's cost
    cost_save: float | None = None  # share of the best single expert's cost saved at no less than its quality
    perf_gain: float | None = None  # best quality minus the best single expert's
    qnc: float | None = None  # least cost that matches the best single expert's quality, as a share of its cost


class SharePoint(Entry):
    """What routing a share of the prompts to the strong expert brings."""

    share: float  # of strong calls, 0..1
    quality: float  # macro
    pgr: float | None = None  # performance gap recovered: 0 is the weak expert alone, 1 the strong one
    cost_usd: float | None = None  # of a prompt, macro
    latency_s: float | None = None  # inference of a prompt, macro


class StrongCalls(Entry):
    """One router over a weak and a strong expert (RouteLLM, arXiv 2406.18665)."""

    points: list[SharePoint]
    apgr: float | None = None  # average PGR over all shares; .5 is chance
    cpt50: float | None = None  # share of strong calls at which half of the gap is recovered
    cpt80: float | None = None
    auroc: float | None = None  # of "the weak expert is enough", by the predicted gain


class TwoExperts(Entry):
    """The report of exactly two experts."""

    weak: str
    strong: str
    routers: dict[str, StrongCalls]


class Speed(Entry):
    """Time of one prompt in `predict` calls of so many prompts."""

    batch: int
    ms_per_prompt: float


class Training(Entry):
    """How a router was made. Entropy is of its soft labels, in nats; near the maximum there is nothing to learn."""

    train: int  # prompts
    validation: int
    seconds: float | None = None
    label_entropy: float | None = None
    label_entropy_maximum: float | None = None


class Report(Entry):
    """Routers beside their baselines on the same prompts and the same pool of experts."""

    routers: dict[str, MethodReport]
    baselines: dict[str, MethodReport]
    default: str | None = None  # the router that the headline is about; None where there is none
    experts: dict[str, ExpertSummary]
    data: DataReport
    controls: dict[str, MethodReport] = Field(default_factory=dict)  # the default router without what it could learn
    differences: dict[str, dict[str, Difference]] = Field(default_factory=dict)  # router, then baseline or control
    #: Of the routers and of `utility_oracle`; `experts` holds the single experts. Only where outcomes carry costs.
    curves: dict[str, Curve] = Field(default_factory=dict)
    two_experts: TwoExperts | None = None
    speed: dict[str, list[Speed]] = Field(default_factory=dict)  # of the routers
    training: dict[str, Training] = Field(default_factory=dict)  # of the routers
    batch: BatchReport | None = None
    notes: list[str] = Field(default_factory=list)  # what a reader must know besides

    def to_json(self) -> str:
        """The text of `report.json`."""
        return self.model_dump_json(indent=2, exclude_none=True) + "\n"
