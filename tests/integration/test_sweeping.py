"""The recovery step on a real store, with a sender that only notes what it is given."""

import time
from dataclasses import dataclass, field

import pytest

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

    def room(self, _queue: str, _task: str) -> int:
        return 1000

    def send(self, dispatches: list[Dispatch]) -> bool:
        for dispatch in dispatches:
            self.sent.append(dispatch)
            self.store.recovery.unsend(dispatch.task, dispatch.ids)
        return True


def test_a_sweep_ends_although_all_that_it_sends_comes_back(sqlite_store: Store):
    ids = route(sqlite_store, submit(sqlite_store, prompt("a"), prompt("b")))
    sqlite_store.generations.give_back([item.claim for item in claim(sqlite_store, ids)])
    sender = Refusing(sqlite_store)

    sweep(sqlite_store, sender, lambda _queue: 1, Settings())

    assert [dispatch.ids for dispatch in sender.sent] == [ids]


@pytest.mark.parametrize(("depth", "resent"), [(0, True), (5, False)])
def test_a_lost_message_is_sent_again_early_only_where_its_queue_is_empty(
    sqlite_store: Store, depth: int, *, resent: bool
):
    route(sqlite_store, submit(sqlite_store))
    sender = Refusing(sqlite_store)
    time.sleep(0.2)

    sweep(sqlite_store, sender, lambda _queue: depth, Settings(resend_after_s=0.1, resend_anyway_s=60))

    assert bool(sender.sent) is resent


def test_a_message_that_waits_very_long_is_sent_again_whatever_its_queue_holds(sqlite_store: Store):
    ids = route(sqlite_store, submit(sqlite_store))
    sender = Refusing(sqlite_store)
    time.sleep(0.2)

    sweep(sqlite_store, sender, lambda _queue: 5, Settings(resend_after_s=0.05, resend_anyway_s=0.1))

    assert [dispatch.ids for dispatch in sender.sent] == [ids]
