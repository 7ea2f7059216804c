"""What must hold of a system that has come to rest, whatever has happened to it. A violation is one line."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from core.tables import TERMINAL
from tests.acceptance.chaos import moves
from tests.acceptance.chaos.databases import Rows
from tests.acceptance.chaos.load import ENDED, Asked, Load
from tests.acceptance.chaos.receivers import Receiver

TERMINAL_SQL = ", ".join(f"'{state.value}'" for state in TERMINAL)
ENDED_SQL = ", ".join(f"'{state}'" for state in ENDED)

#: Of one kind, so many are told.
MOST = 10


class Tokens(NamedTuple):
    """What the engines began, and what the results hold: all that was begun counts as if it had been finished."""

    begun: int
    kept: int

    @property
    def passes(self) -> float:
        return self.begun / self.kept if self.kept else 1.0


def open_rows(rows: Rows) -> dict[str, int]:
    """How many rows have not ended, by table; none at rest."""
    found = {
        table: rows.of(f"SELECT count(*) AS n FROM {table} WHERE state NOT IN ({TERMINAL_SQL})")[0].n
        for table in ("prompt", "generation", "score", "webhook")
    }
    found["batch"] = rows.of(f"SELECT count(*) AS n FROM batch WHERE state NOT IN ({ENDED_SQL})")[0].n
    return {table: count for table, count in found.items() if count}


def violations(rows: Rows, load: Load, ledger: Path, receiver: Receiver) -> list[str]:
    """All that does not hold."""
    found = [f"is still open: {open_rows(rows)}"] if open_rows(rows) else []
    found += load.told.wrong
    for check in (_counts, _children, _tallies, _keys):
        found += _few(check(rows, load))
    found += _few(iter(moves.broken(rows)))
    found += _few(_results(rows, ledger))
    with load.client() as client:
        for asked in load.told.asked:
            found += _few(_as_told(rows, client, asked))
            found += _few(_called(asked, receiver))
    return found


def tokens(rows: Rows, ledger: Path) -> Tokens:
    begun = sum(int(words[2]) for words in _lines(ledger) if words[0] == "begins")
    (kept,) = rows.of("SELECT coalesce(sum(output_tokens), 0) AS n FROM generation WHERE state = 'done'")
    return Tokens(begun, int(kept.n))


def _few(problems: Iterator[str]) -> list[str]:
    all_ = list(problems)
    more = [f"… and {len(all_) - MOST} more like it"] if len(all_) > MOST else []
    return all_[:MOST] + more


def _counts(rows: Rows, _load: Load) -> Iterator[str]:
    """A batch's counts are those of its prompts, and add up to its total; lines that were never read are cut off."""
    states = ("done", "failed", "cancelled", "expired")
    counted = ", ".join(f"(SELECT count(*) FROM prompt p WHERE p.batch_id = b.id AND p.state = '{one}') AS real_{one}" for one in states)  # fmt: skip # noqa: E501
    for row in rows.of(f"SELECT b.*, {counted} FROM batch b"):
        if row.state == "failed" and row.done + row.failed + row.cancelled + row.expired == 0:
            continue  # it was refused: nothing of it ran
        if row.done + row.failed + row.cancelled + row.expired != row.total:
            yield f"{row.public_id}: its counts don't add up to {row.total}: {row}"
        unread = row.total - row.stored_lines if row.input_file_id else 0
        for state in states:
            extra = unread if state == "cancelled" else 0
            if getattr(row, state) != getattr(row, f"real_{state}") + extra:
                yield f"{row.public_id}: {getattr(row, state)} {state}, and {getattr(row, f'real_{state}')} of its rows"


def _children(rows: Rows, _load: Load) -> Iterator[str]:
    """A prompt's state is that of its generations; nothing is open below what has ended, and nobody holds anything."""
    for row in rows.of("SELECT public_id, generations_open FROM prompt WHERE generations_open <> 0"):
        yield f"{row.public_id}: {row.generations_open} generations are open"
    for row in rows.of("SELECT public_id, scores_open FROM batch WHERE scores_open <> 0"):
        yield f"{row.public_id}: {row.scores_open} scores are open"
    for row in rows.of(
        "SELECT p.public_id FROM prompt p WHERE p.state = 'done' AND NOT EXISTS"
        " (SELECT 1 FROM generation g WHERE g.prompt_id = p.id AND g.state = 'done')"
    ):
        yield f"{row.public_id}: is done without an answer"
    for row in rows.of(
        "SELECT p.public_id, p.state FROM prompt p JOIN generation g ON g.prompt_id = p.id"
        " WHERE g.state = 'done' AND p.state <> 'done'"
    ):
        yield f"{row.public_id}: is {row.state}, although it was answered"
    for table in ("prompt", "generation", "score", "webhook"):
        for row in rows.of(f"SELECT id, state FROM {table} WHERE lease_owner IS NOT NULL"):
            yield f"{table} {row.id}: is {row.state} and still leased"


def _tallies(rows: Rows, _load: Load) -> Iterator[str]:
    """Tokens of a batch are those of its answers."""
    for row in rows.of(
        "SELECT b.public_id, b.input_tokens, b.output_tokens, coalesce(sum(g.input_tokens), 0) AS input,"
        " coalesce(sum(g.output_tokens), 0) AS output FROM batch b LEFT JOIN generation g"
        " ON g.batch_id = b.id AND g.state = 'done'"
        " GROUP BY b.public_id, b.input_tokens, b.output_tokens"
        " HAVING b.input_tokens <> coalesce(sum(g.input_tokens), 0)"
        " OR b.output_tokens <> coalesce(sum(g.output_tokens), 0)"
    ):
        yield f"{row.public_id}: counts {row.output_tokens} tokens, and its answers have {row.output}"
    for row in rows.of(
        "SELECT public_id, error_code, error_message FROM prompt WHERE state = 'failed' AND attempts > 0"
    ):
        yield f"{row.public_id}: failed, as none should: {row.error_code} {row.error_message}"


def _keys(rows: Rows, load: Load) -> Iterator[str]:
    """One batch for each key that was accepted; none for what was refused."""
    made = Counter(_key(row.metadata) for row in rows.of("SELECT metadata FROM batch"))
    for asked in load.told.asked:
        if made[asked.key] != 1:
            yield f"{asked.key}: made {made[asked.key]} batches"
    for key in load.told.refused:
        if made[key]:
            yield f"{key}: was refused, and made a batch"
    known = {asked.key for asked in load.told.asked}
    for key in made:
        if key is not None and made[key] > 1 and key not in known:
            yield f"{key}: made {made[key]} batches"
    for asked in load.told.asked:
        if asked.refused:
            (row,) = rows.of(
                "SELECT count(*) AS n FROM prompt p JOIN batch b ON b.id = p.batch_id WHERE b.public_id = :id",
                id=asked.id,
            )
            if row.n:
                yield f"{asked.id}: was refused, and {row.n} of its lines became prompts"


def _key(details: Any) -> str | None:
    found = json.loads(details) if isinstance(details, str) else details
    return (found or {}).get("chaos")


def _results(rows: Rows, ledger: Path) -> Iterator[str]:
    """No claim is worked on twice, and a result is that of the claim that held: it says how long that one took."""
    begun = Counter(words[1] for words in _lines(ledger) if words[0] == "begins")
    for claim, count in begun.items():
        if count > 1:
            yield f"the claim {claim} was worked on {count} times"
    took = {words[1]: float(words[2]) for words in _lines(ledger) if words[0] == "ends"}
    for row in rows.of("SELECT id, fence, inference_s FROM generation WHERE state = 'done'"):
        if took.get(f"{row.id}-{row.fence}") != row.inference_s:
            yield f"generation {row.id}: its result is not that of its last claim, {row.fence}"


def _lines(ledger: Path) -> Iterator[list[str]]:
    if ledger.exists():
        with ledger.open() as file:
            for line in file:
                yield line.split()


def _as_told(rows: Rows, client: httpx.Client, asked: Asked) -> Iterator[str]:
    """A batch is as its caller was told when it had ended, and what it answers is what was asked."""
    now = client.get(f"/v1/batches/{asked.id}").raise_for_status().json()
    if asked.ended is not None and now != asked.ended:
        yield f"{asked.id}: had ended, and changed: {asked.ended} became {now}"
    wanted = "failed" if asked.refused else "completed"
    if asked.cancel:
        wanted = "cancelled"
    if now["status"] != wanted and not (asked.refused and asked.cancel):
        yield f"{asked.id}: is {now['status']}, and should be {wanted}"
    if asked.refused:
        return
    done = [row.custom_id for row in rows.of(
        "SELECT p.custom_id FROM prompt p JOIN batch b ON b.id = p.batch_id JOIN generation g ON g.prompt_id = p.id"
        " WHERE b.public_id = :id AND g.state = 'done'", id=asked.id,
    )]  # fmt: skip
    if not asked.cancel and len(done) != (len(asked.custom_ids) - asked.bad) * asked.collects:
        yield f"{asked.id}: has {len(done)} answers to {len(asked.custom_ids)} lines"
    if asked.from_file:
        if now["request_counts"]["total"]:  # none: it was cancelled before its lines were counted
            yield from _files(rows, client, asked, now, done)
    else:
        lines = client.get(f"/v1/batches/{asked.id}/results").raise_for_status().text.splitlines()
        names = [json.loads(line)["custom_id"] for line in lines]
        if names != asked.custom_ids:
            yield f"{asked.id}: its results are not the prompts that were sent, once each and in their order"


def _files(rows: Rows, client: httpx.Client, asked: Asked, now: dict[str, Any], done: list[str]) -> Iterator[str]:
    """Each line is in the output file or in the error file, and the answers are the rows'."""
    output, errors = (_content(client, now[f"{name}_file_id"]) for name in ("output", "error"))
    answered = [line["custom_id"] for line in output]
    if Counter(answered) != Counter(done):
        yield f"{asked.id}: {len(answered)} lines in its output file, and {len(done)} rows with answers"
    every = Counter(answered if asked.collects == 1 else set(answered)) + Counter(line["custom_id"] for line in errors)
    if every != Counter(asked.custom_ids):
        wrong = (every - Counter(asked.custom_ids)) + (Counter(asked.custom_ids) - every)
        yield f"{asked.id}: these lines are not once in its files: {list(wrong)[:10]}"
    answers = {(row.custom_id, row.expert): row.answer for row in rows.of(
        "SELECT p.custom_id, g.expert, g.answer FROM prompt p JOIN batch b ON b.id = p.batch_id"
        " JOIN generation g ON g.prompt_id = p.id WHERE b.public_id = :id AND g.state = 'done'", id=asked.id,
    )}  # fmt: skip
    for line in output:
        body = line["response"]["body"]
        if answers.get((line["custom_id"], body["expert"])) != body["choices"][0]["message"]["content"]:
            yield f"{asked.id}: the file says something else of {line['custom_id']} than its row"


def _content(client: httpx.Client, file: str | None) -> list[dict[str, Any]]:
    if file is None:
        return []
    text = client.get(f"/v1/files/{file}/content", timeout=120).raise_for_status().text
    return [json.loads(line) for line in text.splitlines()]


def _called(asked: Asked, receiver: Receiver) -> Iterator[str]:
    """Whoever asked for a call got one, of one event, and of the right one."""
    if not asked.webhook or asked.ended is None:
        return
    events = receiver.events.get(asked.id, set())
    if [kind for _, kind in events] != [f"batch.{asked.ended['status']}"]:
        yield f"{asked.id}: is {asked.ended['status']}, and its receiver was told of {events}"
