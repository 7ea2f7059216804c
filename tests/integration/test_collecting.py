"""The same request to collect, made again: what it goes on with, and what it asks for again."""

from pathlib import Path

import pytest

from api import collecting
from api.collecting import Request
from core.schemas.experts import ExpertSpec
from core.schemas.work import Failure, NewPrompt, ScoreValue, Submitted
from core.settings import Settings
from core.store import Store
from tests import factories
from tests.factories import LEASE_S, OWNER, expert, prompt
from workers import app as celery_app
from workers.sending import Sender

PROMPTS = (prompt("one", reference="1"), prompt("two"), prompt("two"))


class Deaf(Sender):
    """Killed between commit and send."""

    def submitted(self, submitted: Submitted) -> None:
        raise KeyboardInterrupt


@pytest.fixture
def sender(store: Store, tmp_path: Path) -> Sender:
    settings = Settings(home=tmp_path)  # nothing listens at its broker: recovery would send what stays unsent
    return Sender(celery_app.create(settings), store.recovery, settings)


def request_of(*experts: ExpertSpec, prompts: tuple[NewPrompt, ...] = PROMPTS) -> Request:
    return Request(prompts, experts or (expert("a"), expert("b")))


def answer(store: Store, *failing: tuple[str, str], few: int | None = None) -> None:
    """Route what waits and answer (a few of) it, with scores; pairs of an expert and a text fail."""
    waiting = [id_ for dispatch in store.recovery.unsent() for id_ in dispatch.ids]
    claimed = store.prompts.claim(waiting, "router", LEASE_S)
    decided = store.prompts.decide([factories.routed(item, *(item.collect or ())) for item in claimed])
    ids = sorted(id_ for dispatch in decided for id_ in dispatch.ids)[:few]
    for item in store.generations.claim(ids, "worker", LEASE_S):
        if (item.expert, item.messages[0].content) in failing:
            store.generations.fail([Failure(item.claim, "generation_failed", "as the test asks")])
        else:
            scores = store.generations.finish([factories.result(item.claim)])
            store.scores.finish([ScoreValue(one.claim, 0.5) for one in store.scores.claim(scores, "s", LEASE_S)])


def asked(store: Store, batch: str) -> tuple[set[str], list[str]]:
    """The experts and the texts of a batch."""
    views = [view for page in store.prompts.of_batch(batch, OWNER) for view in page]
    return set(store.batches.get(batch, OWNER).collect or ()), [view.messages[0].content for view in views]


def test_the_same_request_goes_on_with_its_batch(store: Store, sender: Sender):
    first = collecting.begin(store, sender, request_of())

    again = collecting.begin(store, sender, request_of())

    assert again.batches == first.batches
    assert "goes on" in str(again)
    assert asked(store, first.batches[0]) == ({"a", "b"}, ["one", "two", "two"])


@pytest.mark.parametrize(
    "other",
    [
        request_of(expert("a"), expert("b", model="another")),
        request_of(expert("a")),
        request_of(prompts=PROMPTS[:2]),
        request_of(prompts=(prompt("one", reference="uno"), *PROMPTS[1:])),
    ],
    ids=["another model", "fewer experts", "fewer prompts", "another reference"],
)
def test_another_request_is_submitted_by_itself(store: Store, sender: Sender, other: Request):
    first = collecting.begin(store, sender, request_of())

    assert collecting.begin(store, sender, other).batches != first.batches
    assert collecting.begin(store, sender, request_of()).batches == first.batches


def test_being_killed_before_anything_is_sent_leaves_one_batch_to_go_on_with(
    store: Store, sender: Sender, tmp_path: Path
):
    settings = Settings(home=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        collecting.begin(store, Deaf(celery_app.create(settings), store.recovery, settings), request_of())

    again = collecting.begin(store, sender, request_of())

    assert len(again.earlier) == 1
    assert again.submitted == ()


def test_anew_asks_everything_again_and_is_what_later_runs_go_on_with(store: Store, sender: Sender):
    first = collecting.begin(store, sender, request_of())

    anew = collecting.begin(store, sender, request_of(), anew=True)

    assert set(anew.batches).isdisjoint(first.batches)
    assert collecting.begin(store, sender, request_of()).batches == anew.batches


def test_only_the_answers_that_failed_are_asked_for_again_and_join_the_others(store: Store, sender: Sender):
    first = collecting.begin(store, sender, request_of())
    answer(store, ("b", "one"))
    assert collecting.unanswered(store, request_of(), first) == {"b": 1}

    second = collecting.begin(store, sender, request_of())
    answer(store)

    assert second.batches[0] == first.batches[0]
    assert asked(store, second.submitted[0]) == ({"b"}, ["one"])
    rows = collecting.outcomes(store, second.batches)
    assert [(row.prompt, set(row.outcomes)) for row in rows] == [(text, {"a", "b"}) for text in ("one", "two", "two")]
    assert collecting.unanswered(store, request_of(), second) == {}
    assert collecting.begin(store, sender, request_of()).batches == second.batches


def test_nothing_is_asked_again_before_everything_has_ended(store: Store, sender: Sender):
    collecting.begin(store, sender, request_of())
    answer(store, ("a", "two"), few=3)

    again = collecting.begin(store, sender, request_of())

    assert again.submitted == ()
    assert "goes on" in str(again)


def test_what_is_asked_again_is_not_asked_a_third_time_while_it_is_under_way(store: Store, sender: Sender):
    collecting.begin(store, sender, request_of())
    answer(store, ("a", "two"), ("b", "two"))

    second = collecting.begin(store, sender, request_of())
    third = collecting.begin(store, sender, request_of())

    assert asked(store, second.submitted[0]) == ({"a", "b"}, ["two", "two"])
    assert third.batches == second.batches
    assert third.submitted == ()
