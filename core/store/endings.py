"""How work ends: a terminal row changes its prompt, and that its batch, in the same transaction.

Rows are locked in the order score, generation, prompt, batch, each by id, so that two transactions never wait for
each other in a circle. Every lock is FOR NO KEY UPDATE: a row's foreign key locks the row it names FOR KEY SHARE,
and two transactions that both hold that would wait for each other's stronger FOR UPDATE for ever.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from sqlalchemy import Connection, Table, and_, case, exists, func, select, update

from core import metrics
from core.queues import WorkClass
from core.schemas.conversation import storable
from core.schemas.work import ExpertTally, Failure, Tally
from core.store import leases, usage
from core.store.database import after_commit, given, insert_or_add, now
from core.tables import BATCH, BATCH_EXPERT, GENERATION, PROMPT, SCORE, TERMINAL, BatchState, State

Tallies = defaultdict[int, Tally]

#: Errors are for people; a stack trace of a megabyte is not.
LONGEST_MESSAGE = 2000

#: What a tally adds to the columns of its batch.
COUNTS: Final = tuple(one.name for one in fields(Tally) if one.name != "experts")


def tallies() -> Tallies:
    """Changes by batch id."""
    return defaultdict(Tally)


def fail(connection: Connection, table: Table, failures: Sequence[Failure]) -> None:
    """End those rows whose claim holds, and what follows from it."""
    holding = leases.held(connection, table, (one.claim for one in failures))
    end(connection, table, [(one.claim.id, one.code, one.message) for one in failures if one.claim.id in holding])


def retry(connection: Connection, table: Table, failures: Sequence[Failure], max_attempts: int) -> None:
    """Give back those rows whose claim holds; end what has had its attempts. Deaths are counted apart."""
    holding = leases.held(connection, table, (one.claim for one in failures))
    failed = (table.c.attempts - table.c.deaths).label("failed")
    attempts = connection.execute(select(table.c.id, failed).where(table.c.id.in_(holding)))
    spent = {row.id for row in attempts if row.failed >= max_attempts}
    leases.give_back(connection, table, holding - spent, counts=True)
    last = f"(attempt {max_attempts} of {max_attempts})"
    end(
        connection,
        table,
        [(one.claim.id, one.code, f"{one.message} {last}") for one in failures if one.claim.id in spent],
    )


def died(
    connection: Connection, table: Table, ids: Collection[int], max_attempts: int, how: str
) -> tuple[list[int], list[int]]:
    """Give back locked rows whose worker or engine died under them; end those that were to blame, with `how` it died.

    The last death that a row may see is one that it sees alone (docs/decisions/0020). Ids of what comes back and ends.
    """
    deaths = connection.execute(select(table.c.id, table.c.deaths).where(table.c.id.in_(ids)).order_by(table.c.id))
    by_guilt: dict[bool, list[int]] = {False: [], True: []}
    for row in deaths:
        by_guilt[row.deaths + 1 >= max_attempts].append(row.id)
    leases.give_back(connection, table, by_guilt[False], counts=True, died=True)
    told = f"{how}; so had {max_attempts - 1} before, and this time nothing else was in it" if max_attempts > 1 else how
    end(connection, table, [(id_, "worker_lost", told) for id_ in by_guilt[True]])
    return by_guilt[False], by_guilt[True]


def end(connection: Connection, table: Table, failures: Sequence[tuple[int, str, str]]) -> None:
    """Make locked rows failed, and what follows from it; id, code and message of each."""
    if not failures:
        return
    rows = [
        {"row": id_, "error_code": code, "error_message": storable(message[:LONGEST_MESSAGE])}
        for id_, code, message in failures
    ]
    found = given(connection, table, rows)
    values = leases.ended(State.FAILED) | {name: found.c[name] for name in ("error_code", "error_message")}
    connection.execute(update(table).where(table.c.id == found.c.row).values(values))
    _AFTER[table](connection, [id_ for id_, _, _ in failures])


def after_scores(connection: Connection, ids: Collection[int]) -> None:
    """Count scores that have become terminal, and end the batches that waited for them."""
    changes = tallies()
    scored = select(SCORE.c.batch_id, SCORE.c.state, SCORE.c.value, GENERATION.c.expert)
    by_expert = scored.join(GENERATION, GENERATION.c.id == SCORE.c.generation_id).where(SCORE.c.id.in_(ids))
    for row in connection.execute(by_expert):
        tally = changes[row.batch_id]
        tally.scores_open -= 1
        if row.state == State.DONE:
            theirs = tally.experts.setdefault(row.expert, ExpertTally())
            theirs.scored += 1
            theirs.quality_sum += row.value
    settle(connection, changes)


def after_generations(connection: Connection, ids: Collection[int], changes: Tallies) -> None:
    """End the prompts whose last generation is among these terminal ones, then what `changes` says of their batches."""
    fewer: defaultdict[int, list[int]] = defaultdict(list)
    for prompt_id, count in _count_generations(connection, ids, changes).items():
        fewer[count].append(prompt_id)
    prompt_ids = [prompt_id for some in fewer.values() for prompt_id in some]
    _lock(connection, PROMPT, prompt_ids)
    for count, some in fewer.items():
        left = PROMPT.c.generations_open - count
        connection.execute(update(PROMPT).where(PROMPT.c.id.in_(some)).values(generations_open=left))
    for row in _end_prompts(connection, prompt_ids):
        _count(changes[row.batch_id], row.state)
    settle(connection, changes)


def after_prompts(connection: Connection, ids: Collection[int]) -> None:
    """Count prompts that ended before any expert saw them."""
    changes = tallies()
    for row in _batches_of(connection, PROMPT, ids):
        _count(changes[row.batch_id], row.state)
    settle(connection, changes)


def settle(connection: Connection, changes: Mapping[int, Tally]) -> None:
    """Add the changes to the batches' counts and their owners' usage, and end those that have nothing open.

    What came as a file then waits, `finalizing`, for its output to be written.
    """
    if not changes:
        return
    batches = _lock_batches(connection, changes)
    for batch_id, tally in sorted(changes.items()):
        sums = {name: BATCH.c[name] + getattr(tally, name) for name in COUNTS}
        connection.execute(update(BATCH).where(BATCH.c.id == batch_id).values(sums))
    after_commit(connection, lambda: _tell_metrics(changes.values()))
    _add_to_experts(connection, changes, batches)
    ended = BATCH.c.done + BATCH.c.failed + BATCH.c.cancelled + BATCH.c.expired == BATCH.c.total
    completed = and_(BATCH.c.scores_open == 0, BATCH.c.input_file_id.is_(None))
    connection.execute(
        update(BATCH)
        .where(BATCH.c.id.in_(changes), BATCH.c.state.in_((BatchState.IN_PROGRESS, BatchState.FINALIZING)), ended)
        .values(
            state=case((completed, BatchState.COMPLETED.value), else_=BatchState.FINALIZING.value),
            finalizing_at=func.coalesce(BATCH.c.finalizing_at, now()),
            finished_at=case((completed, now())),
        )
    )
    usage.add(connection, ((batches[id_].owner, tally) for id_, tally in changes.items()))


def _add_to_experts(connection: Connection, changes: Mapping[int, Tally], batches: Mapping[int, Any]) -> None:
    """The same for what each expert did, of bulk; the batches' locks are those of these rows too."""
    rows = [
        {"batch_id": batch_id, "expert": expert, **asdict(theirs)}
        for batch_id, tally in sorted(changes.items())
        if batches[batch_id].work_class == WorkClass.BULK
        for expert, theirs in tally.experts.items()
    ]
    if rows:
        connection.execute(insert_or_add(connection, BATCH_EXPERT, [one.name for one in fields(ExpertTally)]), rows)


#: What follows when rows of a table have failed.
_AFTER: dict[Table, Callable[[Connection, Collection[int]], None]] = {
    PROMPT: after_prompts,
    GENERATION: lambda connection, ids: after_generations(connection, ids, tallies()),
    SCORE: after_scores,
}


def _end_prompts(connection: Connection, ids: Collection[int]) -> Sequence[Any]:  # Any: rows of batch and state
    """A prompt is done when any expert has answered it, and failed, with an error of theirs, when none could.

    One that no expert has finished is what its generations are: cancelled, or expired.
    """
    answered = exists().where(GENERATION.c.prompt_id == PROMPT.c.id, GENERATION.c.state == State.DONE)
    code, message = (
        select(error)
        .where(GENERATION.c.prompt_id == PROMPT.c.id, GENERATION.c.state == State.FAILED)
        .order_by(GENERATION.c.id)
        .limit(1)
        .scalar_subquery()
        for error in (GENERATION.c.error_code, GENERATION.c.error_message)
    )
    stopped = (
        select(GENERATION.c.state)
        .where(GENERATION.c.prompt_id == PROMPT.c.id, GENERATION.c.state.in_((State.CANCELLED, State.EXPIRED)))
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        update(PROMPT)
        .where(PROMPT.c.id.in_(ids), PROMPT.c.generations_open == 0, PROMPT.c.state == State.ROUTED)
        .values(
            state=case((answered, State.DONE.value), (code.is_not(None), State.FAILED.value), else_=stopped),
            error_code=case((answered, None), else_=code),
            error_message=case((answered, None), else_=message),
            finished_at=now(),
        )
        .returning(PROMPT.c.batch_id, PROMPT.c.state)
    )
    return connection.execute(statement).fetchall()


def _count_generations(connection: Connection, ids: Collection[int], changes: Tallies) -> Counter[int]:
    """Add what terminal generations took to their batches' tallies; how many there are of each prompt."""
    columns = GENERATION.c
    of_each: Counter[int] = Counter()
    for row in connection.execute(
        select(
            columns.prompt_id,
            columns.batch_id,
            columns.expert,
            columns.state,
            columns.input_tokens,
            columns.output_tokens,
            columns.cost_usd,
        ).where(columns.id.in_(ids))
    ):
        of_each[row.prompt_id] += 1
        tally = changes[row.batch_id]
        tallied: list[Tally | ExpertTally] = [tally]
        if row.state in (State.DONE, State.FAILED):
            theirs = tally.experts.setdefault(row.expert, ExpertTally())
            _count(theirs, row.state)
            tallied.append(theirs)
        if row.state == State.DONE:
            for one in tallied:
                one.input_tokens += row.input_tokens
                one.output_tokens += row.output_tokens
                one.cost_usd += row.cost_usd
    return of_each


def _batches_of(connection: Connection, table: Table, ids: Collection[int]) -> Sequence[Any]:  # Any: rows
    return connection.execute(select(table.c.batch_id, table.c.state).where(table.c.id.in_(ids))).fetchall()


def _count(tally: Tally | ExpertTally, state: str) -> None:
    setattr(tally, state, getattr(tally, state) + 1)


def _tell_metrics(changes: Collection[Tally]) -> None:
    for tally in changes:
        for state in TERMINAL:
            metrics.PROMPTS_ENDED.labels(state).inc(getattr(tally, state))


def _lock_batches(connection: Connection, ids: Collection[int]) -> dict[int, Any]:  # Any: rows of owner and class
    columns = BATCH.c
    rows = connection.execute(
        select(columns.id, columns.owner, columns.work_class)
        .where(columns.id.in_(ids))
        .order_by(columns.id)
        .with_for_update(key_share=True)
    )
    return {row.id: row for row in rows}


def _lock(connection: Connection, table: Table, ids: Collection[int]) -> None:
    connection.execute(
        select(table.c.id).where(table.c.id.in_(ids)).order_by(table.c.id).with_for_update(key_share=True)
    )
