"""The recovery step on a real store, with a sender that only notes what it is given."""

from dataclasses import dataclass, field

from core.schemas.work import Dispatch
from core.settings import Settings
from core.store import Store
from tests.factories import claim, prompt, route, submit
from workers.recovery import sweep


@dataclass
class Refusing:
    """Hands every row back at once, as a worker whose engine is full."""

    store: Store
    sent: list[Dispatch] = field(default_factory=list)

    def send(self, dispatches: list[Dispatch]) -> bool:
        for dispatch in dispatches:
            self.sent.append(dispatch)
            self.store.recovery.unsend(dispatch)
        return True


def test_a_sweep_ends_although_all_that_it_sends_comes_back(sqlite_store: Store):
    ids = route(sqlite_store, submit(sqlite_store, prompt("a"), prompt("b")))
    sqlite_store.generations.give_back([item.claim for item in claim(sqlite_store, ids)])
    sender = Refusing(sqlite_store)

    sweep(sqlite_store, sender, lambda _queue: 1, Settings())

    assert [dispatch.ids for dispatch in sender.sent] == [ids]
