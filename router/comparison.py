"""The whole evaluation: train each router once, let it choose, and hold it against baselines and controls."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from core.schemas.outcomes import OutcomeRow
from router import cached, checkpoints, controls
from router.config import Progress, TrainConfig
from router.datasets import deduplicate, without
from router.encoder import keeping
from router.evaluation import Evaluation, Routed, evaluate
from router.manifest import Manifest
from router.policies import NOBODY, choose
from router.policy import BEST, Policy
from router.predictions import Router
from router.reports import Report, Training
from router.speed import time_per_prompt

#: Something that shows the progress of training one router, and is left when that is done.
Showing = Callable[[str], AbstractContextManager[Progress]]


@dataclass(frozen=True)
class Comparison:
    """What to compare, and how. `config` is every router's but for its kind; `default` is what the controls are of."""

    routers: Sequence[str]
    config: TrainConfig
    default: str
    cache: Path  # of vectors and trained routers
    policy: Policy = BEST
    showing: Showing = field(default=lambda _title: nullcontext(lambda _share, _text: None))


def compare(train: Sequence[OutcomeRow], test: Sequence[OutcomeRow], wanted: Comparison) -> Report:
    """Each router, trained on `train`, on the rows of `test` whose text is not in `train`, beside what it has to beat.

    InvalidInputError where nothing is left to test on, or as `training.train` and `evaluation.evaluate` raise it.
    """
    rows = without(deduplicate(test), train)
    with keeping(wanted.cache):
        folders = {name: _trained(train, name, wanted, name) for name in wanted.routers}
        loaded = {name: checkpoints.load(folder) for name, folder in folders.items()}
        routers = {name: _routed(router, rows, wanted) for name, router in loaded.items()}
        found = _controls(train, rows, routers[wanted.default], wanted)
    evaluation = Evaluation(
        wanted.config.quality,
        wanted.default,
        seed=wanted.config.seed,
        train=train,
        controls=found,
        left_out=len(test) - len(rows),
        speed={name: time_per_prompt(router, [row.prompt for row in rows]) for name, router in loaded.items()},
        training={name: _training(checkpoints.read_manifest(folder)) for name, folder in folders.items()},
    )
    return evaluate(rows, routers, evaluation)


def _trained(train: Sequence[OutcomeRow], name: str, wanted: Comparison, title: str) -> Path:
    config = wanted.config.model_copy(update={"router": name})
    with wanted.showing(title) as progress:
        return cached.trained(train, config, wanted.cache / "routers", progress)


def _training(manifest: Manifest) -> Training:
    data, labels = manifest.data, manifest.labels
    return Training(
        train=data.train if data else 0,
        validation=data.validation if data else 0,
        seconds=manifest.train_seconds,
        label_entropy=labels.entropy if labels else None,
        label_entropy_maximum=labels.maximum if labels else None,
    )


def _routed(router: Router, rows: Sequence[OutcomeRow], wanted: Comparison, note: str | None = None) -> Routed:
    predictions = router.predict([row.prompt for row in rows])
    columns = choose(predictions, wanted.policy)
    choices = [None if at == NOBODY else predictions.experts[at] for at in columns]
    return Routed(choices, note=note, predictions=predictions)


def _controls(
    train: Sequence[OutcomeRow], rows: Sequence[OutcomeRow], default: Routed, wanted: Comparison
) -> dict[str, Routed]:
    """What the default router scores where there is nothing to learn."""
    name, seed = wanted.default, wanted.config.seed
    shuffled = _trained(controls.shuffled_labels(train, seed), name, wanted, f"{name} on shuffled labels")
    blind = _trained(controls.unreadable(train), name, wanted, f"{name} on prompts that say nothing")
    return {
        "shuffled_shares": Routed(
            controls.shuffled_shares(default.choices, seed), note=f"the choices of {name}, dealt to other prompts"
        ),
        "shuffled_labels": _routed(
            checkpoints.load(shuffled), rows, wanted, f"{name}, trained on each other's outcomes per data set"
        ),
        "unreadable": _routed(
            checkpoints.load(blind), controls.unreadable(rows), wanted, f"{name}, with a hash instead of each prompt"
        ),
    }
