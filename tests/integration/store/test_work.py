"""The way of work through the store, on SQLite and PostgreSQL: claims, fences, results, counts."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import NotFoundError
from core.queues import WorkClass
from core.schemas.work import Failure, Origin, ScoreValue
from core.store import Store
from tests.factories import LEASE_S, OWNER, claim, prompt, result, route, routed, submit


def counts(store: Store, batch: str) -> tuple[int, int, int]:
    view = store.batches.get(batch, OWNER)
    assert view.done + view.failed + view.cancelled + view.expired <= view.total
    return view.total, view.done, view.failed


def test_a_prompt_is_submitted_routed_generated_scored_and_read(store: Store):
    submitted = submit(store, prompt("2+2?", reference="4", dataset="math", custom_id="a"))
    (item,) = store.prompts.claim(submitted.ids, "router", LEASE_S)
    (dispatch,) = store.prompts.decide([routed(item, "math", predictions={"math": 0.9}, prediction_kind="qualities")])
    (work,) = claim(store, dispatch.ids)
    (score,) = store.generations.finish([result(work.claim, "4", nll_reference=0.5)])
    assert store.batches.get(submitted.batch_id, OWNER).state == "finalizing"
    (scoring,) = store.scores.claim([score], "scorer", LEASE_S)
    store.scores.finish([ScoreValue(scoring.claim, 0.75)])

    view = store.prompts.get(submitted.prompt_ids[0], OWNER)
    batch = store.batches.get(submitted.batch_id, OWNER)

    assert dispatch.queue == "expert.math.interactive"
    assert (work.expert, work.reference, work.messages[0].content) == ("math", "4", "2+2?")
    assert (scoring.answer, scoring.reference) == ("4", "4")
    assert view.decision is not None
    assert view.decision.predictions == {"math": 0.9}
    assert view.generations[0].answer == "4"
    assert view.generations[0].scores == {"bertsim": 0.75}
    assert (view.state, view.custom_id, view.dataset) == ("done", "a", "math")
    assert (batch.state, batch.done, batch.scores_open, batch.output_tokens) == ("completed", 1, 0, 5)
    assert batch.finished_at is not None
    assert batch.finished_at >= batch.created_at


def test_a_second_delivery_claims_nothing(store: Store):
    ids = route(store, submit(store))

    first, second = claim(store, ids), claim(store, ids)

    assert len(first) == 1
    assert second == []


def test_a_collecting_batch_of_nobody_stays_one(store: Store):
    submitted = submit(store, collect=())

    (item,) = store.prompts.claim(submitted.ids, "router", LEASE_S)

    assert item.collect == ()


def test_of_many_concurrent_claims_one_gets_each_row(store: Store):
    submitted = submit(store, *(prompt(str(n)) for n in range(50)))

    with ThreadPoolExecutor(8) as threads:
        claims = list(threads.map(lambda n: store.prompts.claim(submitted.ids, f"router-{n}", LEASE_S), range(8)))

    assert sorted(item.claim.id for items in claims for item in items) == sorted(submitted.ids)


def test_a_result_with_an_older_fence_does_not_land(store: Store):
    submitted = submit(store)
    ids = route(store, submitted)
    (zombie,) = claim(store, ids, "zombie", lease_s=-1)
    store.recovery.reclaim(max_attempts=3)
    (successor,) = claim(store, ids, "successor")

    store.generations.finish([result(zombie.claim, "late")])
    store.generations.finish([result(successor.claim, "right")])
    store.generations.finish([result(successor.claim, "twice")])

    assert store.prompts.get(submitted.prompt_ids[0], OWNER).generations[0].answer == "right"
    assert counts(store, submitted.batch_id) == (1, 1, 0)


def test_a_collected_prompt_is_done_when_every_expert_has_ended(store: Store):
    submitted = submit(store, collect=("a", "b"))
    one, other = claim(store, route(store, submitted, "a", "b"))

    store.generations.finish([result(one.claim)])
    half_way = store.prompts.ended(submitted.prompt_ids)
    store.generations.fail([Failure(other.claim, "prompt_rejected", "too long")])

    view = store.prompts.get(submitted.prompt_ids[0], OWNER)
    assert half_way == set()
    assert store.prompts.ended(submitted.prompt_ids) == set(submitted.prompt_ids)
    assert (view.state, view.error_code) == ("done", None)
    assert [generation.error_message for generation in view.generations] == [None, "too long"]
    assert counts(store, submitted.batch_id) == (1, 1, 0)


def test_a_prompt_that_no_expert_could_answer_fails_with_the_experts_error(store: Store):
    submitted = submit(store)
    (item,) = claim(store, route(store, submitted))

    store.generations.fail([Failure(item.claim, "context_length_exceeded", "3000 tokens are too many")])

    view = store.prompts.get(submitted.prompt_ids[0], OWNER)
    assert (view.state, view.error_code, view.error_message) == (
        "failed",
        "context_length_exceeded",
        "3000 tokens are too many",
    )
    assert store.batches.get(submitted.batch_id, OWNER).state == "completed"


def test_a_prompt_that_cannot_be_routed_fails_alone(store: Store):
    submitted = submit(store, prompt("a"), prompt("b"))
    one, other = store.prompts.claim(submitted.ids, "router", LEASE_S)

    store.prompts.fail([Failure(one.claim, "no_expert", "nobody can")])
    store.prompts.decide([routed(other)])

    assert counts(store, submitted.batch_id) == (2, 0, 1)
    assert store.prompts.get(submitted.prompt_ids[0], OWNER).error_message == "nobody can"
    assert store.batches.get(submitted.batch_id, OWNER).state == "in_progress"


def test_a_failure_that_may_pass_is_tried_again_a_bounded_number_of_times(store: Store):
    submitted = submit(store)
    ids = route(store, submitted)

    for _ in range(2):
        (item,) = claim(store, ids)
        store.generations.retry([Failure(item.claim, "generation_failed", "bad luck")], max_attempts=2)

    view = store.prompts.get(submitted.prompt_ids[0], OWNER)
    assert claim(store, ids) == []
    assert (view.state, view.generations[0].attempts) == ("failed", 2)
    assert view.error_message == "bad luck (attempt 2 of 2)"


def test_text_that_no_database_can_hold_is_stored_with_replacements(store: Store):
    submitted = submit(store, prompt("a"), prompt("b"))
    done, failed = claim(store, route(store, submitted))

    store.generations.finish([result(done.claim, "nul\x00 lone\ud800 pair\U0001f600")])
    store.generations.fail([Failure(failed.claim, "prompt_rejected", "\udfff\x00")])

    one, other = store.prompts.get_many(submitted.prompt_ids, OWNER)
    assert one.generations[0].answer == "nul\ufffd lone\ufffd pair\U0001f600"
    assert other.error_message == "\ufffd\ufffd"


def test_work_given_back_untried_keeps_its_attempts(store: Store):
    ids = route(store, submit(store))
    (item,) = claim(store, ids)

    store.generations.give_back([item.claim])

    (dispatch,) = store.recovery.unsent()
    assert dispatch.ids == ids
    (again,) = claim(store, ids)
    assert again.claim.fence == item.claim.fence + 1
    assert store.generations.finish([result(again.claim)]) == []


def test_only_the_owner_sees_a_prompt_and_its_batch(store: Store):
    submitted = submit(store)

    with pytest.raises(NotFoundError, match=submitted.batch_id):
        store.batches.get(submitted.batch_id, "somebody")
    with pytest.raises(NotFoundError, match=submitted.prompt_ids[0]):
        store.prompts.get(submitted.prompt_ids[0], "somebody")
    assert list(store.prompts.of_batch(submitted.batch_id, "somebody")) == []


def test_a_batch_is_read_in_pages_in_the_order_of_submission(store: Store):
    submitted = submit(store, *(prompt(str(n)) for n in range(25)))

    pages = list(store.prompts.of_batch(submitted.batch_id, OWNER, page=10))

    assert [len(page) for page in pages] == [10, 10, 5]
    assert [view.id for page in pages for view in page] == submitted.prompt_ids


def test_a_large_submission_keeps_its_order_over_several_inserts(store: Store):
    submitted = submit(store, *(prompt(str(n)) for n in range(2500)), work_class=WorkClass.BULK)

    last = store.prompts.get(submitted.prompt_ids[-1], OWNER)

    assert len(set(submitted.ids)) == 2500
    assert last.messages[0].content == "2499"


def test_experts_of_one_collecting_batch_may_finish_at_the_same_time(store: Store):
    """Every thread ends another expert's share of the same prompts, in another order."""
    names = ("a", "b", "c", "d")
    submitted = submit(store, *(prompt(str(n), reference="r") for n in range(40)), collect=names)
    items = claim(store, route(store, submitted, *names))
    shares = [[item for item in items if item.expert == name] for name in names]

    def finish(share: int) -> None:
        mine = shares[share] if share % 2 else shares[share][::-1]
        for start in range(0, len(mine), 5):
            store.generations.finish([result(item.claim) for item in mine[start : start + 5]])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(finish, range(4)))

    batch = store.batches.get(submitted.batch_id, OWNER)
    assert (batch.done, batch.scores_open, batch.output_tokens) == (40, 160, 800)
    assert batch.state == "finalizing"


def test_whatever_is_claimed_says_where_it_comes_from(store: Store):
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    batch = submit(store, prompt(reference="Paris."), traceparent=traceparent)

    [to_route] = store.prompts.claim(batch.ids, "router", LEASE_S)
    dispatches = store.prompts.decide([routed(to_route)])
    [to_answer] = claim(store, dispatches[0].ids)
    [to_score] = store.scores.claim(store.generations.finish([result(to_answer.claim)]), "scorer", LEASE_S)

    origin = Origin(batch.prompt_ids[0], batch.batch_id, traceparent)
    assert [one.origin for one in (to_route, to_answer, to_score)] == [origin] * 3
    assert to_score.work_class is to_answer.work_class
