"""The step that learns from what the store has: collect, train, compare with the router that routes, promote.

Run twice, or by two workers at once, it promotes once: a verdict counts while the router that it is against routes.
"""

import logging
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core import metrics
from core.errors import InvalidInputError, TorouterError
from core.schemas.outcomes import OutcomeRow
from core.settings import Settings
from core.store import Store
from router import checkpoints, registry, training
from router.config import Progress, TrainConfig
from router.datasets import HELD_OUT_SHARE, MIN_ROWS, carrying, deduplicate, is_held_out
from router.encoder import keeping
from router.labels import MIN_EXPERTS
from router.outcomes import quality_matrix
from workers.promotion import Gate, Promotion, promote

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to train, and whether it is promoted even if it is not better."""

    router: str
    quality: str
    by: str
    force: bool = False
    progress: Progress = field(default=lambda _share, _text: None)

    @classmethod
    def of(cls, settings: Settings, by: str, **changes: Any) -> "Wanted":  # Any: the fields above
        return cls(settings.retrain_router or registry.DEFAULT, settings.retrain_quality, by, **changes)


def retrain(store: Store, settings: Settings, wanted: Wanted) -> Promotion:
    """Train on what the store has learned but for what is held out, and promote the router if it is better.

    InvalidInputError where there are too few outcomes to learn from, CheckpointError as `promotion.promote`'s. A router
    that is refused is not kept: the same outcomes make the same one again.
    """
    rows = collected(store, wanted.quality)
    config = TrainConfig(
        router=wanted.router,
        quality=wanted.quality,
        hold_out=True,
        experts=learnable(rows, tuple(store.experts.enabled()), wanted),
    )
    with keeping(settings.cache), tempfile.TemporaryDirectory(prefix="torouter-retrained-") as folder:
        trained = training.train(rows, config, wanted.progress)
        candidate = Path(folder) / "candidate"
        checkpoints.save(trained.router, candidate, trained.manifest, trained.lessons)
        gate = Gate(rows, settings.cache, wanted.by, wanted.quality, wanted.force)
        return promote(store, candidate, gate)


def attempt(store: Store, settings: Settings, wanted: Wanted) -> None:
    """Retrain, and say what came of it; what nobody foresaw is counted too, and raised."""
    try:
        with metrics.RETRAINING_SECONDS.time():
            promotion = retrain(store, settings, wanted)
    except TorouterError as error:
        metrics.RETRAININGS.labels("failed").inc()
        log.warning("not retrained: %s", error)
    except Exception:
        metrics.RETRAININGS.labels("failed").inc()
        raise
    else:
        metrics.RETRAININGS.labels("promoted" if promotion.checkpoint else "refused").inc()
        name = promotion.checkpoint.public_id if promotion.checkpoint else "nothing"
        log.warning("retrained, and promoted %s: %s", name, promotion.verdict.reason)


def collected(store: Store, quality: str) -> list[OutcomeRow]:
    """What the store has learned, each text once; answers that nobody has scored stay in the database."""
    return deduplicate(list(carrying(store.outcomes.every(), quality)))


def learnable(rows: list[OutcomeRow], enabled: tuple[str, ...], wanted: Wanted) -> tuple[str, ...]:
    """The enabled experts of which the outcomes say enough; one that has just been added waits for its own.

    InvalidInputError, with the cure, where those are fewer than two.
    """
    seen = [row for row in rows if not is_held_out(row.prompt, HELD_OUT_SHARE)]
    present = ~np.isnan(quality_matrix(seen, enabled, wanted.quality))
    least = 1 if registry.kind(wanted.router).partial else MIN_EXPERTS
    counts = present[present.sum(axis=1) >= least].sum(axis=0)
    found = tuple(name for name, count in zip(enabled, counts, strict=True) if count >= MIN_ROWS)
    if len(found) < MIN_EXPERTS:
        known = ", ".join(f"{name} {count}" for name, count in zip(enabled, counts, strict=True))
        raise InvalidInputError(
            f"{len(found)} experts have the {wanted.quality!r} of {MIN_ROWS} prompts to train on ({known or 'none'}): "
            "`torouter collect` them, with references"
        )
    if set(enabled) - set(found):
        log.warning("too few outcomes to learn of %s", ", ".join(sorted(set(enabled) - set(found))))
    return found
