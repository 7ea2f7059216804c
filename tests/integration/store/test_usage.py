"""What work took by the hour, how much waits, and lists that stay fast whatever else is there."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event, update

from api.metrics import Usage
from core.errors import NotFoundError
from core.queues import WorkClass
from core.schemas.views import UsageView
from core.schemas.work import Failure, ScoreValue
from core.store import Store, depths
from core.tables import USAGE_HOUR, State
from tests.factories import LEASE_S, OWNER, claim, expert, prompt, result, route, submit


def used(store: Store, owner: str = OWNER, hours: int = 1) -> dict[str, UsageView]:
    return {one.expert: one for one in store.usage.of(owner, hours)}


def answer(store: Store, owner: str) -> None:
    items = claim(store, route(store, submit(store, owner=owner)))
    store.generations.finish([result(item.claim, cost_usd=0.25) for item in items])


def test_sums_of_experts_are_of_all_owners_and_lose_nothing_as_hours_end(store: Store):
    metered = Usage(store)
    answer(store, "alice")
    first = metered.sums()["general"]
    with store._database.write() as connection:  # as if that had been long ago
        connection.execute(update(USAGE_HOUR).values(hour_at=USAGE_HOUR.c.hour_at - 7200))
    later = Usage(store)

    answer(store, "bob")
    answer(store, "alice")

    assert (first.done, first.cost_usd, first.output_tokens) == (1, 0.25, 5)
    for _ in range(2):
        found = later.sums()["general"]
        assert (found.done, found.cost_usd, found.output_tokens) == (3, 0.75, 15)
        assert isinstance(found.done, int)


def test_answers_failures_and_scores_count_in_their_hour_once(store: Store):
    submitted = submit(store, *(prompt(reference="good") for _ in range(3)), work_class=WorkClass.BULK)
    items = claim(store, route(store, submitted))
    failed = Failure(items[2].claim, "prompt_rejected", "no")
    results = [result(one.claim, cost_usd=0.25) for one in items[:2]]

    opened = store.generations.finish(results)
    for _ in range(2):  # what comes a second time counts no second time
        store.generations.finish(results)
        store.generations.fail([failed])
    scoring = store.scores.claim(opened, "scorer", LEASE_S)
    for _ in range(2):
        store.scores.finish([ScoreValue(one.claim, value) for one, value in zip(scoring, (0.5, 1.0), strict=True)])

    [one] = store.usage.of(OWNER, 1)
    assert (one.expert, one.done, one.failed) == ("general", 2, 1)
    assert (one.input_tokens, one.output_tokens, one.cost_usd) == (20, 10, 0.5)
    assert (one.scored, one.quality_sum) == (2, 1.5)
    assert one.hour_at % 3600 == 0
    theirs = store.batches.get(submitted.batch_id, OWNER).by_expert["general"]
    assert (theirs.done, theirs.failed, theirs.scored, theirs.quality_sum) == (2, 1, 2, 1.5)


def test_a_score_that_could_not_be_computed_is_none(store: Store):
    items = claim(store, route(store, submit(store, prompt(reference="good"))))
    opened = store.generations.finish([result(items[0].claim)])
    scoring = store.scores.claim(opened, "scorer", LEASE_S)

    store.scores.fail([Failure(scoring[0].claim, "internal_error", "no")])

    assert used(store)["general"].scored == 0


def test_interactive_work_counts_too_and_has_no_row_of_its_batch(store: Store):
    submitted = submit(store)

    store.generations.finish([result(one.claim) for one in claim(store, route(store, submitted))])

    assert used(store)["general"].done == 1
    assert store.batches.get(submitted.batch_id, OWNER).by_expert == {}


def test_owners_experts_and_hours_are_apart(store: Store):
    for owner in (OWNER, "other"):
        items = claim(store, route(store, submit(store, owner=owner), "general", "math"))
        store.generations.finish([result(one.claim) for one in items])
    with store._database.write() as connection:
        before = update(USAGE_HOUR).where(USAGE_HOUR.c.expert == "math")
        connection.execute(before.values(hour_at=USAGE_HOUR.c.hour_at - 2 * 3600))

    assert list(used(store)) == ["general"]
    assert list(used(store, "other", hours=3)) == ["math", "general"]
    assert used(store, "nobody", hours=3) == {}


def test_many_who_finish_at_once_lose_no_count(store: Store):
    batches = [submit(store, *(prompt() for _ in range(4))) for _ in range(6)]
    shares = [claim(store, route(store, one, "math", "general")) for one in batches]

    with ThreadPoolExecutor(len(shares)) as threads:
        list(threads.map(lambda items: [store.generations.finish([result(one.claim)]) for one in items], shares))

    assert {name: one.done for name, one in used(store).items()} == {"general": 24, "math": 24}


def test_depths_tell_what_waits_and_what_is_under_way(store: Store):
    store.experts.sync([expert("general"), expert("math")])
    bulk = submit(store, *(prompt() for _ in range(5)), work_class=WorkClass.BULK)
    claim(store, route(store, bulk, "math")[:2])
    submit(store, prompt())
    taken = submit(store, prompt())
    store.prompts.claim(taken.ids, "router", LEASE_S)

    found = {one.queue: one for one in store.depths.all()}

    assert list(found) == [
        "route.interactive",
        "route.bulk",
        "expert.general.interactive",
        "expert.general.bulk",
        "expert.math.interactive",
        "expert.math.bulk",
        "score",
    ]
    assert (found["expert.math.bulk"].waiting, found["expert.math.bulk"].running) == (3, 2)
    assert (found["route.interactive"].waiting, found["route.interactive"].running) == (1, 1)
    age = found["expert.math.bulk"].oldest_s
    assert age is not None
    assert 0 <= age < 60
    assert (found["score"].waiting, found["score"].oldest_s, found["score"].running) == (0, None, 0)


def test_no_more_than_so_many_are_counted(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(depths, "MOST", 3)
    submit(store, *(prompt() for _ in range(5)))

    found = {one.queue: one.waiting for one in store.depths.all()}

    assert found["route.interactive"] == 3


def test_all_submissions_are_listed_by_class_or_together_the_newest_first(store: Store):
    names = [submit(store, work_class=one).batch_id for one in (WorkClass.BULK, WorkClass.INTERACTIVE, WorkClass.BULK)]
    submit(store, owner="other")

    def listed(work_class: WorkClass | None = None, after: str | None = None, limit: int = 9) -> list[str]:
        found = store.batches.submitted(OWNER, work_class=work_class, after=after, limit=limit)
        return [one.id for one in found]

    assert listed() == names[::-1]
    assert listed(limit=2) == names[:0:-1]
    assert listed(after=names[1]) == names[:1]
    assert listed(WorkClass.BULK) == [names[2], names[0]]
    assert listed(WorkClass.BULK, after=names[1]) == [names[0]]
    with pytest.raises(NotFoundError, match="after: there is no batch"):
        store.batches.submitted("other", work_class=None, after=names[0], limit=9)


def test_a_batchs_prompts_come_in_pages_all_or_those_that_failed(store: Store):
    submitted = submit(store, *(prompt(str(n)) for n in range(5)))
    items = claim(store, route(store, submitted))
    store.generations.fail([Failure(one.claim, "prompt_rejected", "no") for one in items[1::2]])
    names = submitted.prompt_ids

    def listed(state: State | None = None, after: str | None = None, limit: int = 9) -> list[str]:
        found = store.prompts.page(submitted.batch_id, OWNER, state=state, after=after, limit=limit)
        return [one.id for one in found]

    assert listed() == names
    assert listed(after=names[1], limit=2) == names[2:4]
    assert listed(State.FAILED) == names[1::2]
    assert listed(State.FAILED, after=names[1]) == [names[3]]
    assert listed(State.EXPIRED) == []
    with pytest.raises(NotFoundError, match="there is no batch"):
        store.prompts.page(submitted.batch_id, "other", limit=9)
    with pytest.raises(NotFoundError, match="after: there is no prompt"):
        store.prompts.page(submit(store).batch_id, OWNER, after=names[0], limit=9)


def test_what_is_asked_for_every_few_seconds_reads_no_whole_table(sqlite_store: Store):
    store = sqlite_store
    store.experts.sync([expert("general")])
    submitted = submit(store)
    asked: list[tuple[str, Any]] = []
    event.listen(store._database.engine, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))

    store.usage.of(OWNER, 24)
    store.depths.all()
    store.batches.submitted(OWNER, work_class=None, after=None, limit=20)
    store.batches.open_prompts_of(OWNER)
    store.prompts.page(submitted.batch_id, OWNER, state=State.FAILED, limit=20)

    large = {"batch", "prompt", "generation", "score", "usage_hour"}
    selects = [one for one in asked if one[0].startswith("SELECT")]
    assert len(selects) > 12
    with store._database.read() as connection:
        for statement, parameters in selects:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            scans = {row.detail for row in plan if row.detail.startswith("SCAN ")}
            whole = {scan for scan in scans if scan.removeprefix("SCAN ").split()[0] in large and "USING" not in scan}
            assert not whole, (statement, whole)
