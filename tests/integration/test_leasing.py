"""What a worker holds, on a real store."""

from core.store import Store
from tests.factories import LEASE_S, claim, route, submit
from workers.leasing import Leases


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
