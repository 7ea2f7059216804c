"""`make bench`: every figure is a ratio of two things that were measured in turn, in this one run.

1. Tokens/s of the whole path (HTTP, database, broker, two workers, engine) over those of bare `vllm.LLM.chat`, with the
   same engine arguments, prompts and expert.
2. The latency of a single prompt while that expert works through a bulk batch, over its latency on an idle system.
"""

import argparse
import contextlib
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from api import system
from api.client import Client
from core.settings import Settings
from tests.bench.one_expert import EXPERT, address, prompts, whole_path
from tests.system import until

MAX_TOKENS = 96

#: Seconds for bare vLLM to end after what it is at.
BARE_END_S = 60

console = Console()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="pairs of measurements of 1 (default: 3; 0: only 2)")
    parser.add_argument("--repeat", type=int, default=1, help="how often the 148 prompts are asked in one measurement")
    parser.add_argument("--port", type=int, default=2346, help="a free port for the API")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that all that was started is ended
    texts = [line.prompt or "" for name in ("collect", "route") for line in prompts(name)] * given.repeat
    with tempfile.TemporaryDirectory(prefix="torouter-bench-") as home:
        measure(Settings(home=Path(home), port=given.port), texts, given.rounds)


def measure(settings: Settings, texts: list[str], rounds: int) -> None:
    with whole_path(settings) as running:
        if rounds:
            with bare(settings.home) as ask_bare:
                console.print(f"{len(texts)} prompts, at most {MAX_TOKENS} tokens each; both engines are warm.")
                throughput(address(running), ask_bare, texts, rounds)
        latency(address(running), texts)


def throughput(url: str, ask_bare: "Bare", texts: list[str], rounds: int) -> None:
    """Pairs in turn, so that a machine whose speed drifts slows both; the first of each only warms up."""
    ask_bare(texts[:32])
    by_batch(url, texts[:32])
    table = Table("round", "bare LLM.chat, tokens/s", "whole path, tokens/s", "ratio", title="1. Throughput")
    ratios = []
    for number in range(1, rounds + 1):
        alone, whole = ask_bare(texts), by_batch(url, texts)
        ratios.append(whole / alone)
        console.print(f"round {number} of {rounds}: {alone:.0f} and {whole:.0f} tokens/s")
        table.add_row(str(number), f"{alone:.0f}", f"{whole:.0f}", f"{ratios[-1]:.3f}")
    table.add_row("median", "", "", f"[bold]{statistics.median(ratios):.3f}[/]")
    console.print(table)


def latency(url: str, texts: list[str]) -> None:
    """Single prompts, one after the other, with and without a bulk batch beside them."""
    idle = [single(url, text) for text in texts[:12]]
    batch = Client(url).submit(bodies(texts * 3), **{"class": "bulk"})["id"]
    until(lambda: Client(url).batch(batch)["request_counts"]["completed"] > 0, "the bulk batch has begun")
    busy: list[float] = []
    for text in texts[:12]:
        if Client(url).batch(batch)["status"] == "completed":
            break
        busy.append(single(url, text))
    table = Table("a single prompt", "n", "median s", "max s", title="2. Interactive latency")
    table.add_row("on an idle system", str(len(idle)), f"{statistics.median(idle):.2f}", f"{max(idle):.2f}")
    table.add_row("during a bulk batch", str(len(busy)), f"{statistics.median(busy):.2f}", f"{max(busy):.2f}")
    ratio = statistics.median(busy) / statistics.median(idle)
    table.add_row("ratio of medians", "", f"[bold]{ratio:.2f}[/]", "")
    console.print(table)


def bodies(texts: list[str]) -> list[dict[str, object]]:
    return [{"prompt": text, "expert": EXPERT, "max_tokens": MAX_TOKENS} for text in texts]


def by_batch(url: str, texts: list[str]) -> float:
    """Tokens/s from the request that submits to the batch's end."""
    client = Client(url)
    started = time.perf_counter()
    batch = client.submit(bodies(texts), **{"class": "bulk"})["id"]
    while (seen := client.batch(batch))["status"] != "completed":
        time.sleep(0.05)
    taken = time.perf_counter() - started
    assert seen["request_counts"]["failed"] == 0, seen
    return float(seen["usage"]["output_tokens"]) / taken


def single(url: str, text: str) -> float:
    """Seconds of one request that waits."""
    body = {"model": EXPERT, "messages": [{"role": "user", "content": text}], "max_tokens": 16}
    started = time.perf_counter()
    httpx.post(f"{url}/v1/chat/completions", json=body, timeout=300).raise_for_status()
    return time.perf_counter() - started


class Bare:
    """vLLM alone in a process of its own, which `tests/bench/bare.py` is."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._lock = threading.Lock()

    def __call__(self, texts: list[str]) -> float:
        """Tokens/s of one `LLM.chat` over all of them."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"texts": texts, "max_tokens": MAX_TOKENS}) + "\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        return float(found["tokens"]) / float(found["seconds"])


@contextmanager
def bare(home: Path) -> Iterator[Bare]:
    """Bare vLLM, ended with the body; what it logs is shown only where it fails."""
    console.print("Starting bare vLLM …")
    log = home / "bare.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.bare", str(home / "cache"), EXPERT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=system.process_environment(Settings(home=home)),
            text=True,
        )
    try:
        yield Bare(process)
    finally:
        end(process)
        if process.returncode != 0:
            sys.stderr.write(log.read_text())


def end(process: "subprocess.Popen[str]") -> None:
    """Close its input, at whose end it ends; kill it where it doesn't."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it has ended by itself
        process.stdin.close()
    try:
        process.wait(BARE_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


main()
