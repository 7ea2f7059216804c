"""Which texts a checkpoint says that its router has learned from."""

from pathlib import Path

import pytest

from core.errors import CheckpointError
from router import checkpoints
from router.baselines import RandomRouter
from router.config import TrainConfig
from router.datasets import HELD_OUT_SHARE, is_held_out
from router.manifest import Manifest
from router.seen import SEEN
from router.training import train
from tests.router_factories import topic_rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint that was trained on `topic_rows(60)`, with the held-out ones left out."""
    trained = train(topic_rows(60), TrainConfig(router="random", hold_out=True))
    checkpoints.save(trained.router, tmp_path / "checkpoint", trained.manifest, trained.lessons)
    return tmp_path / "checkpoint"


def test_a_checkpoint_knows_all_it_learned_from_and_nothing_that_was_held_out(folder: Path):
    texts = [row.prompt for row in topic_rows(60)]
    held = [is_held_out(text, HELD_OUT_SHARE) for text in texts]

    known = checkpoints.read_seen(folder).knows([f" {text.upper()}" for text in texts])

    assert known.tolist() == [not one for one in held]
    assert any(held)
    assert checkpoints.read_manifest(folder).data.held_out == sum(held)


def test_a_checkpoint_that_does_not_say_is_refused_with_the_cure(folder: Path):
    (folder / SEEN).unlink()

    with pytest.raises(CheckpointError, match="train it again"):
        checkpoints.read_seen(folder)


def test_damaged_hashes_are_refused_with_the_cure(folder: Path):
    (folder / SEEN).write_bytes(b"nothing")

    with pytest.raises(CheckpointError, match="copy the checkpoint again"):
        checkpoints.read_seen(folder)


def test_a_router_that_learned_nothing_has_seen_nothing(tmp_path: Path):
    router = RandomRouter(("a", "b"))
    checkpoints.save(router, tmp_path / "checkpoint", Manifest(kind=router.kind, experts=router.experts))

    assert not checkpoints.read_seen(tmp_path / "checkpoint").knows(["anything"]).any()
