"""What a worker holds, on a real store."""

import pytest
from sqlalchemy import insert

from core.errors import StoreRefusedError
from core.store import Store
from core.tables import EXPERT
from tests.factories import LEASE_S, claim, route, submit
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
