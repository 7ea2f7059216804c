"""What the API tells of metrics: what its process counts, and what only the database knows, read when somebody asks."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from core import metrics
from core.errors import TorouterError
from core.metrics import Queue
from core.schemas.work import ExpertTally
from core.store import Store
from core.store.usage import HOUR_S

log = logging.getLogger(__name__)

#: Seconds for which a look at the database holds, however many ask.
KEEP_S: Final = 5.0

#: Seconds that whoever asks waits for it: Prometheus gives up after ten, and then would miss everything else too.
PATIENCE_S: Final = 4.0

#: Of sums of fractions: in another order the last digits differ, and Prometheus takes any step down for a new start.
PLACES: Final = 6


def registry(store: Store, patience_s: float = PATIENCE_S) -> CollectorRegistry:
    """Of one app."""
    made = CollectorRegistry(auto_describe=False)  # describing would read the database
    usage = Usage(store)
    made.register(Counted())
    made.register(Stored(lambda: families(store, usage), patience_s))
    return made


class Counted(Collector):
    """What this process counts."""

    def collect(self) -> Iterable[Metric]:
        return REGISTRY.collect()


class Stored(Collector):
    """What the database knows. While it is away, or slow, that alone is told: old numbers would look like new ones."""

    def __init__(self, read: Callable[[], list[Metric]], patience_s: float) -> None:
        self._read = read
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._reading: threading.Thread | None = None
        self._read_at = float("-inf")
        self._known: list[Metric] | None = None

    def collect(self) -> Iterator[Metric]:
        reading = self._begun()
        reading.join(self._patience_s)
        known = None if reading.is_alive() else self._known
        yield metrics.DATABASE_UP.family([((), float(known is not None))])
        yield from known or ()

    def _begun(self) -> threading.Thread:
        """The look that is under way, or was the last one."""
        with self._lock:
            if self._reading is not None and (self._reading.is_alive() or time.monotonic() - self._read_at < KEEP_S):
                return self._reading
            self._read_at = time.monotonic()
            self._reading = threading.Thread(target=self._look, name="metrics", daemon=True)
            self._reading.start()
            return self._reading

    def _look(self) -> None:
        try:
            self._known = self._read()
        except TorouterError as error:
            self._known = None
            log.warning("the metrics say nothing of the database: %s", error)
        except Exception:
            self._known = None
            log.exception("the metrics say nothing of the database")


class Usage:
    """What experts ever did. Hours that are over are summed once: a look reads the last two."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._before: dict[str, ExpertTally] = {}
        self._since = 0

    def sums(self) -> dict[str, ExpertTally]:
        """By expert. Called by one thread at a time."""
        usage = self._store.usage
        last = usage.hour() - HOUR_S  # what is counted just now may still belong to it
        if last > self._since:
            self._before = _together(self._before, usage.of_experts(self._since, last))
            self._since = last
        return _together(self._before, usage.of_experts(self._since))


def families(store: Store, usage: Usage) -> list[Metric]:
    """All of `core.metrics` that is read."""
    return [*_queues(store), *_usage(usage.sums()), *_deaths(store), *_router(store)]


def _queues(store: Store) -> Iterator[Metric]:
    queues = [(Queue.of(one.queue), one) for one in store.depths.all()]
    yield metrics.QUEUE_WAITING.family((labels, one.waiting) for labels, one in queues)
    yield metrics.QUEUE_OLDEST.family((labels, one.oldest_s) for labels, one in queues if one.oldest_s is not None)
    yield metrics.QUEUE_RUNNING.family((labels, one.running) for labels, one in queues)
    yield metrics.PROMPTS_OPEN.family(((one,), count) for one, count in store.batches.open_prompts().items())


def _usage(sums: dict[str, ExpertTally]) -> Iterator[Metric]:
    by = sums.items()
    ended = (((expert, state), getattr(one, state)) for expert, one in by for state in ("done", "failed"))
    yield metrics.USAGE_ANSWERS.family(ended)
    tokens = (((expert, kind), getattr(one, f"{kind}_tokens")) for expert, one in by for kind in ("input", "output"))
    yield metrics.USAGE_TOKENS.family(tokens)
    yield metrics.USAGE_COST.family(((expert,), round(one.cost_usd, PLACES)) for expert, one in by)
    yield metrics.USAGE_SCORED.family(((expert,), one.scored) for expert, one in by)
    yield metrics.USAGE_QUALITY.family(((expert,), round(one.quality_sum, PLACES)) for expert, one in by)


def _deaths(store: Store) -> Iterator[Metric]:
    yield metrics.ENGINE_DEATHS.family(((expert,), count) for expert, count in store.experts.deaths().items())


def _router(store: Store) -> Iterator[Metric]:
    routes = store.checkpoints.promoted()
    if routes is None:
        yield metrics.ROUTER_PROMOTED.family([(("",), 0)])
        return
    yield metrics.ROUTER_PROMOTED.family([((routes.router,), 1)])
    if routes.promoted_at is not None:
        yield metrics.ROUTER_PROMOTED_AT.family([((), routes.promoted_at)])
    measured = routes.manifest.get("metrics") or {}
    yield metrics.ROUTER_QUALITY.family(((name,), one["value"]) for name, one in measured.items())


def _together(one: dict[str, ExpertTally], other: dict[str, ExpertTally]) -> dict[str, ExpertTally]:
    both = {name: replace(tally) for name, tally in one.items()}
    for name, tally in other.items():
        both[name] = both.get(name, ExpertTally())
        both[name] += tally
    return both
