"""A share of the routed prompts goes to the other experts too, once each, and no caller sees it."""

from pathlib import Path

import pytest
from sqlalchemy import select

from core.errors import NotFoundError
from core.queues import WorkClass
from core.schemas.views import BatchView, PromptView
from core.schemas.work import Dispatch, Submitted
from core.settings import Settings
from core.store import Store
from core.store.comparisons import ENDPOINT
from core.tables import BATCH, OURS
from router.baselines import RandomRouter
from router.datasets import deduplicate
from tests.factories import LEASE_S, OWNER, claim, expert, prompt, result, submit
from workers import routing
from workers.leasing import Leases
from workers.routing import Choosing, Serving

EXPERTS = ("a", "b", "c")


class Sent:
    """What was sent, by queue."""

    def __init__(self) -> None:
        self.ids: dict[str, list[int]] = {}

    def send(self, dispatches: list[Dispatch]) -> bool:
        for one in dispatches:
            self.ids.setdefault(one.queue, []).extend(one.ids)
        return True

    def is_full(self, _queue: str) -> bool:
        return False


@pytest.fixture
def serving(store: Store, tmp_path: Path) -> Serving:
    """Experts, and a promoted router over all of them."""
    store.experts.sync([expert(name) for name in EXPERTS])
    (tmp_path / "checkpoint").mkdir()
    added = store.checkpoints.add(tmp_path / "checkpoint", {"kind": "random", "experts": list(EXPERTS)})
    store.checkpoints.promote(added.public_id)
    return Serving(added.id, RandomRouter(EXPERTS))


def route(store: Store, serving: Serving, submitted: Submitted, share: float = 1.0) -> Sent:
    sent = Sent()
    using = routing.Using(store, sent, Leases(store.prompts, LEASE_S), Settings(compare_share=share))
    routing.route(submitted.ids, serving, using)
    return sent


def compared(store: Store) -> list[PromptView]:
    """Of all comparing batches of this test, which has a few."""
    return [view for page in store.prompts.every(OURS) for view in page]


def comparing(store: Store) -> BatchView:
    """The latest comparing batch."""
    with store._database.read() as connection:
        found = select(BATCH.c.public_id).where(BATCH.c.owner == OURS).order_by(BATCH.c.id.desc()).limit(1)
        name = connection.execute(found).scalar_one()
    return store.batches.get(name, OURS)


def answer(store: Store, sent: Sent) -> None:
    ids = [id_ for queue, some in sent.ids.items() if queue.startswith("expert.") for id_ in some]
    store.generations.finish([result(item.claim) for item in claim(store, ids)])


def test_the_other_experts_answer_too_in_a_batch_that_is_ours(store: Store, serving: Serving):
    submitted = submit(store, prompt("compare me", reference="so", dataset="x"))

    sent = route(store, serving, submitted)
    (waiting,) = (sent.ids["route.bulk"],)
    again = route(store, serving, Submitted("", [], waiting, WorkClass.BULK))
    answer(store, sent)
    answer(store, again)

    (original,) = store.prompts.get_many(submitted.prompt_ids, OWNER)
    (copy,) = compared(store)
    chosen = [one.expert for one in original.generations]
    assert len(chosen) == 1
    assert [one.expert for one in copy.generations] == [name for name in EXPERTS if name not in chosen]
    assert (copy.messages, copy.reference, copy.dataset) == (original.messages, "so", "x")
    assert copy.custom_id == original.id
    (joined,) = deduplicate(list(store.outcomes.every()))
    assert sorted(joined.outcomes) == list(EXPERTS)


def test_no_caller_sees_a_comparison(store: Store, serving: Serving):
    submitted = submit(store, prompt("compare me"))

    route(store, serving, submitted)

    ours = comparing(store)
    assert ours.endpoint == ENDPOINT
    with pytest.raises(NotFoundError):
        store.batches.get(ours.id, OWNER)
    assert store.batches.get(submitted.batch_id, OWNER).total == 1
    assert {row.prompt for row in store.outcomes.every(OWNER)} == set()


def test_a_step_that_runs_twice_compares_once(store: Store, serving: Serving):
    submitted = submit(store, *(prompt(f"prompt {i}") for i in range(10)))

    first, second = (route(store, serving, submitted) for _ in range(2))

    assert len(first.ids["route.bulk"]) == 10
    assert second.ids == {}


def test_a_worker_that_lost_its_lease_compares_nothing(store: Store, serving: Serving):
    submitted = submit(store, prompt("compare me"))
    items = store.prompts.claim(submitted.ids, "a slow worker", -1)
    store.recovery.reclaim(max_attempts=3)
    route(store, serving, submitted)

    late = store.prompts.decide(
        routing.decide(items, serving, store.experts.enabled(), Choosing(compare_share=1.0)).routed
    )

    assert late == []


def test_pinned_and_collected_prompts_are_not_compared(store: Store, serving: Serving):
    pinned, asked = submit(store, prompt(expert="a")), submit(store, prompt(), collect=EXPERTS)

    sent = [route(store, serving, one) for one in (pinned, asked)]

    assert all("route.bulk" not in one.ids for one in sent)


def test_the_share_is_of_the_texts(store: Store, serving: Serving):
    texts = [f"prompt {i}" for i in range(200)]

    sent = route(store, serving, submit(store, *map(prompt, texts)), share=0.3)
    again = route(store, serving, submit(store, *(prompt(text.upper()) for text in texts)), share=0.3)
    none = route(store, serving, submit(store, *map(prompt, texts)), share=0.0)

    assert len(sent.ids["route.bulk"]) == pytest.approx(60, abs=25)
    assert len(again.ids["route.bulk"]) == len(sent.ids["route.bulk"])
    assert "route.bulk" not in none.ids


def test_experts_without_room_for_the_prompt_are_not_asked(store: Store, serving: Serving):
    store.experts.sync([expert("a"), expert("b"), expert("c", context_tokens=16)])

    sent = route(store, serving, submit(store, prompt("long " * 100)))

    ours = comparing(store)
    assert len(sent.ids["route.bulk"]) == 1
    assert set(ours.collect or ()) < {"a", "b"}
