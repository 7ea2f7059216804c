"""`torouter outcomes export`: what the store has learned, as a file that routers learn from."""

from pathlib import Path

import pytest

from api.cli import outcomes
from core.errors import InvalidInputError, NotFoundError
from core.schemas.work import NewPrompt, ScoreValue
from core.store import Store
from router.outcomes import read_outcomes
from tests import factories
from tests.factories import LEASE_S, OWNER, prompt


@pytest.fixture
def out(tmp_path: Path, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file to write, where the commands use the store of the test."""
    monkeypatch.setenv("TOROUTER_HOME", str(tmp_path))
    return tmp_path / "outcomes.jsonl"


def answered(store: Store, *prompts: NewPrompt, by: tuple[str, ...] = ("a",), **result: object) -> str:
    """A batch whose prompts these experts have answered, scored where there is a reference."""
    submitted = factories.submit(store, *prompts)
    claimed = factories.claim(store, factories.route(store, submitted, *by))
    scores = store.generations.finish([factories.result(one.claim, **result) for one in claimed])
    items = store.scores.claim(scores, "scorer", LEASE_S)
    store.scores.finish([ScoreValue(item.claim, 0.5) for item in items])
    return submitted.batch_id


def texts(out: Path) -> list[str]:
    return [row.prompt for row in read_outcomes([out])]


def test_all_that_was_answered_is_read_page_by_page_in_the_order_of_submission(store: Store):
    answered(store, *(prompt(f"question {i}") for i in range(5)), by=("a", "b"))
    factories.submit(store, prompt("nobody has answered"))
    answered(store, prompt("routed"))
    answered(store, *(prompt(f"another {i}") for i in range(2)))

    pages = list(store.prompts.every(OWNER, page=3))
    rows = list(store.outcomes.every(OWNER))

    assert [len(page) for page in pages] == [3, 3, 2]
    assert [row.prompt for row in rows] == [*(f"question {i}" for i in range(5)), "routed", "another 0", "another 1"]
    assert [set(row.outcomes) for row in rows[4:6]] == [{"a", "b"}, {"a"}]
    assert list(store.outcomes.every("somebody else")) == []


@pytest.mark.parametrize(("reason", "truncated"), [("length", 1.0), ("stop", 0.0), ("content_filter", None)])
def test_an_answer_that_was_cut_off_says_so(store: Store, reason: str, truncated: float | None):
    answered(store, prompt("one"), finish_reason=reason)

    (row,) = store.outcomes.every(OWNER)

    assert row.outcomes["a"].value("truncated") == truncated


def test_rows_of_one_text_are_joined_and_an_experts_first_outcome_counts(sqlite_store: Store, out: Path):
    answered(sqlite_store, prompt("What is  it?"), inference_s=1.0)
    answered(sqlite_store, prompt("what is it?"), by=("a", "b"), inference_s=2.0)

    outcomes.export(out)

    (row,) = read_outcomes([out])
    assert {name: one.latency_s for name, one in row.outcomes.items()} == {"a": 1.0, "b": 2.0}


def test_training_and_held_out_files_share_no_prompt_and_lose_none(sqlite_store: Store, out: Path):
    answered(sqlite_store, *(prompt(f"question {i}") for i in range(60)))

    outcomes.export(out, held_out="only", share=0.3)
    held_out = set(texts(out))
    outcomes.export(out, held_out="without", share=0.3)
    training = set(texts(out))

    assert held_out
    assert held_out.isdisjoint(training)
    assert held_out | training == {f"question {i}" for i in range(60)}


def test_only_what_was_asked_for_is_exported(sqlite_store: Store, out: Path):
    first = answered(sqlite_store, prompt("one", dataset="x", reference="1"), prompt("two", dataset="y"))
    second = answered(sqlite_store, prompt("three", dataset="y"))

    asked = [{"batch": [second]}, {"batch": [first, second]}, {"dataset": ["y"]}, {"quality": "bertsim"}]
    found = []
    for options in asked:
        outcomes.export(out, **options)
        found.append(texts(out))

    assert found == [["three"], ["one", "two", "three"], ["two", "three"], ["one"]]


def test_nothing_to_export_is_refused_and_leaves_the_old_file(sqlite_store: Store, out: Path):
    out.write_text("old")
    with pytest.raises(InvalidInputError, match="no outcomes there: `torouter collect` makes them"):
        outcomes.export(out)
    answered(sqlite_store, prompt("one", dataset="x"))

    with pytest.raises(InvalidInputError, match=r"none of data set y with quality score, .*outcomes are x"):
        outcomes.export(out, dataset=["y"], quality="score")
    with pytest.raises(NotFoundError, match="no batch 'batch_0'"):
        outcomes.export(out, batch=["batch_0"])

    assert out.read_text() == "old"


def test_a_first_outcome_without_the_quality_does_not_hide_one_that_has_it(sqlite_store: Store, out: Path):
    for reference, seconds in ((None, 1.0), ("it", 2.0)):
        answered(sqlite_store, prompt("one", reference=reference), inference_s=seconds)

    outcomes.export(out, quality="bertsim")

    (row,) = read_outcomes([out])
    assert (row.outcomes["a"].bertsim, row.outcomes["a"].latency_s) == (0.5, 2.0)


def test_an_interruption_leaves_the_old_file_and_no_part(
    sqlite_store: Store, out: Path, monkeypatch: pytest.MonkeyPatch
):
    out.write_text("old")
    answered(sqlite_store, prompt("one"))

    def interrupted(path: Path, _rows: object) -> int:
        path.write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr("router.outcomes.write_outcomes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        outcomes.export(out)

    assert out.read_text() == "old"
    assert list(out.parent.glob("*.part")) == []
