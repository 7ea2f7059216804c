"""`torouter collect` in a process of its own, on a real Valkey with synthetic experts: detached, killed, run again."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from api import system
from core.settings import Settings
from core.tables import BATCH
from tests.factories import OWNER, expert
from tests.system import END_S, READY_S, TOROUTER, System, until

PROMPTS = 12


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Routing, recovery and two experts, of which `b` is down until a test starts it."""
    settings = Settings(home=tmp_path_factory.mktemp("system"), lease_s=5.0, sweep_s=0.3, resend_after_s=1.5)
    options = {"faults": True, "first_token_s": 0.01, "token_s": 0.001}
    running = System(settings, [expert("a", options=options), expert("b", options=options)])
    running.start_broker()
    running.start("routing", "recovery", "expert a")
    yield running
    running.stop_all()


def collect(running: System, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [TOROUTER, "collect", *arguments],
        env=system.process_environment(running.settings) | {"COLUMNS": "400"},
        stderr=subprocess.PIPE,
        text=True,
    )


def first_line(process: subprocess.Popen[str]) -> str:
    """What it says of the batch, before it waits."""
    assert process.stderr is not None
    return process.stderr.readline()


def batches(running: System) -> int:
    with running.store._database.read() as connection:
        return connection.execute(select(func.count()).where(BATCH.c.owner == OWNER)).scalar_one()


def test_a_command_that_was_detached_and_killed_goes_on_with_its_batch_when_run_again(
    running: System, tmp_path: Path
) -> None:
    file, out = tmp_path / "prompts.jsonl", tmp_path / "outcomes.jsonl"
    texts = [f"question {i}" for i in range(PROMPTS - 1)] + ["[[fault:reject]]"]
    file.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts))
    command = (str(file), "--out", str(out))

    detached = collect(running, *command)
    until(lambda: batches(running) == 1, "the batch is stored", READY_S)
    detached.send_signal(signal.SIGINT)
    _, told = detached.communicate(timeout=END_S)
    killed = collect(running, *command)
    went_on = first_line(killed)
    killed.kill()
    killed.communicate()
    last = collect(running, *command)
    went_on_again = first_line(last)
    running.start("expert b")
    _, end = last.communicate(timeout=END_S)

    assert detached.returncode == 130
    assert "Detached; what was submitted goes on. Come back with the same command again" in told
    assert "of an earlier run goes on: same prompts, same experts, same sampling" in went_on
    assert went_on_again == went_on
    assert last.returncode == 0
    assert "Answers are missing: 1 of a, 1 of b. Ask for them again with the same command again" in end
    assert batches(running) == 1
    rows = [json.loads(line) for line in out.read_text().split("\n") if line]
    assert [row["prompt"] for row in rows] == texts[:-1]
    assert all(row["outcomes"].keys() == {"a", "b"} for row in rows)


def test_a_file_with_a_bad_line_stores_nothing(running: System, tmp_path: Path) -> None:
    before = batches(running)
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"prompt": "good"}\n' * 3 + '{"prompt": ""}\n')

    refused = collect(running, str(file), "--out", str(tmp_path / "outcomes.jsonl"))
    _, told = refused.communicate(timeout=END_S)

    assert refused.returncode == 2
    assert "prompts.jsonl:4: prompt: " in told
    assert batches(running) == before
