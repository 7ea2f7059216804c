"""The promoted checkpoint in a routing worker: what a database, a file store or a catalogue does to it."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from core import metrics
from core.errors import CheckpointError, NotFoundError, StoreError
from core.settings import Settings
from core.store import Store
from router import checkpoints
from router.baselines import RandomRouter
from router.config import TrainConfig
from router.manifest import Manifest
from router.predictions import Router
from tests.factories import LEASE_S, OWNER, expert, prompt, submit
from workers import routing
from workers.leasing import Leases
from workers.promoted import Promoted


class Wakes:
    def send(self, _dispatches: object) -> bool:
        return True

    def is_full(self, _queue: str) -> bool:
        return False


@pytest.fixture
def promote(sqlite_store: Store, tmp_path: Path) -> Callable[..., None]:
    """Promote a router over these experts, whatever the catalogue says."""

    def promote(*experts: str) -> None:
        router = RandomRouter(experts, 0)
        manifest = Manifest(kind=router.kind, experts=experts, config=TrainConfig(router="random", seed=0))
        checkpoints.save(router, tmp_path / "trained", manifest)
        added = sqlite_store.checkpoints.add(tmp_path / "trained", manifest.model_dump(mode="json"))
        sqlite_store.checkpoints.promote(added.public_id)

    return promote


def using(store: Store) -> routing.Using:
    return routing.Using(store, Wakes(), Leases(store.prompts, LEASE_S), Settings())


def test_a_passing_error_refuses_no_checkpoint(sqlite_store: Store, tmp_path: Path, promote: Callable[..., None]):
    sqlite_store.experts.sync([expert("a")])
    promote("a")
    errors = [StoreError("away"), OSError("no space")]

    def load(folder: Path) -> Router:
        if errors:
            raise errors.pop()
        return checkpoints.load(folder)

    promoted = Promoted(sqlite_store, tmp_path / "cache", load)

    looks = [promoted.serving() for _ in range(3)]

    assert [serving is not None for serving in looks] == [False, False, True]


def test_a_checkpoint_routes_among_those_of_its_experts_that_are_left(
    sqlite_store: Store, tmp_path: Path, promote: Callable[..., None], caplog: pytest.LogCaptureFixture
):
    promote("a", "gone")
    sqlite_store.experts.sync([expert("a"), expert("new")])
    submitted = submit(sqlite_store, *(prompt(str(n)) for n in range(20)))

    serving = Promoted(sqlite_store, tmp_path / "cache", checkpoints.load).serving()
    routing.route(submitted.ids, serving, using(sqlite_store))

    views = sqlite_store.prompts.get_many(submitted.prompt_ids, OWNER)
    assert {view.generations[0].expert for view in views} == {"a"}
    assert "never chooses: new" in caplog.text
    assert "the catalogue lacks: gone" in caplog.text


def test_prompts_wait_for_a_promoted_router_that_cannot_be_loaded(
    sqlite_store: Store, tmp_path: Path, promote: Callable[..., None], caplog: pytest.LogCaptureFixture
):
    def damaged(_folder: Path) -> Router:
        raise CheckpointError("damaged")

    promote("a")
    sqlite_store.experts.sync([expert("a")])
    submitted = submit(sqlite_store, prompt("routed"), prompt("pinned", expert="a"))

    serving = Promoted(sqlite_store, tmp_path / "cache", damaged).serving()
    routing.route(submitted.ids, serving, using(sqlite_store))

    states = [view.state for view in sqlite_store.prompts.get_many(submitted.prompt_ids, OWNER)]
    assert states == ["pending", "routed"]
    assert "1 prompts wait for a router" in caplog.text


def test_another_router_has_no_drift_yet(sqlite_store: Store, tmp_path: Path, promote: Callable[..., None]):
    promote("a")
    metrics.PROMPT_DRIFT.set(0.9)

    Promoted(sqlite_store, tmp_path / "cache", checkpoints.load).refresh()

    assert math.isnan(REGISTRY.get_sample_value("torouter_prompt_drift") or 0)


def test_without_any_router_a_prompt_fails(sqlite_store: Store):
    submitted = submit(sqlite_store)

    routing.route(submitted.ids, None, using(sqlite_store))

    assert sqlite_store.prompts.get(submitted.prompt_ids[0], OWNER).error_code == "no_router"


def test_a_fetch_that_fails_leaves_nothing_behind(sqlite_store: Store, tmp_path: Path, promote: Callable[..., None]):
    promote("a")
    checkpoint = sqlite_store.checkpoints.promoted()
    assert checkpoint is not None
    shutil.rmtree(tmp_path / "files")

    with pytest.raises(NotFoundError):
        sqlite_store.checkpoints.fetch(checkpoint, tmp_path / "cache")

    assert list((tmp_path / "cache" / "checkpoints").iterdir()) == []
