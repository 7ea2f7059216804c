"""A batch that came as a file, through real processes that are killed while they read, work and write."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.schemas.files import NewBatch, NewFile
from core.settings import Settings
from tests.factories import OWNER, expert
from tests.system import System, until

CHAT = "/v1/chat/completions"

#: Short, so that tests see leases expire; small windows, so that a kill meets one.
HASTE = {"lease_s": 2.0, "sweep_s": 0.3, "resend_after_s": 1.5, "batch_window": 50, "batch_poll_s": 0.05}


@pytest.fixture
def system(new_postgresql_database: str, tmp_path: Path) -> Iterator[System]:
    """Two experts without latency."""
    options = {"first_token_s": 0, "token_s": 0, "tokens": 3}
    settings = Settings(home=tmp_path, database_url=new_postgresql_database, **HASTE)
    system = System(settings, [expert("a", options=options), expert("b", options=options)])
    system.start_broker()
    system.promote_random(tmp_path / "checkpoint", "a", "b")
    yield system
    system.stop_all()


def submit(system: System, count: int) -> str:
    key = "files/lines"
    with system.store.blobs.writing(key) as file:
        for number in range(count):
            body = {"messages": [{"role": "user", "content": f"question {number}"}]}
            line = {"custom_id": f"line-{number}", "method": "POST", "url": CHAT, "body": body}
            file.write(json.dumps(line).encode() + b"\n")
        size = file.tell()
    input_file = system.store.files.add(OWNER, NewFile("lines.jsonl", "batch", size, key, None))
    return system.store.batches.create(NewBatch(input_file.id, CHAT, "24h", 86_400, "fail", OWNER)).id


def test_nothing_is_lost_or_doubled_whatever_is_killed_when(system: System):
    count = 4000
    batch = submit(system, count)
    system.start("batches")
    until(lambda: 0 < system.store.batches.get(batch, OWNER).stored_lines < count, "the file is being read")
    system.kill("batches")
    system.start("batches", "routing", "recovery", "expert a", "expert b")
    for name, command in (("routing", "routing"), ("expert-a", "expert a"), ("batches", "batches")):
        time.sleep(0.5)
        system.kill(name)
        system.start(command)

    system.ended(batch)

    view = system.store.batches.get(batch, OWNER)
    assert (view.state, view.total, view.done, view.failed) == ("completed", count, count, 0)
    assert sum(one.done for one in view.by_expert.values()) == count
    output = system.store.files.get(view.output_file_id or "", OWNER)
    with system.store.blobs.reading(output.key) as file:
        names = [json.loads(line)["custom_id"] for line in file]
    assert names == [f"line-{number}" for number in range(count)]
    files = [path for path in (system.settings.home / "files" / "files").iterdir() if path.is_file()]
    assert len(files) >= 2  # a process that is killed while it writes leaves bytes without a row
