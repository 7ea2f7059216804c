"""Recovery on SQLite and PostgreSQL: what was committed and not sent, or leased and abandoned, comes back."""

from concurrent.futures import ThreadPoolExecutor

from core.queues import GENERATE, WorkClass
from core.schemas.work import Dispatch, Failure, ScoreValue, Suspect
from core.store import Store
from tests.factories import LEASE_S, OWNER, claim, expert, prompt, result, route, routed, submit


def test_a_row_that_was_sent_is_not_sent_again(store: Store):
    route(store, submit(store))

    assert store.recovery.unsent() == []


def test_what_the_broker_refused_is_sent_by_recovery_once(store: Store):
    submitted = submit(store, prompt("a"), prompt("b"), work_class=WorkClass.BULK)

    store.recovery.unsend("torouter.route", submitted.ids)

    assert store.recovery.unsent() == [Dispatch("route.bulk", "torouter.route", submitted.ids)]
    assert store.recovery.unsent() == []


def test_a_dispatch_with_more_ids_than_a_statement_takes_is_unsent(store: Store):
    submitted = submit(store)
    beyond = range(submitted.ids[0] + 1, submitted.ids[0] + 300_000)

    store.recovery.unsend("torouter.route", [*beyond, *submitted.ids])

    assert store.recovery.unsent() == [Dispatch("route.interactive", "torouter.route", submitted.ids)]


def test_several_recoveries_do_not_take_the_same_row(store: Store):
    submitted = submit(store, *(prompt(str(n)) for n in range(100)))
    store.recovery.unsend("torouter.route", submitted.ids)

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: store.recovery.unsent(), range(4)))

    assert sorted(id_ for some in found for dispatch in some for id_ in dispatch.ids) == sorted(submitted.ids)


def test_an_expired_lease_comes_back_at_every_step(store: Store):
    submitted = submit(store, prompt(reference="r"))
    store.prompts.claim(submitted.ids, "router", -1)
    assert store.recovery.reclaim(max_attempts=3).pending == 1
    ids = route(store, submitted)
    claim(store, ids, lease_s=-1)
    assert store.recovery.reclaim(max_attempts=3).pending == 1
    (item,) = claim(store, ids)
    scores = store.generations.finish([result(item.claim)])
    store.scores.claim(scores, "scorer", -1)
    assert store.recovery.reclaim(max_attempts=3).pending == 1

    (again,) = store.scores.claim(scores, "scorer", LEASE_S)
    store.scores.finish([ScoreValue(again.claim, 0.5)])

    assert store.batches.get(submitted.batch_id, OWNER).state == "completed"


def test_a_renewed_lease_stays(store: Store):
    ids = route(store, submit(store))
    claim(store, ids, "alive", lease_s=-1)

    renewed = store.generations.renew(ids, "alive", LEASE_S)

    assert renewed == set(ids)
    assert store.recovery.reclaim(max_attempts=3).pending == 0


def test_a_row_whose_workers_keep_dying_fails_in_the_end(store: Store):
    submitted = submit(store, work_class=WorkClass.BULK)
    ids = route(store, submitted)
    deaths = []
    for _ in range(3):
        claim(store, ids, lease_s=-1)
        store.recovery.reclaim(max_attempts=3)
        deaths += [one.deaths for one in store.recovery.suspects(GENERATE, ids, 0)]

    view = store.prompts.get(submitted.prompt_ids[0], OWNER)

    assert deaths == [1, 2]
    assert (view.state, view.error_code) == ("failed", "worker_lost")
    assert "so had 2 before" in (view.error_message or "")


def test_what_has_seen_deaths_is_left_out_of_a_claim_that_is_not_for_suspects(store: Store):
    ids = route(store, submit(store, prompt("beside a killer"), prompt("new")))
    claim(store, ids[:1], lease_s=-1)
    store.recovery.reclaim(max_attempts=3)

    fresh = store.generations.claim(ids, "worker", LEASE_S, deaths_below=1)

    assert [item.claim.id for item in fresh] == ids[1:]
    assert store.recovery.suspects(GENERATE, ids, 1) == [Suspect(ids[0], 1)]


def test_a_worker_that_died_is_counted_once_for_its_expert_however_its_leases_end(store: Store):
    store.experts.sync([expert("general"), expert("math")])
    ids = route(store, submit(store, prompt("a"), prompt("b"), prompt("c")))
    claim(store, ids[:1], "dead", lease_s=-1)
    claim(store, ids[1:2], "dead", lease_s=LEASE_S)
    claim(store, ids[2:], "dead too", lease_s=-1)

    store.recovery.reclaim(max_attempts=3)
    first = store.experts.deaths()
    store.generations.renew(ids, "dead", -1)
    store.recovery.reclaim(max_attempts=3)

    assert first == {"general": 1, "math": 0}
    assert store.experts.deaths() == {"general": 2, "math": 0}


def test_deaths_and_failures_are_counted_apart(store: Store):
    submitted = submit(store)
    ids = route(store, submitted)
    for _ in range(2):
        claim(store, ids, lease_s=-1)
        store.recovery.reclaim(max_attempts=3)

    for _ in range(2):
        (item,) = claim(store, ids)
        store.generations.retry([Failure(item.claim, "generation_failed", "bad luck")], max_attempts=3)
    (item,) = claim(store, ids)
    store.generations.finish([result(item.claim)])

    (generation,) = store.prompts.get(submitted.prompt_ids[0], OWNER).generations
    assert (generation.state, generation.attempts) == ("done", 5)


def test_a_death_that_comes_late_changes_nothing(store: Store):
    ids = route(store, submit(store))
    (zombie,) = claim(store, ids, "zombie", lease_s=-1)
    store.recovery.reclaim(max_attempts=3)
    (successor,) = claim(store, ids, "successor")

    store.generations.died([zombie.claim], 3, "its engine is gone")

    assert store.recovery.suspects(GENERATE, ids, 0) == []
    assert store.generations.finish([result(successor.claim)]) == []


def test_a_lost_message_is_found_by_its_queue_and_sent_again(store: Store):
    interactive = submit(store)
    ids = route(store, submit(store, work_class=WorkClass.BULK), "math")

    assert store.recovery.stale(older_s=60) == {}
    assert store.recovery.stale(older_s=-1).keys() == {"expert.math.bulk", "route.interactive"}
    assert store.recovery.resend("expert.math.bulk", older_s=-1) == 1

    assert store.recovery.unsent() == [Dispatch("expert.math.bulk", "torouter.generate", ids)]
    assert store.prompts.claim(interactive.ids, "router", LEASE_S) != []


def test_what_waits_for_an_expert_that_has_left_the_catalogue_fails(store: Store):
    store.experts.sync([expert("kept"), expert("gone")])
    submitted = submit(store, prompt("a"), prompt("b"))
    one, other = store.prompts.claim(submitted.ids, "router", LEASE_S)
    store.prompts.decide([routed(one, "kept"), routed(other, "gone")])
    assert store.recovery.fail_gone() == 0

    store.experts.sync([expert("kept")])

    assert store.recovery.fail_gone() == 1
    kept, gone = store.prompts.get_many(submitted.prompt_ids, OWNER)
    assert kept.state == "routed"
    assert (gone.state, gone.error_code) == ("failed", "model_not_found")
    assert store.batches.get(submitted.batch_id, OWNER).failed == 1


def test_a_lost_score_message_is_sent_again(store: Store):
    (item,) = claim(store, route(store, submit(store, prompt(reference="r"))))
    scores = store.generations.finish([result(item.claim)])

    assert store.recovery.resend("score", older_s=-1) == 1

    assert store.recovery.unsent() == [Dispatch("score", "torouter.score", scores)]
