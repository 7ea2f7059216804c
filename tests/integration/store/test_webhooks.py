"""Calls on SQLite and PostgreSQL: claimed once, delivered or tried again ever later, and never lost."""

from concurrent.futures import ThreadPoolExecutor

from core.store import Store
from tests.factories import LEASE_S
from tests.webhook_factories import URL, call, ended


def test_a_batch_that_has_ended_is_claimed_as_a_call(store: Store):
    batch = ended(store)

    (claimed,) = store.webhooks.claim("caller", LEASE_S, 10)

    assert (claimed.url, claimed.event, claimed.batch_id, claimed.attempts) == (URL, "batch.failed", batch, 1)
    assert claimed.public_id.startswith("evt_")
    assert store.webhooks.claim("other", LEASE_S, 10) == []


def test_a_batch_that_asks_for_no_call_has_none(store: Store):
    ended(store, None)

    assert store.webhooks.claim("caller", LEASE_S, 10) == []


def test_no_more_calls_are_claimed_than_asked_for_and_the_oldest_first(store: Store):
    first, second, third = (ended(store) for _ in range(3))

    claimed = store.webhooks.claim("caller", LEASE_S, 2)

    assert [one.batch_id for one in claimed] == [first, second]
    assert [one.batch_id for one in store.webhooks.claim("caller", LEASE_S, 2)] == [third]


def test_several_callers_do_not_take_the_same_call(store: Store):
    batches = [ended(store) for _ in range(20)]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda n: store.webhooks.claim(f"caller {n}", LEASE_S, 10), range(4)))

    assert sorted(one.batch_id for some in found for one in some) == sorted(batches)


def test_what_was_delivered_is_done(store: Store):
    ended(store)
    (claimed,) = store.webhooks.claim("caller", LEASE_S, 10)

    store.webhooks.finish(claimed.claim)

    row = call(store)
    assert (row.state, row.error_code, row.lease_owner) == ("done", None, None)
    assert row.finished_at >= row.created_at
    assert store.webhooks.claim("caller", LEASE_S, 10) == []


def test_what_was_not_delivered_comes_again(store: Store):
    ended(store)
    (claimed,) = store.webhooks.claim("caller", LEASE_S, 10)

    assert not store.webhooks.fail_or_retry(claimed.claim, "code", "why", 8, pause_s=0)

    row = call(store)
    assert (row.state, row.error_code, row.error_message) == ("pending", "code", "why")
    (again,) = store.webhooks.claim("caller", LEASE_S, 10)
    assert (again.public_id, again.attempts) == (claimed.public_id, 2)


def test_each_pause_is_four_times_the_last(store: Store):
    ended(store)
    for lease_s in (-1, -1, LEASE_S):
        (claimed,) = store.webhooks.claim("caller", lease_s, 10)

    store.webhooks.fail_or_retry(claimed.claim, "code", "why", 8, pause_s=100)

    row = call(store)
    assert 1590 < row.not_before - row.created_at < 1660
    assert store.webhooks.claim("caller", LEASE_S, 10) == []


def test_what_has_had_its_attempts_fails(store: Store):
    ended(store)
    for _ in range(3):
        (claimed,) = store.webhooks.claim("caller", LEASE_S, 10)
        failed = store.webhooks.fail_or_retry(claimed.claim, "code", "why", 3, pause_s=0)

    assert failed
    assert call(store).state == "failed"
    assert store.webhooks.claim("caller", LEASE_S, 10) == []


def test_a_caller_that_fell_silent_loses_its_call_and_can_write_nothing(store: Store):
    ended(store)
    (silent,) = store.webhooks.claim("silent", -1, 10)

    (again,) = store.webhooks.claim("caller", LEASE_S, 10)
    store.webhooks.finish(silent.claim)

    assert (again.public_id, again.attempts) == (silent.public_id, 2)
    assert not store.webhooks.fail_or_retry(silent.claim, "code", "why", 1, pause_s=0)
    assert (call(store).state, call(store).lease_owner) == ("running", "caller")
    store.webhooks.finish(again.claim)
    assert call(store).state == "done"


def test_a_result_counts_as_long_as_nobody_took_the_call_back(store: Store):
    ended(store)
    (late,) = store.webhooks.claim("late", -1, 10)

    store.webhooks.finish(late.claim)

    assert call(store).state == "done"
