"""What the commands refuse before they begin, and say where the work is done and can't be kept."""

import json
from pathlib import Path

import pytest

from api.cli import clients, learning, outcomes
from core.errors import CheckpointError, InvalidInputError
from core.store import Store
from router.outcomes import write_outcomes
from tests import factories
from tests.router_factories import topic_rows

NOBODY = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("variable", "limit", "says"),
    [
        ("TOROUTER_MAX_PROMPTS", "2", "3 lines are 3 prompts, and one request takes 2: split the file"),
        ("TOROUTER_MAX_BODY_BYTES", "1024", r"3 lines are 1,\d\d\d bytes, and one request takes 1,024: split the file"),
    ],
)
def test_a_file_that_no_request_can_take_is_refused_with_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, limit: str, says: str
) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text(f'{{"prompt": "{"a" * 400}"}}\n' * 3)
    monkeypatch.setenv(variable, limit)

    with pytest.raises(InvalidInputError, match=rf"{says} .*{variable}"):
        clients.submit(file, url=NOBODY)


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


def test_evaluating_writes_a_report_of_routers_baselines_and_controls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOROUTER_HOME", str(tmp_path / "home"))
    train, test = tmp_path / "train.jsonl", tmp_path / "test.jsonl"
    write_outcomes(train, topic_rows(60))
    write_outcomes(test, topic_rows(30, seed=1))

    learning.evaluate([train], [test], tmp_path / "out", routers=["mlp"])

    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["default"] == "mlp"
    assert report["routers"]["mlp"]["n"] == 30
    assert report["controls"].keys() == {"shuffled_shares", "shuffled_labels", "unreadable"}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "mlp reaches a bertsim of" in page


def test_an_unknown_way_to_scale_labels_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"--reading 'square': .*'multiply', 'divide' or 'hard'"):
        learning._config("bertsim", None, 10.0, "square", 0)
