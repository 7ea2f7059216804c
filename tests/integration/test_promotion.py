"""What the gate lets through to the store, and what the store keeps of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import CheckpointError, NotFoundError
from core.store import Store
from router import checkpoints
from router.baselines import RandomRouter
from router.config import TrainConfig
from router.manifest import Manifest
from router.seen import SEEN
from router.training import train
from tests.factories import collected, expert
from tests.router_factories import topic_rows
from workers.promotion import Gate, Promotion, promote, promote_again

#: Of which a fifth is held out.
PROMPTS = 300

Promote = Callable[..., Promotion]


@pytest.fixture
def try_to_promote(store: Store, tmp_path: Path) -> Promote:
    """Try to promote a router that always chooses one expert; `good` is better than `bad` on the store's outcomes."""
    store.experts.sync([expert("bad"), expert("good")])
    collected(store, *((f"prompt {i}", {"bad": 0.3, "good": 0.7}) for i in range(PROMPTS)))

    def attempt(name: str, *, force: bool = False) -> Promotion:
        folder = tmp_path / f"always-{name}-{len(list(tmp_path.iterdir()))}"
        router = RandomRouter((name,))
        checkpoints.save(router, folder, Manifest(kind=router.kind, experts=router.experts))
        return promote(store, folder, gate(store, tmp_path, force=force))

    return attempt


def gate(store: Store, cache: Path, *, force: bool = False) -> Gate:
    return Gate(store.outcomes.every(), cache / "cache", "a test", force=force)


def routing(store: Store) -> tuple[str, ...]:
    promoted = store.checkpoints.promoted()
    assert promoted is not None
    return promoted.experts


def test_the_first_router_has_nobody_to_be_better_than(store: Store, try_to_promote: Promote):
    promotion = try_to_promote("bad")

    assert promotion.checkpoint == store.checkpoints.promoted()
    assert promotion.checkpoint.verdict["reason"].startswith("the first router")
    assert promotion.checkpoint.verdict["forced"] is False


def test_a_better_router_replaces_the_current_one_and_its_record_says_why(store: Store, try_to_promote: Promote):
    first = try_to_promote("bad").checkpoint

    try_to_promote("good")

    assert routing(store) == ("good",)
    record = store.checkpoints.promoted().verdict
    assert (record["better"], record["forced"], record["by"]) == (True, False, "a test")
    assert record["against"] == first.public_id
    assert record["difference"] == pytest.approx(0.4)
    assert record["n"] == pytest.approx(PROMPTS / 5, abs=25)


@pytest.mark.parametrize("name", ["good", "bad"])
def test_a_router_that_is_as_good_or_worse_is_refused(store: Store, try_to_promote: Promote, name: str):
    try_to_promote("good")
    before = store.checkpoints.promoted()

    promotion = try_to_promote(name)

    assert promotion.checkpoint is None
    assert promotion.verdict.reason.startswith("not better than checkpoint_")
    assert store.checkpoints.promoted() == before


def test_an_override_promotes_what_is_worse_and_is_recorded(store: Store, try_to_promote: Promote):
    try_to_promote("good")

    try_to_promote("bad", force=True)

    assert routing(store) == ("bad",)
    record = store.checkpoints.promoted().verdict
    assert (record["better"], record["forced"]) == (False, True)
    assert record["difference"] == pytest.approx(-0.4)


def test_an_older_checkpoint_comes_back_by_its_id_through_the_same_gate(
    store: Store, try_to_promote: Promote, tmp_path: Path
):
    good = try_to_promote("good").checkpoint
    bad = try_to_promote("bad", force=True).checkpoint

    back = promote_again(store, good.public_id, gate(store, tmp_path))
    refused = promote_again(store, bad.public_id, gate(store, tmp_path))

    assert back.checkpoint == store.checkpoints.promoted()
    assert refused.checkpoint is None
    assert routing(store) == ("good",)
    with pytest.raises(NotFoundError):
        promote_again(store, "checkpoint_none", gate(store, tmp_path))


def test_of_many_that_were_judged_against_the_same_router_one_replaces_it(store: Store, try_to_promote: Promote):
    first = try_to_promote("bad").checkpoint
    rivals = [try_to_promote("bad", force=True).checkpoint.public_id for _ in range(6)]
    store.checkpoints.promote(first.public_id)

    def replace(name: str) -> bool:
        try:
            store.checkpoints.replace(first.public_id, name, {})
        except CheckpointError:
            return False
        return True

    with ThreadPoolExecutor(len(rivals)) as threads:
        replaced = list(threads.map(replace, rivals))

    assert sum(replaced) == 1
    assert store.checkpoints.promoted().public_id == rivals[replaced.index(True)]


def test_a_router_of_which_nobody_knows_what_it_has_seen_is_compared_with_none(sqlite_store: Store, tmp_path: Path):
    sqlite_store.experts.sync([expert(name) for name in ("math", "code", "biomed")])
    trained = train(topic_rows(60), TrainConfig(router="random"))
    checkpoints.save(trained.router, tmp_path / "older", trained.manifest, trained.lessons)
    (tmp_path / "older" / SEEN).unlink()
    promote(sqlite_store, tmp_path / "older", gate(sqlite_store, tmp_path))

    with pytest.raises(CheckpointError, match="nobody knows which texts this router was trained on"):
        promote(sqlite_store, tmp_path / "older", gate(sqlite_store, tmp_path))
    forced = promote(sqlite_store, tmp_path / "older", gate(sqlite_store, tmp_path, force=True))

    assert forced.checkpoint.verdict["reason"].startswith("not compared: ")
