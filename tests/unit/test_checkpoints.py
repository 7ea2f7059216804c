"""Checkpoints on disk: written whole, loaded or refused. With the router that needs no torch."""

import json
from pathlib import Path

import pytest

from core.errors import CheckpointError, InvalidInputError, StoreRefusedError
from core.store.blobs import Blobs
from router import checkpoints
from router.baselines import RandomRouter
from router.config import TrainConfig
from router.manifest import Manifest
from router.training import train
from tests.router_factories import topic_rows

MANIFEST = Manifest(kind="random", experts=("a", "b"), config=TrainConfig(router="random", seed=7))
ROUTER = RandomRouter(("a", "b"), seed=7)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checkpoints.save(ROUTER, tmp_path / "checkpoint", MANIFEST)
    return tmp_path / "checkpoint"


def change(folder: Path, **values: object) -> None:
    path = folder / checkpoints.MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_router_comes_back_as_it_was_saved(folder: Path):
    assert (
        checkpoints.load(folder).predict(["one", "two"]).values.tolist()
        == ROUTER.predict(["one", "two"]).values.tolist()
    )
    assert checkpoints.read_manifest(folder) == MANIFEST


def test_the_manifest_of_a_training_says_how_it_was_made(tmp_path: Path):
    trained = train(topic_rows(120), TrainConfig(router="random", seed=3))

    checkpoints.save(trained.router, tmp_path / "trained", trained.manifest)

    manifest = json.loads((tmp_path / "trained" / "manifest.json").read_text())
    assert manifest["config"]["seed"] == 3
    assert manifest["data"]["rows"] == 120
    assert manifest["data"]["quality"] == "bertsim"
    assert len(manifest["data"]["fingerprint"]) == 64
    assert 0 < manifest["labels"]["entropy"] < manifest["labels"]["maximum"]
    assert manifest["metrics"]["quality_oracle"]["value"] == pytest.approx(0.8)
    assert manifest["metrics"]["zero"]["n"] == manifest["data"]["validation"]
    assert {"python", "torouter", "numpy"} <= manifest["versions"].keys()


def test_a_checkpoint_is_never_overwritten(folder: Path):
    with pytest.raises(CheckpointError, match="exists, and a checkpoint is never overwritten"):
        checkpoints.save(ROUTER, folder, MANIFEST)


def test_a_failed_save_leaves_nothing_behind(tmp_path: Path):
    class Broken(RandomRouter):
        def save(self, folder: Path) -> None:
            (folder / "half").write_text("")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        checkpoints.save(Broken(("a", "b")), tmp_path / "checkpoint", MANIFEST)

    assert not list(tmp_path.iterdir())


def test_a_manifest_of_another_router_is_refused(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"describes a 'random' router of a, b, not this .* of a, c"):
        checkpoints.save(RandomRouter(("a", "c")), tmp_path / "checkpoint", MANIFEST)


def test_a_folder_without_a_manifest_is_refused_with_its_path(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"manifest.json: can't be read .* give the folder"):
        checkpoints.load(tmp_path)


def test_an_unknown_format_or_kind_is_refused(folder: Path):
    change(folder, format=99)
    with pytest.raises(CheckpointError, match="format 99, and this torouter reads 1"):
        checkpoints.load(folder)

    change(folder, format=1, kind="oracle")
    with pytest.raises(CheckpointError, match="unknown router 'oracle': choose one of random, mlp, bert"):
        checkpoints.load(folder)


@pytest.mark.parametrize("text", ["{", "{}", "[]"])
def test_a_damaged_manifest_is_refused_with_the_cure(folder: Path, text: str):
    (folder / checkpoints.MANIFEST).write_text(text)

    with pytest.raises(CheckpointError, match=r"manifest.json: .* train again or copy it again"):
        checkpoints.load(folder)


def test_experts_that_the_catalogue_lacks_are_named():
    with pytest.raises(CheckpointError, match=r"the catalogue \(b, c\) lacks a: add them, or train"):
        checkpoints.check_experts(("a", "b"), ("b", "c"))


def test_a_checkpoint_need_not_know_every_expert():
    checkpoints.check_experts(("a", "b"), ("c", "b", "a", "d"))


def test_an_unknown_router_is_refused_with_the_known_ones():
    with pytest.raises(InvalidInputError, match="unknown router 'magic': choose one of random, mlp, bert"):
        train(topic_rows(30), TrainConfig(router="magic"))


@pytest.mark.parametrize("name", ["router.pkl", "model.bin", "head.npy", "hook.py", "adapter_config.json", "README"])
def test_a_file_that_no_checkpoint_has_is_refused_by_name(folder: Path, name: str):
    (folder / name).write_text("{}")

    with pytest.raises(CheckpointError, match=rf"{name}: has no place in a checkpoint"):
        checkpoints.load(folder)


def test_a_checkpoint_leads_nowhere_else(folder: Path, tmp_path: Path):
    (tmp_path / "elsewhere.json").write_text("{}")
    (folder / "link.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(CheckpointError, match=r"link.json: has no place"):
        checkpoints.load(folder)

    (folder / "link.json").unlink()
    (folder / "inside.json").mkdir()
    with pytest.raises(CheckpointError, match=r"inside.json: has no place"):
        checkpoints.load(folder)


def test_names_in_object_storage_lead_out_of_no_folder(tmp_path: Path):
    blobs = Blobs("memory://torouter")
    blobs._filesystem.pipe_file("/torouter/checkpoints/one/../../../evil.json", b"{}")

    with pytest.raises(StoreRefusedError, match=r"would leave the folder of 'checkpoints/one'"):
        blobs.fetch("checkpoints/one", tmp_path / "cache" / "deep" / "one")

    assert not list(tmp_path.rglob("evil.json"))
