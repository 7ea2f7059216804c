"""Batches with references, measured after they have ended: routed ones, and those that every expert answered."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api import batch_rows
from api.evaluating import UNCOMPARED, evaluate
from core.errors import InvalidInputError
from core.schemas.files import BatchJob
from core.schemas.work import Failure, ScoreValue
from core.settings import Settings
from core.store import Store
from router import checkpoints
from router.baselines import RandomRouter
from router.config import TrainConfig
from router.manifest import Manifest
from router.policies import choose
from router.training import train
from tests import factories
from tests.factories import LEASE_S
from tests.router_factories import EXPERTS, topic_rows

#: By text and expert: an answer's quality; None where the expert failed.
Qualities = Mapping[str, Mapping[str, float | None]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def ran(store: Store, qualities: Qualities, collect: tuple[str, ...] | None = None, **changes: Any) -> BatchJob:
    """A batch that has ended; of each prompt the experts that it was sent to, and what came of it."""
    prompts = [factories.prompt(text, reference="a good answer", **changes) for text in qualities]
    batch = factories.submit(store, *prompts, collect=collect)
    items = store.prompts.claim(batch.ids, "router", LEASE_S)
    policy = {"policy": "pinned"} if "expert" in changes else {}
    decided = [factories.routed(item, *qualities[item.messages[0].content], **policy) for item in items]
    ids = [id_ for dispatch in store.prompts.decide(decided) for id_ in dispatch.ids]
    claimed = [(one, qualities[one.messages[0].content][one.expert]) for one in factories.claim(store, ids)]
    store.generations.fail([Failure(one.claim, "generation_failed", "no") for one, value in claimed if value is None])
    answers = [factories.result(one.claim, str(value)) for one, value in claimed if value is not None]
    scoring = store.scores.claim(store.generations.finish(answers), "scorer", LEASE_S)
    store.scores.finish([ScoreValue(one.claim, float(one.answer)) for one in scoring])
    return factories.batch_job(batch.batch_id, collect=collect, referenced=len(qualities))


def promote(store: Store, folder: Path, router: RandomRouter) -> str:
    checkpoints.save(router, folder, manifest := Manifest(kind=router.kind, experts=router.experts))
    return store.checkpoints.promote(
        store.checkpoints.add(folder, manifest.model_dump(mode="json")).public_id
    ).public_id


def test_a_routed_batch_is_measured_as_it_ran(sqlite_store: Store, settings: Settings):
    batch = ran(sqlite_store, {"one": {"a": 0.8}, "two": {"a": 0.6}, "three": {"b": 0.1}})

    report = evaluate(sqlite_store, settings, batch)

    routed = report.routers["routed"]
    assert report.default == "routed"
    assert (routed.n, routed.micro.quality) == (3, pytest.approx(0.5))
    assert routed.queries == {"a": 2, "b": 1}
    assert (report.experts["a"].n, report.experts["a"].quality) == (2, pytest.approx(0.7))
    assert (report.experts["b"].n, report.experts["b"].quality) == (1, pytest.approx(0.1))
    assert report.experts["a"].cost_usd == pytest.approx(0.00002)
    assert report.experts["a"].throughput_tok_s == pytest.approx(10)


def test_what_a_routed_batch_does_not_know_is_not_made_up(sqlite_store: Store, settings: Settings):
    batch = ran(sqlite_store, {"one": {"a": 0.8}, "two": {"b": 0.6}})

    report = evaluate(sqlite_store, settings, batch)

    assert (report.baselines, report.differences, report.curves) == ({}, {"routed": {}}, {})
    assert report.two_experts is None
    assert report.routers["routed"].shares_to_oracle is None
    assert report.notes == [UNCOMPARED]


def test_prompts_that_name_their_expert_are_counted(sqlite_store: Store, settings: Settings):
    batch = ran(sqlite_store, {"one": {"a": 0.8}, "two": {"a": 0.6}}, expert="a")

    report = evaluate(sqlite_store, settings, batch)

    assert report.routers["routed"].note == "as measured in this batch; 2 of 2 prompts named their expert"


def test_in_a_collecting_batch_the_baselines_are_measured(sqlite_store: Store, settings: Settings):
    batch = ran(sqlite_store, {"one": {"a": 0.8, "b": 0.4}, "two": {"a": 0.6, "b": 0.9}}, ("a", "b"))

    report = evaluate(sqlite_store, settings, batch)

    assert {"zero", "random", "best_single", "optimal", "quality_oracle"} == report.baselines.keys()
    assert report.baselines["zero"].micro.quality == pytest.approx(0.675)
    assert report.baselines["best_single"].note == "always a"
    assert report.baselines["optimal"].micro.quality == pytest.approx(0.85)
    assert (report.routers, report.default, report.notes) == ({}, None, [])
    assert report.batch is not None
    assert (report.batch.id, report.batch.references, report.batch.answered) == (batch.public_id, 2, 2)


def test_the_promoted_router_stands_beside_the_baselines(sqlite_store: Store, settings: Settings, tmp_path: Path):
    texts = [f"prompt {i}" for i in range(12)]
    batch = ran(sqlite_store, {text: {"a": 0.8, "b": 0.4} for text in texts}, ("a", "b"))
    name = promote(sqlite_store, tmp_path / "trained", router := RandomRouter(("a", "b", "unasked")))

    report = evaluate(sqlite_store, settings, batch)

    chosen = choose(router.predict(texts), allowed=np.array([[True, True, False]] * 12)).tolist()
    sent_to_a = chosen.count(0)
    assert report.default == "random"
    assert report.routers["random"].queries == {"a": sent_to_a, "b": 12 - sent_to_a}
    assert report.routers["random"].note == f"what {name}, promoted now, chooses by the policy best"
    assert report.differences["random"].keys() >= {"best_single", "zero", "random"}


def test_a_router_is_not_measured_on_what_it_learned_from(sqlite_store: Store, settings: Settings, tmp_path: Path):
    rows = topic_rows(60)
    trained = train(rows, TrainConfig(router="random"))
    checkpoints.save(trained.router, tmp_path / "trained", trained.manifest, trained.lessons)
    added = sqlite_store.checkpoints.add(tmp_path / "trained", trained.manifest.model_dump(mode="json"))
    sqlite_store.checkpoints.promote(added.public_id)
    known, fresh = rows[0].prompt, ["quite other", "words than those"]
    all_experts = dict.fromkeys(EXPERTS, 0.5)

    some = evaluate(sqlite_store, settings, ran(sqlite_store, dict.fromkeys([known, *fresh], all_experts), EXPERTS))
    none = evaluate(sqlite_store, settings, ran(sqlite_store, {known: all_experts}, EXPERTS))

    assert some.data.n == 3
    assert some.routers["random"].n == 2
    assert "not measured on the 1 prompts that it has learned from" in (some.routers["random"].note or "")
    assert "random" not in some.curves
    assert none.routers == {}
    assert "it has learned from all of these prompts" in none.notes[0]


@pytest.mark.parametrize(
    ("policy", "said"), [("cost:20", "the policy 'cost' needs costs"), ("guard:1", "needs validation prompts")]
)
def test_a_router_that_was_not_taught_what_the_policy_needs_is_left_out(
    sqlite_store: Store, tmp_path: Path, policy: str, said: str
):
    batch = ran(sqlite_store, {"one": {"a": 0.8, "b": 0.4}}, ("a", "b"))
    promote(sqlite_store, tmp_path / "trained", RandomRouter(("a", "b")))

    report = evaluate(sqlite_store, Settings(home=tmp_path, policy=policy), batch)

    assert report.routers == {}
    assert said in report.notes[0]
    assert "zero" in report.baselines


def test_a_router_that_cannot_be_loaded_costs_no_report(
    sqlite_store: Store, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    batch = ran(sqlite_store, {"one": {"a": 0.8, "b": 0.4}}, ("a", "b"))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{}")
    name = sqlite_store.checkpoints.add(tmp_path / "broken", {"kind": "knn", "experts": ["a", "b"]}).public_id
    sqlite_store.checkpoints.promote(name)

    with caplog.at_level(logging.WARNING):
        report = evaluate(sqlite_store, settings, batch)

    [note] = report.notes
    assert note.startswith(f"The router {name} is not measured: it can't be loaded")
    assert "damaged, or of another version" in caplog.text
    assert str(tmp_path) not in report.to_json()


def test_failures_are_counted_and_never_a_zero(sqlite_store: Store, settings: Settings):
    qualities = {"one": {"a": 0.8, "b": 0.4}, "two": {"a": 0.6, "b": None}, "three": {"a": None, "b": None}}
    batch = ran(sqlite_store, qualities, ("a", "b"))

    report = evaluate(sqlite_store, settings, batch)

    assert report.batch is not None
    assert (report.batch.references, report.batch.answered, report.batch.unanswered) == (3, 2, {"a": 1, "b": 2})
    assert (report.experts["a"].n, report.experts["b"].n) == (2, 1)
    assert report.baselines["zero"].micro.quality == pytest.approx(0.6)
    assert report.notes == [
        "1 of 3 lines with a reference have no answer, and are not measured.",
        "On 1 prompts an expert did not answer: baselines are there of those that did.",
    ]


def test_an_expert_that_answered_nothing_is_named(sqlite_store: Store, settings: Settings):
    batch = ran(sqlite_store, {"one": {"a": 0.8, "b": None}}, ("a", "b"))

    report = evaluate(sqlite_store, settings, batch)

    assert report.notes == ["b is not measured: it answered none of its 1 prompts."]
    assert report.routers["collected"].micro.quality == pytest.approx(0.8)


@pytest.mark.parametrize("reason", ["length", "stop"])
def test_answers_that_were_cut_off_are_a_measure(sqlite_store: Store, settings: Settings, reason: str):
    submitted = factories.submit(sqlite_store, factories.prompt(reference="good"))
    [item] = factories.claim(sqlite_store, factories.route(sqlite_store, submitted))
    scores = sqlite_store.generations.finish([factories.result(item.claim, finish_reason=reason)])
    sqlite_store.scores.finish([ScoreValue(one.claim, 0.5) for one in sqlite_store.scores.claim(scores, "s", LEASE_S)])

    report = evaluate(sqlite_store, settings, factories.batch_job(submitted.batch_id, referenced=1))

    assert report.experts["general"].truncated == (reason == "length")


def test_lines_without_a_reference_are_no_part_of_it(sqlite_store: Store, settings: Settings):
    submitted = factories.submit(sqlite_store, factories.prompt("one", reference="good"), factories.prompt("two"))
    items = factories.claim(sqlite_store, factories.route(sqlite_store, submitted))
    scores = sqlite_store.generations.finish([factories.result(one.claim) for one in items])
    sqlite_store.scores.finish([ScoreValue(one.claim, 0.5) for one in sqlite_store.scores.claim(scores, "s", LEASE_S)])

    report = evaluate(sqlite_store, settings, factories.batch_job(submitted.batch_id, referenced=1))

    assert report.data.n == report.routers["routed"].n == 1


def test_of_many_prompts_a_sample_is_measured_that_is_the_same_again(sqlite_store: Store, settings: Settings):
    batch = ran(sqlite_store, {f"prompt {i}": {"a": 0.8} for i in range(30)})

    report = evaluate(sqlite_store, settings, batch, most=10)

    assert report.data.n == 10
    assert report.batch is not None
    assert report.batch.answered == 30
    assert "Measured on 10 of 30 answered prompts, drawn by a hash of their ids." in report.notes
    assert evaluate(sqlite_store, settings, batch, most=10) == report
    drawn = {row.prompt for row in batch_rows.read(sqlite_store, batch, 10).rows}
    assert drawn not in ({f"prompt {i}" for i in range(10)}, {f"prompt {i}" for i in range(20, 30)})


def test_data_sets_beyond_a_number_count_as_one(
    sqlite_store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(batch_rows, "MOST_DATASETS", 2)
    prompts = [factories.prompt(f"{name} {i}", reference="r", dataset=name) for i, name in enumerate("xxxyz")]
    submitted = factories.submit(sqlite_store, *prompts)
    items = factories.claim(sqlite_store, factories.route(sqlite_store, submitted))
    scores = sqlite_store.generations.finish([factories.result(one.claim) for one in items])
    sqlite_store.scores.finish([ScoreValue(one.claim, 0.5) for one in sqlite_store.scores.claim(scores, "s", LEASE_S)])

    report = evaluate(sqlite_store, settings, factories.batch_job(submitted.batch_id, referenced=5))

    assert report.data.datasets == {"(other data sets)": 2, "x": 3}
    assert "All but the 1 largest data sets count as one." in report.notes


@pytest.mark.parametrize("collect", [None, ("a", "b")])
def test_a_batch_of_which_nothing_was_answered_has_no_report(
    sqlite_store: Store, settings: Settings, collect: tuple[str, ...] | None
):
    batch = ran(sqlite_store, {"one": {"a": None}}, collect)

    with pytest.raises(InvalidInputError, match="none of its 1 lines with a reference was answered"):
        evaluate(sqlite_store, settings, batch)
