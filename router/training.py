"""Outcomes in, trained router and its manifest out, for any kind of router. It writes no files."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.schemas.outcomes import OutcomeRow
from router import bootstrap, bounds, registry, spending
from router.bounds import Measured
from router.config import Progress, TrainConfig
from router.datasets import Part, TrainingSet, training_set
from router.labels import label_entropy
from router.lessons import Lessons
from router.manifest import DataSummary, LabelSummary, Manifest, Metric
from router.outcomes import fingerprint
from router.policies import choose
from router.pool import Measure, Pool, pool_of
from router.predictions import Calibration, Predictions
from router.registry import StorableRouter
from router.seen import Seen


@dataclass(frozen=True)
class TrainedRouter:
    """What `checkpoints.save` takes."""

    router: StorableRouter
    manifest: Manifest
    lessons: Lessons


def train(rows: Sequence[OutcomeRow], config: TrainConfig, progress: Progress | None = None) -> TrainedRouter:
    """Train a router of `config.router`'s kind on outcomes.

    InvalidInputError for an unknown kind, a missing expert or quality column, or too few prompts, with the counts.
    """
    kind = registry.kind(config.router)
    data = training_set(rows, config, partial=kind.partial)
    started = time.monotonic()
    again = kind.refit and len(data.validation) > 0
    tell = progress or _silent
    router = kind.fit(data, config, _between(tell, 0, 0.5) if again else tell)
    held_out = data.validation.comparable()
    predicted = router.predict(held_out.texts)
    if again:
        router = kind.fit(data.whole(), config, _between(tell, 0.5, 1))
    pool = pool_of(rows, config.quality, data.experts)
    manifest = Manifest(
        kind=kind.name,
        experts=data.experts,
        config=config,
        data=_data_summary(rows, data, config),
        labels=_label_summary(data.train.comparable()),
        metrics=_metrics(predicted, held_out, config.seed),
        spending=spending.fit(pool),
        train_seconds=round(time.monotonic() - started, 3),
    )
    seen = Seen.of(data.train.texts + data.validation.texts)
    return TrainedRouter(router, manifest, Lessons(seen, _calibration(predicted, held_out, pool)))


def _between(tell: Progress, start: float, end: float) -> Progress:
    """Progress of one part of the work."""
    return lambda share, text: tell(start + (end - start) * share, text)


def _silent(share: float, text: str) -> None:
    """Report nothing."""


def _data_summary(rows: Sequence[OutcomeRow], data: TrainingSet, config: TrainConfig) -> DataSummary:
    return DataSummary(
        fingerprint=fingerprint(rows),
        rows=len(rows),
        quality=config.quality,
        train=len(data.train),
        validation=len(data.validation),
        duplicates=data.duplicates,
        too_few_experts=data.too_few_experts,
        held_out=data.held_out,
        datasets=dict(sorted(Counter(data.train.datasets).items())),
    )


def _label_summary(part: Part) -> LabelSummary | None:
    """None where no prompt compares experts."""
    if not len(part):
        return None
    found = label_entropy(part.labels, part.present)
    return LabelSummary(entropy=found.mean, maximum=found.maximum)


def _calibration(predicted: Predictions, part: Part, pool: Pool) -> Calibration | None:
    columns = bounds.best_single(pool).columns
    if columns is None or not len(part):
        return None
    return Calibration(predicted.values, part.qualities, int(columns[0]))


def _metrics(predicted: Predictions, part: Part, seed: int) -> dict[str, Metric]:
    """Mean quality of the router's choices on validation prompts, beside what it has to beat and what it can't."""
    pool = Pool(part.texts, ("validation",) * len(part), predicted.experts, {Measure.QUALITY: part.qualities})
    if not np.isfinite(pool.quality).any():
        return {}
    measured = {
        "quality": Measured(pool.take(choose(predicted))),
        "random": bounds.random(pool, seed),
        "best_single": bounds.best_single(pool),
        "zero": bounds.zero(pool),
        "quality_oracle": bounds.optimal(pool),
    }
    found = {name: bootstrap.mean(one.values[Measure.QUALITY], seed) for name, one in measured.items()}
    return {name: Metric(n=one.n, value=one.value, ci95=one.ci95) for name, one in found.items() if one.n}
