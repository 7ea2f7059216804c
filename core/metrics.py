"""Every metric of torouter: its name, its labels and what it means. Steps count here; who asks is told elsewhere.

Labels are from small sets: experts, steps, classes, outcomes. Never a batch, a prompt, a key or an owner. What a
process counts begins at 0 with it; what is read from the database (`Read`) outlives them all, and is told by every API
alike, so that queries take the `max` of it (docs/decisions/0026).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from core import queues
from core.queues import WorkClass

#: Names of steps by their task.
STEPS: Final[Mapping[str, str]] = MappingProxyType(
    {queues.ROUTE: "routing", queues.GENERATE: "generating", queues.SCORE: "scoring"}
)

# When each series began is of no use here, and as many series again.
disable_created_metrics()  # type: ignore[no-untyped-call]  # as the library has it


class Queue(NamedTuple):
    """A queue as the metrics' labels tell it."""

    queue: str
    step: str
    expert: str
    work_class: str

    @classmethod
    def of(cls, name: str) -> "Queue":
        task, expert, work_class = queues.address(name)
        return cls(name, STEPS[task], expert, work_class)


class Kind(StrEnum):
    """Prometheus' types."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Declared:
    """A metric as its reader sees it; a histogram has `_bucket`, `_sum` and `_count` behind its name."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    #: Read from the database by every API, and counted by no process.
    stored: bool = False


#: All of them, in the order of this file.
DECLARED: Final[list[Declared]] = []


@dataclass(frozen=True, slots=True)
class Read:
    """A metric that only the database knows; made anew each time that somebody asks."""

    declared: Declared

    def family(self, values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
        """With these values, by their labels."""
        declared = self.declared
        made: CounterMetricFamily | GaugeMetricFamily
        if declared.kind is Kind.COUNTER:
            made = CounterMetricFamily(declared.name, declared.help, labels=declared.labels)
        else:
            made = GaugeMetricFamily(declared.name, declared.help, labels=declared.labels)
        for labels, value in values:
            made.add_metric(labels, value)
        return made


def _counter(name: str, *labels: str, told: str, values: tuple[str, ...] = ()) -> Counter:
    """`values` of its one label, which are 0 from the beginning: nobody sees how much a first value is an increase."""
    DECLARED.append(Declared(name, Kind.COUNTER, labels, told))
    made = Counter(name, told, labels)
    for value in values:
        made.labels(value)
    return made


def _gauge(name: str, *labels: str, told: str) -> Gauge:
    DECLARED.append(Declared(name, Kind.GAUGE, labels, told))
    return Gauge(name, told, labels)


def _unknown(name: str, *, told: str) -> Gauge:
    """A gauge that is no number until somebody knows it: 0 would be an answer."""
    made = _gauge(name, told=told)
    made.set(float("nan"))
    return made


def _histogram(name: str, *labels: str, buckets: tuple[float, ...], told: str) -> Histogram:
    DECLARED.append(Declared(name, Kind.HISTOGRAM, labels, told))
    return Histogram(name, told, labels, buckets=buckets)


def _read(name: str, *labels: str, told: str, kind: Kind = Kind.GAUGE) -> Read:
    DECLARED.append(Declared(name, kind, labels, told, stored=True))
    return Read(DECLARED[-1])


#: Seconds of what is over at once, of answers, and of what waits.
_QUICK: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
_LONG: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)
_WAITS: Final = (0.005, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
_TENTHS: Final = tuple(tenth / 10 for tenth in range(1, 11))

PROCESS: Final = _gauge(
    "torouter_process_info",
    *("process", "version"),
    told="1 for each process: api, routing, scoring, batches, recovery, retraining or expert, and its version.",
)

# Of the API.
HTTP_REQUESTS: Final = _counter(
    "torouter_http_requests_total",
    *("route", "method", "status"),
    told="Requests by the endpoint's path as it is written in the documentation (`other`: none of them was reached), "
    "method, and class of the status (2xx).",
)
HTTP_SECONDS: Final = _histogram(
    "torouter_http_request_seconds",
    *("route", "method"),
    buckets=_QUICK,
    told="Seconds from a request to the beginning of its response; those that wait for an answer include the answer.",
)
HTTP_REFUSED: Final = _counter(
    "torouter_http_refused_total",
    "reason",
    values=("overloaded", "rate_limit_exceeded"),
    told="Requests refused with 429: `overloaded` where disk, memory or queues are full, `rate_limit_exceeded` where a "
    "key is over its own limit.",
)

# Of whichever process stores it.
PROMPTS_SUBMITTED: Final = _counter(
    "torouter_prompts_submitted_total",
    "class",
    values=tuple(WorkClass),
    told="Prompts that were stored: requests, and lines of files as they are read.",
)
PROMPTS_ENDED: Final = _counter(
    "torouter_prompts_ended_total",
    "state",
    values=("done", "failed", "cancelled", "expired"),
    told="Prompts that ended: done, failed, cancelled, expired.",
)

# Of routing workers.
ROUTING_WAIT: Final = _histogram(
    "torouter_routing_wait_seconds",
    "class",
    buckets=_WAITS,
    told="Seconds from storing a prompt to a routing worker's taking it up.",
)
ROUTING_PASS_PROMPTS: Final = _histogram(
    "torouter_routing_pass_prompts",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096),
    told="Prompts that were gathered into one pass of the router.",
)
ROUTING_PASS_SECONDS: Final = _histogram(
    "torouter_routing_pass_seconds",
    buckets=_QUICK,
    told="Seconds that such a pass took, from texts to choices.",
)
DECISIONS: Final = _counter(
    "torouter_decisions_total",
    *("expert", "policy"),
    told="Prompts that were given to an expert, and by which policy (`cost` of `cost:20`); `pinned`: the caller named "
    "it, `collect`: all were asked.",
)
ROUTING_FAILURES: Final = _counter(
    "torouter_routing_failures_total",
    "reason",
    values=("no_router", "no_expert", "model_not_found", "invalid_policy"),
    told="Prompts that no expert could be chosen for: no_router, no_expert, model_not_found, invalid_policy.",
)
CONFIDENCE: Final = _histogram(
    "torouter_router_confidence",
    "prediction",
    buckets=_TENTHS,
    told="The router's best prediction for a prompt, 0..1: a quality (`qualities`), or the probability of being the "
    "best (`probabilities`).",
)
MARGIN: Final = _histogram(
    "torouter_router_margin",
    "prediction",
    buckets=(0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0),
    told="By how much that is above the second best: near 0 the router has no opinion.",
)
PROMPT_DRIFT: Final = _unknown(
    "torouter_prompt_drift",
    told="How far the mean embedding of the last few hundred routed prompts is from that of the router's training "
    "prompts, in their standard deviations (root mean square over the dimensions). 0: none, and up to about 0.05 comes "
    "by chance; 0.3 and more are prompts of another kind. NaN where the router has no embeddings.",
)
SHARE_DRIFT: Final = _unknown(
    "torouter_share_drift",
    told="How differently the router prefers its experts for the last few hundred prompts and for its validation "
    "prompts: the share that would have to move (total variation), 0..1; up to about 0.1 comes by chance. NaN where "
    "there were no validation prompts.",
)

# Of experts' workers: what their engines did, whether or not its row was still theirs to write.
IN_FLIGHT: Final = _gauge(
    "torouter_generations_in_flight", "expert", told="Generations that a worker has handed to its engine."
)
GENERATIONS: Final = _counter(
    "torouter_generations_total",
    *("expert", "outcome"),
    told="Generations that an engine let go of: done; rejected (they can never be answered); again (another attempt "
    "follows); given_back (no room, no time, or no longer ours); died (the engine died with them in it).",
)
TOKENS: Final = _counter("torouter_tokens_total", *("expert", "kind"), told="Tokens of answers: input and output.")
COST: Final = _counter("torouter_cost_dollars_total", "expert", told="US$ of answers, by the catalogue's prices.")
FIRST_TOKEN: Final = _histogram(
    "torouter_first_token_seconds",
    "expert",
    buckets=_LONG,
    told="Seconds from asking the engine to an answer's first token, where the engine says so.",
)
ENGINE_QUEUE: Final = _histogram(
    "torouter_engine_queue_seconds", "expert", buckets=_LONG, told="Seconds that an answer waited inside the engine."
)
INFERENCE: Final = _histogram(
    "torouter_inference_seconds", "expert", buckets=_LONG, told="Seconds that an answer then took."
)
SPEED: Final = _histogram(
    "torouter_answer_tokens_per_second",
    "expert",
    buckets=(1, 2, 5, 10, 20, 35, 50, 75, 100, 150, 250, 500, 1000),
    told="Output tokens a second of one answer; what an engine writes in all is rate(torouter_tokens_total).",
)

# Of scoring workers.
BERTSIM: Final = _histogram(
    "torouter_bertsim", "expert", buckets=_TENTHS, told="BERTSim of answers with a reference, 0..1."
)
SCORE_FAILURES: Final = _counter(
    "torouter_score_failures_total", "expert", told="Attempts to score an answer that failed."
)

# Of all workers that lease rows.
LEASES_RENEWED: Final = _counter(
    "torouter_leases_renewed_total",
    "step",
    values=(*STEPS.values(), "batches"),
    told="Rows whose lease a worker prolonged: routing, generating, scoring, batches.",
)
LEASES_LOST: Final = _counter(
    "torouter_leases_lost_total",
    "step",
    values=(*STEPS.values(), "batches"),
    told="Rows that were no longer the worker's when it prolonged their lease: stopped by their batch, or taken from a "
    "worker that was silent for too long.",
)

# Of the process `batches`.
LINES: Final = _counter(
    "torouter_batch_lines_total",
    "outcome",
    values=("valid", "refused"),
    told="Lines of files that were looked at: valid, refused.",
)
BATCHES: Final = _counter(
    "torouter_batches_ended_total",
    "state",
    values=("completed", "failed", "cancelled", "expired"),
    told="Batches that came as files and ended: completed, failed, cancelled, expired.",
)
WEBHOOKS: Final = _counter(
    "torouter_webhook_calls_total",
    "outcome",
    values=("delivered", "again", "failed"),
    told="Calls of webhooks: delivered, again (another attempt follows), failed.",
)

# Of the process `recovery`.
RECOVERY_SENT: Final = _counter(
    "torouter_recovery_sent_total",
    "step",
    values=tuple(STEPS.values()),
    told="Rows that recovery sent messages for: what waited for room in a queue, or came back; to routing, generating, "
    "scoring.",
)
RECOVERY_RESENT: Final = _counter(
    "torouter_recovery_resent_total",
    "step",
    values=tuple(STEPS.values()),
    told="Redeliveries: of those, rows whose message was lost, since nobody claimed them.",
)
RECLAIMED: Final = _counter(
    "torouter_recovery_reclaimed_total",
    "outcome",
    values=("back", "failed"),
    told="Rows taken from workers that died or fell silent: back (they are done again), failed (they had their "
    "attempts, or their expert is gone from the catalogue).",
)
SWEEP_SECONDS: Final = _histogram(
    "torouter_recovery_sweep_seconds", buckets=_QUICK, told="Seconds of one sweep of recovery."
)

# Of retraining workers.
RETRAININGS: Final = _counter(
    "torouter_retrainings_total",
    "outcome",
    values=("promoted", "refused", "failed"),
    told="Retrainings: promoted, refused (no better than the router that routes), failed.",
)
RETRAINING_SECONDS: Final = _histogram(
    "torouter_retraining_seconds",
    buckets=(10, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200, 14400),
    told="Seconds of a retraining, with its comparison.",
)

# Of the database.
DATABASE_UP: Final = _read(
    "torouter_database_up", told="1 where the API could read the database just now, 0 where not."
)
_QUEUE: Final = ("queue", "step", "expert", "class")
QUEUE_WAITING: Final = _read(
    "torouter_queue_waiting",
    *_QUEUE,
    told="Rows that wait for a step, whether a message is under way for them or not, also of experts without a worker; "
    "10,000 stands for that many or more.",
)
QUEUE_OLDEST: Final = _read(
    "torouter_queue_oldest_seconds",
    *_QUEUE,
    told="Seconds since the first of those was sent; absent where none was.",
)
QUEUE_RUNNING: Final = _read("torouter_queue_running", *_QUEUE, told="Rows that workers hold.")
PROMPTS_OPEN: Final = _read(
    "torouter_prompts_open", "class", told="Prompts that have not ended, with lines of files that are not read yet."
)
USAGE_ANSWERS: Final = _read(
    "torouter_usage_answers_total",
    *("expert", "outcome"),
    kind=Kind.COUNTER,
    told="Generations that ended, done or failed; this and the other `usage` are what was stored, each once.",
)
USAGE_TOKENS: Final = _read(
    "torouter_usage_tokens_total",
    *("expert", "kind"),
    kind=Kind.COUNTER,
    told="Tokens of stored answers: input and output.",
)
USAGE_COST: Final = _read(
    "torouter_usage_cost_dollars_total", "expert", kind=Kind.COUNTER, told="US$ of stored answers."
)
USAGE_SCORED: Final = _read(
    "torouter_usage_scored_total", "expert", kind=Kind.COUNTER, told="Stored answers that were scored."
)
USAGE_QUALITY: Final = _read(
    "torouter_usage_quality_total",
    "expert",
    kind=Kind.COUNTER,
    told="The sum of their scores: over torouter_usage_scored_total it is the mean quality.",
)
ENGINE_DEATHS: Final = _read(
    "torouter_engine_deaths_total",
    "expert",
    kind=Kind.COUNTER,
    told="Engines that died or fell silent, as their workers noticed, and workers that fell silent while they held "
    "work. Where experts share an engine: all of them in the first case, those whose prompts it held in the second.",
)
ROUTER_PROMOTED: Final = _read(
    "torouter_router_promoted", "kind", told="1 for the router that routes, and its kind; 0 where none is promoted."
)
ROUTER_PROMOTED_AT: Final = _read(
    "torouter_router_promoted_timestamp_seconds", told="When it was promoted, in Unix seconds."
)
ROUTER_QUALITY: Final = _read(
    "torouter_router_validation_quality",
    "measure",
    told="Mean quality on its validation prompts, as its manifest says: `quality` by its choices, `best_single`, "
    "`random` and `zero` by the baselines, `quality_oracle` the most there is.",
)
