"""What a router's settings and its training data are worth: one thing is changed at a time, on the same prompts."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from core.errors import InvalidInputError
from core.schemas.outcomes import OutcomeRow
from router import cached, checkpoints
from router.bootstrap import Bootstrap
from router.config import Progress, TrainConfig
from router.datasets import deduplicate, normalise, without
from router.encoder import keeping
from router.evaluation import Routed, measure, method_report
from router.hashing import uniform
from router.labels import Reading
from router.outcomes import experts_of, fingerprint
from router.policies import NOBODY, choose
from router.pool import pool_of
from router.provenance import git_commit, versions
from router.reports import Summary

#: Routers that learn soft labels; the others learn qualities, and no temperature moves them.
LEARN_LABELS: Final = ("mlp", "bert")
TEMPERATURES: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 1.0, 5.0, 10.0, 20.0, 50.0)
SHARES: Final = (0.05, 0.1, 0.25, 0.5, 1.0)
#: Fewer training prompts than this are left out of the study of sizes.
_FEWEST: Final = 30


class Study(StrEnum):
    """What is changed."""

    LABELS = "labels"  # temperature in both readings, and hard labels
    SIZE = "size"  # the share of the training prompts
    DOMAINS = "domains"  # each data set is left out of training and then tested on


class Cell(BaseModel):
    """One router under one setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: Study
    router: str
    setting: str  # multiply, divide, hard; the share; "with" or "without"
    value: float | None = None  # the temperature or the share
    dataset: str | None = None  # the one that was left out; None: all
    prompts: int  # trained on
    label_entropy: float | None = None  # nats
    result: Summary  # macro over the data sets tested on


class AblationReport(BaseModel):
    """The shape of `ablation.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cells: list[Cell]
    quality: str
    seed: int
    train: str  # fingerprints
    test: str
    versions: dict[str, str]
    commit: str | None

    def to_json(self) -> str:
        return self.model_dump_json(indent=2, exclude_none=True) + "\n"


@dataclass(frozen=True)
class Ablation:
    """What to try. `config` is every router's but for its kind and what is changed."""

    routers: Sequence[str]
    config: TrainConfig
    cache: Path
    studies: Sequence[Study] = tuple(Study)
    temperatures: Sequence[float] = TEMPERATURES
    showing: Callable[[str], AbstractContextManager[Progress]] = field(
        default=lambda _title: nullcontext(lambda _share, _text: None)
    )


class _Trial(NamedTuple):
    """A cell before it is measured: what to train on, and what to test on."""

    study: Study
    setting: str
    config: TrainConfig
    train: Sequence[OutcomeRow]
    test: Sequence[OutcomeRow]
    value: float | None = None
    dataset: str | None = None


def ablate(train: Sequence[OutcomeRow], test: Sequence[OutcomeRow], wanted: Ablation) -> AblationReport:
    """Every study with every router; a training that two of them need is done once.

    InvalidInputError where nothing is left to test on, or a data set can't be left out since there is no other.
    """
    rows = without(deduplicate(test), train)
    if not rows:
        raise InvalidInputError("every test row is among the training rows, so there is nothing to test on")
    cells = []
    with keeping(wanted.cache):
        for name in wanted.routers:
            config = wanted.config.model_copy(update={"router": name})
            for study in wanted.studies:
                cells += [
                    _measured(trial, wanted)
                    for trial in _TRIALS[study](_Given(config, train, rows, wanted.temperatures))
                ]
    return AblationReport(
        cells=cells,
        quality=wanted.config.quality,
        seed=wanted.config.seed,
        train=fingerprint(train),
        test=fingerprint(rows),
        versions=versions(),
        commit=git_commit(),
    )


class _Given(NamedTuple):
    """What a study is made of."""

    config: TrainConfig
    train: Sequence[OutcomeRow]
    test: Sequence[OutcomeRow]
    temperatures: Sequence[float]


def _labels(given: _Given) -> Iterator[_Trial]:
    """A router that learns no labels is one trial: whatever the temperature, it stays where it is."""
    config, train, test, temperatures = given
    if config.router not in LEARN_LABELS:
        yield _Trial(Study.LABELS, "any", config, train, test)
        return
    for reading in (Reading.MULTIPLY, Reading.DIVIDE):
        for temperature in temperatures:
            # Dividing by T is multiplying by 1/T: said in one way, it is trained once.
            scale = temperature if reading is Reading.MULTIPLY else 1 / temperature
            changed = {"reading": Reading.MULTIPLY, "temperature": float(f"{scale:.9g}")}
            yield _Trial(Study.LABELS, reading, config.model_copy(update=changed), train, test, temperature)
    yield _Trial(Study.LABELS, Reading.HARD, config.model_copy(update={"reading": Reading.HARD}), train, test)


def _sizes(given: _Given) -> Iterator[_Trial]:
    """Each share holds the smaller ones."""
    config, train, test, _ = given
    for share in SHARES:
        some = [row for row in train if uniform("training size", normalise(row.prompt)) < share]
        if len(some) >= _FEWEST:
            yield _Trial(Study.SIZE, f"{share:.0%}", config, some, test, share)


def _domains(given: _Given) -> Iterator[_Trial]:
    config, train, test, _ = given
    names = sorted({row.dataset for row in test})
    if len({row.dataset for row in train}) < 2:  # noqa: PLR2004  # one to leave out and one to learn from
        raise InvalidInputError(f"the training rows have one data set, {names[0]!r}: none can be left out")
    for name in names:
        tested = [row for row in test if row.dataset == name]
        others = [row for row in train if row.dataset != name]
        yield _Trial(Study.DOMAINS, "with", config, train, tested, dataset=name)
        yield _Trial(Study.DOMAINS, "without", config, others, tested, dataset=name)


_TRIALS: Final = {Study.LABELS: _labels, Study.SIZE: _sizes, Study.DOMAINS: _domains}


def _measured(trial: _Trial, wanted: Ablation) -> Cell:
    config = trial.config
    with wanted.showing(_title(trial)) as progress:
        folder = cached.trained(trial.train, config, wanted.cache / "routers", progress)
    predictions = checkpoints.load(folder).predict([row.prompt for row in trial.test])
    choices = [None if at == NOBODY else predictions.experts[at] for at in choose(predictions)]
    pool = pool_of(trial.test, config.quality, experts_of(trial.test))
    report = method_report(
        measure(pool, Routed(choices), config.quality, config.router), pool, Bootstrap(pool.datasets, config.seed)
    )
    manifest = checkpoints.read_manifest(folder)
    return Cell(
        study=trial.study,
        router=config.router,
        setting=trial.setting,
        value=trial.value,
        dataset=trial.dataset,
        prompts=manifest.data.train + manifest.data.validation if manifest.data else 0,
        label_entropy=manifest.labels.entropy if manifest.labels and config.router in LEARN_LABELS else None,
        result=report.macro,
    )


def _title(trial: _Trial) -> str:
    """What a progress bar says is trained."""
    value = f"{trial.value:g}" if trial.study is Study.LABELS and trial.value is not None else ""
    words = (trial.study, trial.setting, value, trial.dataset or "")
    return f"{trial.config.router}: {' '.join(word for word in words if word)}"
