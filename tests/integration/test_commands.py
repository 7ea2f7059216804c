"""What the commands refuse before they begin, and say where the work is done and can't be kept."""

import importlib.metadata
import inspect
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api import output_files
from api.cli import learning, outcomes, routers
from api.cli.main import app
from core.errors import CheckpointError, InvalidInputError
from core.store import Store
from router import checkpoints, registry
from router.baselines import RandomRouter
from router.checkpoints import read_manifest
from router.config import TrainConfig
from router.datasets import HELD_OUT_SHARE, is_held_out, training_set
from router.manifest import Manifest
from router.outcomes import read_outcomes, write_outcomes
from tests import factories
from tests.router_factories import EXPERTS, row, topic_rows


@pytest.fixture
def store(sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store that the commands use too."""
    monkeypatch.setenv("TOROUTER_HOME", str(tmp_path))
    monkeypatch.setenv("TOROUTER_BROKER_URL", "redis://127.0.0.1:1/0")
    sqlite_store.experts.sync([factories.expert()])
    return sqlite_store


@pytest.mark.parametrize("out", ["no folder/outcomes.jsonl", "."])
def test_outcomes_that_could_not_be_written_are_not_collected(store: Store, tmp_path: Path, out: str) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"prompt": "a"}')

    with pytest.raises(InvalidInputError, match=r"--out .*: can't be written"):
        outcomes.collect(file, out=tmp_path / out)

    assert store.recovery.unsent() == []


def test_collecting_needs_a_file_or_a_batch(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="give a FILE of prompts, or --batch"):
        outcomes.collect(out=tmp_path / "outcomes.jsonl")


def test_a_full_disk_leaves_the_batch_to_come_back_to(store: Store) -> None:
    submitted = factories.submit(store)
    claimed = factories.claim(store, factories.route(store, submitted))
    store.generations.finish([factories.result(one.claim) for one in claimed])

    with pytest.raises(InvalidInputError, match=rf"No space left.*then --batch {submitted.batch_id}"):
        outcomes.collect(out=Path("/dev/full"), batch=submitted.batch_id)


def test_a_folder_that_exists_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="exists, and a checkpoint is never overwritten"):
        learning.train([tmp_path / "no such file"], tmp_path)


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Outcomes to train on and to test on, and an empty cache for what is trained."""
    monkeypatch.setenv("TOROUTER_HOME", str(tmp_path / "home"))
    train, test = tmp_path / "train.jsonl", tmp_path / "test.jsonl"
    write_outcomes(train, topic_rows(60))
    write_outcomes(test, topic_rows(30, seed=1))
    return train, test


def test_a_full_disk_is_told_with_the_file_and_the_cure() -> None:
    with pytest.raises(InvalidInputError, match=r"/dev/full: No space left.*then the same command again"):
        output_files.write(Path("/dev/full"), "a report")


def test_evaluating_writes_a_report_of_routers_baselines_and_controls(tmp_path: Path, parts: tuple[Path, Path]) -> None:
    train, test = parts

    learning.evaluate([train], [test], tmp_path / "out", routers=["mlp"])

    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["default"] == "mlp"
    assert report["routers"]["mlp"]["n"] == 30
    assert report["controls"].keys() == {"shuffled_shares", "shuffled_labels", "unreadable"}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "mlp reaches a bertsim of" in page


def test_ablating_tries_the_temperatures_asked_for_and_writes_a_page(tmp_path: Path, parts: tuple[Path, Path]) -> None:
    train, test = parts

    learning.ablate([train], [test], tmp_path / "out", routers=["mlp"], studies=["labels"], temperatures=[2.0, 20.0])

    cells = json.loads((tmp_path / "out" / "ablation.json").read_text())["cells"]
    tried = [(cell["setting"], cell.get("value")) for cell in cells]
    assert tried == [("multiply", 2), ("multiply", 20), ("divide", 2), ("divide", 20), ("hard", None)]
    assert "Quality against the temperature" in (tmp_path / "out" / "ablation.html").read_text()


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_that_is_none_is_refused(tmp_path: Path, temperature: float) -> None:
    with pytest.raises(InvalidInputError, match="above 0"):
        learning.ablate([], [], tmp_path, temperatures=[temperature])


def test_the_default_router_is_the_one_that_commands_train() -> None:
    assert inspect.signature(learning.train).parameters["router"].default == registry.DEFAULT


def test_the_command_trains_on_what_is_not_held_out_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOROUTER_HOME", str(tmp_path / "home"))
    outcomes = tmp_path / "outcomes.jsonl"
    write_outcomes(outcomes, topic_rows(60))

    learning.train([outcomes], tmp_path / "some", router="random")
    learning.train([outcomes], tmp_path / "all", router="random", everything=True)

    held_out = [read_manifest(tmp_path / name).data.held_out for name in ("some", "all")]
    assert 0 < held_out[0] < 30
    assert held_out[1] == 0


def random_router(folder: Path, *experts: str) -> str:
    router = RandomRouter(experts)
    checkpoints.save(router, folder, Manifest(kind=router.kind, experts=experts))
    return str(folder)


def test_promoting_refuses_what_is_not_better_with_the_cure(store: Store, tmp_path: Path) -> None:
    routers.promote(random_router(tmp_path / "first", "general"))

    with pytest.raises(CheckpointError, match=r"second is not promoted: not known to be better.*or --force it"):
        routers.promote(random_router(tmp_path / "second", "general"))


def test_an_override_is_recorded_and_an_older_checkpoint_comes_back_by_its_id(store: Store, tmp_path: Path) -> None:
    routers.promote(random_router(tmp_path / "first", "general"))
    first = store.checkpoints.promoted()
    routers.promote(random_router(tmp_path / "second", "general"), force=True)

    routers.promote(first.public_id, force=True)

    promoted = store.checkpoints.promoted()
    assert promoted.public_id == first.public_id
    assert (promoted.verdict["forced"], promoted.verdict["by"]) == (True, "torouter promote")


def test_outcomes_files_can_show_that_a_checkpoint_is_better(store: Store, tmp_path: Path) -> None:
    store.experts.sync([factories.expert(name) for name in EXPERTS])
    outcomes = tmp_path / "outcomes.jsonl"
    write_outcomes(outcomes, (row(f"prompt {i}", math=0.9, code=0.2, biomed=0.1) for i in range(400)))
    routers.promote(random_router(tmp_path / "first", "code"))

    routers.promote(random_router(tmp_path / "second", "math"), outcomes=[outcomes])

    assert store.checkpoints.promoted().experts == ("math",)
    assert store.checkpoints.promoted().verdict["difference"] == pytest.approx(0.7)


def test_retraining_without_outcomes_says_how_to_get_them(store: Store) -> None:
    with pytest.raises(InvalidInputError, match="`torouter collect` them, with references"):
        routers.retrain(router="random")


def test_an_unknown_way_to_scale_labels_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"--reading 'square': .*'multiply', 'divide' or 'hard'"):
        learning._config("bertsim", None, 10.0, "square", 0)


def test_outcomes_are_split_by_text_and_the_smaller_part_is_what_training_holds_out(tmp_path: Path) -> None:
    rows = topic_rows(60)
    write_outcomes(tmp_path / "one.jsonl", rows[:20])
    write_outcomes(tmp_path / "two.jsonl", rows[20:])

    outcomes.split([tmp_path / "one.jsonl", tmp_path / "two.jsonl"], out=tmp_path / "split")

    train, test = (read_outcomes([tmp_path / "split" / f"{name}.jsonl"]) for name in ("train", "test"))
    assert sorted(row.id for row in train + test) == sorted(row.id for row in rows)
    assert [row.id for row in test] == [row.id for row in rows if is_held_out(row.prompt, HELD_OUT_SHARE)]
    assert training_set(rows, TrainConfig(hold_out=True)).held_out == len(test)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_split_that_leaves_nothing_on_one_side_writes_nothing(tmp_path: Path, share: float) -> None:
    write_outcomes(tmp_path / "all.jsonl", topic_rows(10))

    with pytest.raises(InvalidInputError, match=f"--share {share:g} of 10 rows leaves none"):
        outcomes.split([tmp_path / "all.jsonl"], out=tmp_path / "split", share=share)

    assert not (tmp_path / "split").exists()


def test_a_split_replaces_no_file_not_even_its_own_input(tmp_path: Path) -> None:
    train = tmp_path / "train.jsonl"
    write_outcomes(train, topic_rows(60))
    before = train.read_bytes()

    with pytest.raises(InvalidInputError, match="is there already"):
        outcomes.split([train], out=tmp_path)

    assert train.read_bytes() == before
    assert not (tmp_path / "test.jsonl").exists()


def test_a_folder_that_is_a_file_is_refused_before_the_work(tmp_path: Path) -> None:
    rows, taken = tmp_path / "rows.jsonl", tmp_path / "taken"
    write_outcomes(rows, topic_rows(60))
    taken.touch()

    with pytest.raises(InvalidInputError, match="File exists: name a folder"):
        outcomes.split([rows], out=taken)
    with pytest.raises(InvalidInputError, match="File exists: name a folder"):
        learning.evaluate([rows], [rows], taken)


def test_temperatures_need_the_study_of_labels(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="add --studies labels"):
        learning.ablate([], [], tmp_path, studies=["size"], temperatures=[1.0])


def test_the_command_says_its_version() -> None:
    found = CliRunner().invoke(app, ["--version"])

    assert (found.exit_code, found.stdout.strip()) == (0, importlib.metadata.version("torouter"))
