"""What a worker holds, on a real store."""

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import insert

from core.errors import StoreRefusedError
from core.store import Store
from core.tables import EXPERT
from tests.factories import LEASE_S, claim, prompt, result, route, submit
from workers.leasing import Leases, insist


def test_a_row_claimed_again_by_another_thread_is_renewed_when_the_first_lets_go(sqlite_store: Store):
    leases = Leases(sqlite_store.generations, LEASE_S)
    ids = route(sqlite_store, submit(sqlite_store))
    (late,) = claim(sqlite_store, ids, leases.owner, lease_s=-1)

    with leases.holding([late.claim]):
        sqlite_store.recovery.reclaim(max_attempts=3)
        (again,) = claim(sqlite_store, ids, leases.owner, lease_s=-1)
        second = leases.holding([again.claim])
        second.__enter__()
    leases.renew()

    assert sqlite_store.recovery.reclaim(max_attempts=3).pending == 0
    second.__exit__(None, None, None)


def test_only_what_another_took_counts_as_lost(sqlite_store: Store):
    leases = Leases(sqlite_store.generations, LEASE_S, "generating")
    ids = route(sqlite_store, submit(sqlite_store, *(prompt(text) for text in "abc")))
    stored, stolen, kept = (item.claim for item in claim(sqlite_store, ids, leases.owner))
    before = lost()

    with leases.holding([stored, stolen, kept]):
        leases.settle(lambda: sqlite_store.generations.finish([result(stored)]), [stored])
        sqlite_store.generations.give_back([stolen])
        leases.renew()
        leases.renew()

        assert set(leases.held()) == {stolen, kept}
        assert leases.lost() == [stolen]
    assert lost() - before == 1


def lost() -> float:
    return REGISTRY.get_sample_value("torouter_leases_lost_total", {"step": "generating"}) or 0.0


def test_what_the_database_will_never_take_is_not_tried_again(store: Store):
    tries = []

    def write():
        tries.append(1)
        with store._database.write() as connection:
            connection.execute(insert(EXPERT).values(name="a", spec={}, updated_at=0))
            connection.execute(insert(EXPERT).values(name="a", spec={}, updated_at=0))

    with pytest.raises(StoreRefusedError):
        insist(write, for_s=30)

    assert len(tries) == 1
