"""Retraining on the store's outcomes: what it learns from, what it promotes, and how beat brings it about."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from core.errors import InvalidInputError
from core.settings import Settings
from core.store import Store
from router import checkpoints
from router.baselines import RandomRouter
from router.datasets import HELD_OUT_SHARE, is_held_out
from router.manifest import Manifest
from tests.factories import collected, expert
from tests.router_factories import EXPERTS, topic_rows
from tests.system import System, until
from workers import retraining
from workers.promotion import Gate, promote
from workers.retraining import Wanted, retrain

ROWS = topic_rows(400)
MLP = Wanted("mlp", "bertsim", "a test")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def fill(store: Store) -> None:
    store.experts.sync([expert(name) for name in EXPERTS])
    prompts = [(row.prompt, {name: one.bertsim for name, one in row.outcomes.items()}) for row in ROWS]
    collected(store, *prompts, dataset="topics")


def promote_random(store: Store, folder: Path) -> None:
    router = RandomRouter(EXPERTS)
    checkpoints.save(router, folder, Manifest(kind=router.kind, experts=EXPERTS))
    promote(store, folder, Gate((), folder, "a test"))


def test_a_better_router_is_promoted_once_however_often_the_step_runs(store: Store, settings: Settings, tmp_path: Path):
    fill(store)
    promote_random(store, tmp_path / "random")

    first, second = (retrain(store, settings, MLP) for _ in range(2))

    assert first.checkpoint == store.checkpoints.promoted()
    assert first.checkpoint.router == "mlp"
    assert first.verdict.difference > 0.05
    assert second.checkpoint is None
    assert "not better" in second.verdict.reason


def test_it_learns_from_nothing_that_is_held_out(sqlite_store: Store, settings: Settings):
    fill(sqlite_store)

    promoted = retrain(sqlite_store, settings, Wanted("random", "bertsim", "a test")).checkpoint

    seen = checkpoints.read_seen(sqlite_store.checkpoints.fetch(promoted, settings.cache))
    texts = [row.prompt for row in ROWS]
    assert seen.knows(texts).tolist() == [not is_held_out(text, HELD_OUT_SHARE) for text in texts]


def test_an_expert_that_has_just_been_added_waits_for_outcomes(
    sqlite_store: Store, settings: Settings, caplog: pytest.LogCaptureFixture
):
    fill(sqlite_store)
    sqlite_store.experts.sync([expert(name) for name in (*EXPERTS, "new")])

    promoted = retrain(sqlite_store, settings, Wanted("random", "bertsim", "a test")).checkpoint

    assert promoted.experts == EXPERTS
    assert "too few outcomes to learn of new" in caplog.text


def test_an_expert_that_is_gone_is_not_learned(sqlite_store: Store, settings: Settings):
    fill(sqlite_store)
    sqlite_store.experts.sync([expert("code"), expert("math")])

    assert retrain(sqlite_store, settings, Wanted("random", "bertsim", "a test")).checkpoint.experts == ("code", "math")


def test_too_few_outcomes_are_refused_with_the_counts(sqlite_store: Store, settings: Settings):
    sqlite_store.experts.sync([expert(name) for name in EXPERTS])

    with pytest.raises(InvalidInputError, match=r"0 experts have .* \(biomed 0, code 0, math 0\): `torouter collect`"):
        retrain(sqlite_store, settings, MLP)


@pytest.fixture
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    settings = Settings(home=tmp_path_factory.mktemp("system"), retrain_every_s=3.0, retrain_router="random")
    system = System(settings, [])
    yield system
    system.stop_all()


@pytest.mark.parametrize(("error", "raised"), [(InvalidInputError("too few"), False), (RuntimeError("a bug"), True)])
def test_a_retraining_that_fails_is_counted_whatever_the_reason(
    sqlite_store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception, *, raised: bool
):
    def fails(*_: object):
        raise error

    monkeypatch.setattr(retraining, "retrain", fails)
    before = failed()

    with pytest.raises(RuntimeError) if raised else nullcontext():
        retraining.attempt(sqlite_store, settings, MLP)

    assert failed() - before == 1


def failed() -> float:
    return REGISTRY.get_sample_value("torouter_retrainings_total", {"outcome": "failed"}) or 0.0


def test_beat_has_the_worker_retrain_and_both_end_when_asked(system: System):
    fill(system.store)
    system.start_broker()
    system.start("retraining")

    system.start_process("beat", "beat")
    until(lambda: system.store.checkpoints.promoted() is not None, "a router is promoted", 120)

    promoted = system.store.checkpoints.promoted()
    assert promoted is not None
    assert (promoted.router, promoted.verdict and promoted.verdict["by"]) == ("random", "beat")
    assert (system.settings.home / "run" / "beat-asked").read_bytes() == b""
    assert [system.stop(name) for name in ("beat", "retraining")] == [0, 0]
