"""Whatever happens to a row in any state, it makes a legal move or none."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from core.schemas.work import Claim, Failure
from core.store import Store
from core.tables import GENERATION, MOVES, State
from tests.factories import claim, result, route, submit

Move = Callable[[Store, Claim], object]

FAILURE = ("generation_failed", "bad luck")

MOVES_OF_THE_STORE: dict[str, Move] = {
    "claim": lambda store, held: claim(store, [held.id]),
    "finish": lambda store, held: store.generations.finish([result(held)]),
    "fail": lambda store, held: store.generations.fail([Failure(held, *FAILURE)]),
    "retry": lambda store, held: store.generations.retry([Failure(held, *FAILURE)], max_attempts=3),
    "give up": lambda store, held: store.generations.retry([Failure(held, *FAILURE)], max_attempts=1),
    "die": lambda store, held: store.generations.died([held], 3, "its engine is gone"),
    "die alone": lambda store, held: store.generations.died([held], 1, "its engine is gone"),
    "give back": lambda store, held: store.generations.give_back([held]),
    "reclaim": lambda store, held: store.recovery.reclaim(max_attempts=3),
    "lose": lambda store, held: store.recovery.reclaim(max_attempts=1),
    "send": lambda store, held: store.recovery.unsent(),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("move", MOVES_OF_THE_STORE)
def test_a_row_makes_legal_moves_only(sqlite_store: Store, state: State, move: str):
    (item,) = claim(sqlite_store, route(sqlite_store, submit(sqlite_store)), lease_s=-1)
    with sqlite_store._database.write() as connection:
        connection.execute(update(GENERATION).values(state=state))

    MOVES_OF_THE_STORE[move](sqlite_store, item.claim)

    with sqlite_store._database.read() as connection:
        after = State(connection.execute(select(GENERATION.c.state)).scalar_one())
    assert after == state or after in MOVES[state]
