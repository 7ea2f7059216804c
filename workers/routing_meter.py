"""What routing counts: passes, decisions, how sure the router is, and how far its prompts drift. Decides nothing."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from core import metrics
from core.schemas.work import Failure, Routed, RoutingItem
from router.drift import Drift
from router.predictions import Predictions


def claimed(items: Iterable[RoutingItem]) -> None:
    """Prompts that a worker takes up."""
    for item in items:
        metrics.ROUTING_WAIT.labels(item.work_class).observe(item.waited_s)


def predicted(predictions: Predictions, seconds: float, drift: Drift) -> None:
    """One pass of the router."""
    metrics.ROUTING_PASS_PROMPTS.observe(len(predictions))
    metrics.ROUTING_PASS_SECONDS.observe(seconds)
    _sure(predictions)
    drift.see(predictions)
    _drifted(drift.of_prompts, drift.of_shares)


def replaced() -> None:
    """Another router: how far prompts had drifted from the old one's is nothing to know any more."""
    _drifted(None, None)


def decided(routed: Iterable[Routed], failed: Iterable[Failure]) -> None:
    """Who answers what, by which kind of policy, and what nobody does."""
    chosen = Counter((expert, one.policy.partition(":")[0]) for one in routed for expert in one.experts)
    for (expert, policy), count in chosen.items():
        metrics.DECISIONS.labels(expert, policy).inc(count)
    for failure in failed:
        metrics.ROUTING_FAILURES.labels(failure.code).inc()


def _drifted(prompts: float | None, shares: float | None) -> None:
    for gauge, value in ((metrics.PROMPT_DRIFT, prompts), (metrics.SHARE_DRIFT, shares)):
        gauge.set(float("nan") if value is None else value)


def _sure(predictions: Predictions) -> None:
    values = np.where(np.isfinite(predictions.values), predictions.values, -np.inf)
    if values.shape[1] < 2:  # noqa: PLR2004  # a second best
        return
    second, best = np.partition(values, -2, axis=1)[:, -2:].T
    confidence, margin = (one.labels(predictions.kind) for one in (metrics.CONFIDENCE, metrics.MARGIN))
    for value in best[np.isfinite(best)]:
        confidence.observe(value)
    for value in (best - second)[np.isfinite(second)]:
        margin.observe(value)
