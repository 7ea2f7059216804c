"""Batches as work, on SQLite and PostgreSQL: leases, windows of lines, stops, ends, and counts that add up."""

from typing import Any

import pytest

from core.errors import ConflictError
from core.schemas.files import BatchJob, NewBatch, NewFile, NewLine
from core.schemas.work import Failure
from core.store import Store
from core.tables import State
from tests.factories import LEASE_S, OWNER, claim, result, routed

CHAT = "/v1/chat/completions"
MESSAGES = '[{"role": "user", "content": "hello"}]'


def new_batch(store: Store, **changes: Any) -> str:
    file = store.files.add(OWNER, NewFile("lines.jsonl", "batch", 10, "files/x", None))
    values: dict[str, Any] = {"completion_window": "24h", "window_s": 86_400.0, "on_invalid": "fail", **changes}
    return store.batches.create(NewBatch(file.id, CHAT, owner=OWNER, **values)).id


def take(store: Store, lease_s: float = LEASE_S) -> BatchJob:
    job = store.batch_jobs.claim("batches", lease_s)
    assert job is not None
    return job


def started(store: Store, total: int, **changes: Any) -> tuple[str, BatchJob]:
    """A batch that has been validated, and that we hold."""
    batch = new_batch(store, **changes)
    job = take(store)
    assert store.batch_jobs.start(job, total, 0)
    store.batch_jobs.release(job)
    return batch, take(store)


def lines(first: int, last: int) -> list[NewLine]:
    return [NewLine(n, f"line-{n}", MESSAGES, '{"max_tokens": 7}') for n in range(first, last + 1)]


def generations(store: Store, ids: list[int], expert: str = "general") -> list[int]:
    items = store.prompts.claim(ids, "router", LEASE_S)
    return [id_ for one in store.prompts.decide([routed(item, expert) for item in items]) for id_ in one.ids]


def counts(store: Store, batch: str) -> tuple[int, int, int, int, int]:
    view = store.batches.get(batch, OWNER)
    return view.total, view.done, view.failed, view.cancelled, view.expired


def test_a_batch_is_read_in_windows_and_ends_when_its_files_are_written(store: Store):
    batch, job = started(store, 3)
    first = store.batch_jobs.store_lines(job, lines(1, 2), 100, sent=True)
    rest = store.batch_jobs.store_lines(job, lines(3, 3), 150, sent=True)
    store.batch_jobs.release(job)
    assert first is not None
    assert rest is not None
    assert store.batch_jobs.claim("batches", LEASE_S) is None  # nothing to be done until it is answered

    items = claim(store, generations(store, [*first, *rest]))
    store.generations.finish([result(item.claim) for item in items])
    finalizing = take(store)
    output = NewFile("output.jsonl", "batch_output", 30, "files/out", 3600)
    assert store.batch_jobs.finish(finalizing, output, None)

    view = store.batches.get(batch, OWNER)
    assert [item.sampling.max_tokens for item in items] == [7, 7, 7]
    assert (finalizing.state, view.state) == ("finalizing", "completed")
    assert view.finished_at is not None
    assert view.output_file_id is not None
    assert view.error_file_id is None
    assert store.files.get(view.output_file_id, OWNER).bytes == 30
    assert counts(store, batch) == (3, 3, 0, 0, 0)
    assert view.by_expert["general"].done == 3
    assert view.by_expert["general"].output_tokens == 15


def test_one_process_moves_a_batch_on_at_a_time(store: Store):
    new_batch(store)

    first, second = store.batch_jobs.claim("a", LEASE_S), store.batch_jobs.claim("b", LEASE_S)

    assert first is not None
    assert second is None


def test_who_has_lost_a_batch_writes_nothing(store: Store):
    batch, zombie = started(store, 2)
    store.batch_jobs.release(zombie)
    successor = take(store)

    assert store.batch_jobs.store_lines(zombie, lines(1, 2), 100, sent=True) is None
    assert not store.batch_jobs.refuse(zombie, [])
    assert not store.batch_jobs.finish(zombie, None, None)
    store.batch_jobs.release(zombie)

    assert store.batch_jobs.claim("third", LEASE_S) is None  # the successor's lease holds
    assert store.batches.get(batch, OWNER).stored_lines == 0
    assert store.batch_jobs.store_lines(successor, lines(1, 2), 100, sent=True) is not None


def test_an_abandoned_batch_goes_on_where_it_was(store: Store):
    _batch, job = started(store, 3)
    store.batch_jobs.store_lines(job, lines(1, 2), 100, sent=True)
    store.batch_jobs.renew([job.id], "batches", -1)

    again = take(store)

    assert (again.stored_lines, again.stored_bytes, again.total) == (2, 100, 3)


def test_the_batch_that_has_waited_longest_comes_first(store: Store):
    started(store, 5)  # held, and claimed twice
    store.batch_jobs.release(BatchJob(**{**_as_dict(take_held(store)), "fence": 2}))
    other = new_batch(store)

    assert take(store).public_id == other


def take_held(store: Store) -> BatchJob:
    store.batch_jobs.renew(range(1, 100), "batches", -1)
    return take(store)


def _as_dict(job: BatchJob) -> dict[str, Any]:
    return {name: getattr(job, name) for name in BatchJob.__slots__}


def test_lines_that_cannot_be_taken_are_prompts_that_have_failed(store: Store):
    batch, job = started(store, 2)
    bad = NewLine(2, "b", error_code="invalid_json_line", error_message="no JSON")

    ids = store.batch_jobs.store_lines(job, [*lines(1, 1), bad], 100, sent=True)

    assert ids is not None
    assert len(ids) == 1
    assert counts(store, batch) == (2, 0, 1, 0, 0)
    rows = store.outputs.page(job, 0, 10)
    assert [(row.line, row.state, row.attempts, row.error_code) for row in rows] == [
        (1, "pending", 0, None),
        (2, "failed", 0, "invalid_json_line"),
    ]


def test_unsent_lines_wait_for_recovery(store: Store):
    _batch, job = started(store, 2)

    ids = store.batch_jobs.store_lines(job, lines(1, 2), 100, sent=False)

    [dispatch] = store.recovery.unsent()
    assert (dispatch.queue, dispatch.ids) == ("route.bulk", ids)
    assert store.recovery.unsent() == []


@pytest.mark.parametrize("state", [State.CANCELLED, State.EXPIRED])
def test_a_stopped_batch_keeps_its_answers_and_its_counts_add_up(store: Store, state: State):
    batch, job = started(store, 10)
    ids = store.batch_jobs.store_lines(job, lines(1, 6), 100, sent=True)
    assert ids is not None
    done, failing, running, waiting = claim(store, generations(store, ids[:4]))
    generations(store, ids[4:5])  # sent, and never claimed; the sixth is not even routed
    store.generations.finish([result(done.claim)])
    store.generations.fail([Failure(failing.claim, "prompt_rejected", "no")])

    line = 0
    while (after := store.batch_jobs.stop_prompts(job, state, line, 2)) is not None:
        line = after
    while store.batch_jobs.stop_generations(job, state, 2):
        pass
    store.batch_jobs.stop_rest(job, state)
    store.generations.finish([result(running.claim), result(waiting.claim)])  # too late

    stopped = 8
    assert counts(store, batch) == (
        10,
        1,
        1,
        stopped * (state is State.CANCELLED),
        stopped * (state is State.EXPIRED),
    )
    states = [row.state for row in store.outputs.page(job, 0, 10)]
    assert states == ["done", "failed", *[state] * 4]
    assert store.batches.get(batch, OWNER).state == "finalizing"


def test_a_cancelled_batch_stores_no_more_lines(store: Store):
    batch, job = started(store, 2)

    cancelling = store.batches.cancel(batch, OWNER)

    assert cancelling.state == "cancelling"
    assert store.batch_jobs.store_lines(job, lines(1, 2), 100, sent=True) is None
    assert store.batches.get(batch, OWNER).stored_lines == 0


def test_what_has_ended_cannot_be_cancelled(store: Store):
    batch = new_batch(store)
    store.batch_jobs.refuse(take(store), [{"code": "empty_file", "message": "empty", "line": 1, "param": None}])

    with pytest.raises(ConflictError, match="failed"):
        store.batches.cancel(batch, OWNER)


def test_a_batch_that_is_late_is_due_although_it_has_been_read(store: Store):
    _batch, job = started(store, 1, window_s=-1.0)
    store.batch_jobs.store_lines(job, lines(1, 1), 100, sent=True)
    store.batch_jobs.release(job)

    assert store.batch_jobs.any_due()
    assert take(store).is_late
