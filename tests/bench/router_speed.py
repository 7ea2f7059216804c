"""`python -m tests.bench.router_speed`: prompts/s of routers, beside their bare encoder and the peers' own code.

Everything is measured in turn in this one run, on the same prompts and with the same encoder; ratios are medians of the
rounds' ratios. The bare pass is the encoder alone over sorted batches that are tokenized and padded beforehand. Prompts
are at most as long as our routers read, so that nobody computes more tokens than the others.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from api import first_router, prompt_files
from core.schemas.outcomes import Outcome, OutcomeRow
from router import device, runtime
from router.config import DEFAULT_ENCODER, TrainConfig
from router.device import Placement
from router.encoder import Vectors, load_tokenizer, load_transformer, locate
from router.predictions import Router
from router.registry import DEFAULT
from router.tokens import batches
from router.training import train
from tests.bench.peers import PEERS
from tests.data import DATA

MAX_TOKENS = 256
BATCH_SIZES = (1, 8, 64, 512)

#: Our routers, and how many prompts each is trained on: BERT's speed does not depend on what it has learned.
TRAINED = {DEFAULT: None, "bert": 48}
BARE, BARE_TORCH = "bare pass", "bare pass in torch"

#: Works through texts; what it measures is how long that takes.
Contender = Callable[[Sequence[str]], object]

#: Seconds of each round by contender.
Seconds = dict[str, list[float]]

console = Console()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.router_speed", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=400, help="of the prompts")
    parser.add_argument("--prompts", type=Path, help="JSON lines (default: of $TOROUTER_DATA, else the demo's)")
    parser.add_argument("--peers", help="the Python of the peers' environment; docs/performance.md says how it is made")
    given = parser.parse_args()
    lines = read_prompts(given.prompts, given.count)
    texts = [line.prompt or "" for line in lines]
    console.print(f"{len(texts)} prompts, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}")
    routers = {name: trained(name, lines[:few]) for name, few in TRAINED.items()}
    with asking(given.peers) if given.peers else nullcontext({}) as peers:
        ours = {name: router.predict for name, router in routers.items()}
        found = measured({**ours, **bare_passes(texts), **peers}, texts, given.rounds)
    show_speed(found, len(texts))
    for name in routers:
        show_ratios(name, found)
    show_batch_sizes(routers, texts)


def read_prompts(path: Path | None, count: int) -> list[prompt_files.PromptLine]:
    """As many from each file, none longer than our routers read."""
    shared, shipped = (sorted(folder.glob("*.jsonl")) for folder in (DATA / "prompts", first_router.PROMPTS))
    files = [path] if path else shared or shipped
    tokenizer = load_tokenizer(DEFAULT_ENCODER, MAX_TOKENS + 1)
    found = []
    for file in files:
        lines = islice(prompt_files.read(file), 2 * count)
        short = [line for line in lines if line.prompt and len(tokenizer.ids([line.prompt])[0]) <= MAX_TOKENS]
        found += short[: -(-count // len(files))]
    return found[:count]


def trained(kind: str, lines: Sequence[prompt_files.PromptLine]) -> Router:
    """A router that was trained just enough to be one, on outcomes that say which data set a prompt is of."""
    datasets = sorted({line.dataset or "" for line in lines})
    rows = [
        OutcomeRow(id=str(i), dataset=line.dataset or "", prompt=line.prompt or "", outcomes=made_up(line, datasets))
        for i, line in enumerate(lines)
    ]
    return train(rows, TrainConfig(router=kind, quality="score", epochs=1, max_tokens=MAX_TOKENS)).router


def made_up(line: prompt_files.PromptLine, datasets: list[str]) -> dict[str, Outcome]:
    best = datasets.index(line.dataset or "") % 5
    return {f"expert-{i}": Outcome(score=0.8 if i == best else 0.5) for i in range(5)}


def bare_passes(texts: Sequence[str]) -> dict[str, Contender]:
    place = device.serving()
    return {BARE: bare(texts, place), BARE_TORCH: bare(texts, place.with_torch())}


def bare(texts: Sequence[str], place: Placement) -> Contender:
    """The encoder over what is already tokenized, sorted and padded."""
    tokenizer = load_tokenizer(DEFAULT_ENCODER, MAX_TOKENS)
    forward = runtime.serving(Vectors(load_transformer(DEFAULT_ENCODER)), place)
    ids = tokenizer.ids(texts)
    cut = list(batches([len(row) for row in ids], place.tokens_per_batch))
    padded = [tokenizer.pad([ids[i] for i in batch], place.device) for batch in cut]

    def run(_texts: Sequence[str]) -> None:
        with torch.inference_mode():
            for one in padded:
                forward(*one).cpu()

    return run


@contextmanager
def asking(python: str) -> Iterator[dict[str, Contender]]:
    """The peers in a process of their own, ended with the body; the time their answers take to arrive is none."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [python, str(Path(__file__).with_name("peers.py")), locate(DEFAULT_ENCODER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(name: str, texts: Sequence[str]) -> None:
            process.stdin.write(json.dumps({"peer": name, "texts": list(texts)}) + "\n")
            process.stdin.flush()
            if not process.stdout.readline():
                log.seek(0)
                sys.exit(f"{name} failed:\n{log.read()}")

        try:
            yield {name: lambda texts, name=name: ask(name, texts) for name in PEERS}
        finally:
            process.stdin.close()
            process.wait(60)


def measured(contenders: dict[str, Contender], texts: Sequence[str], rounds: int) -> Seconds:
    """In turn, so that a machine whose speed drifts slows all; what comes before the first round only warms up."""
    found: Seconds = {name: [] for name in contenders}
    for run in contenders.values():
        run(texts)
    for number in range(1, rounds + 1):
        for name, run in contenders.items():
            found[name].append(seconds(run, texts))
        console.print(f"round {number} of {rounds}, load {os.getloadavg()[0]:.1f}")
    return found


def seconds(run: Contender, texts: Sequence[str]) -> float:
    started = time.perf_counter()
    run(texts)
    return time.perf_counter() - started


def show_speed(found: Seconds, count: int) -> None:
    table = Table("contender", "min", "median", "max", title="Prompts/s")
    for name, taken in found.items():
        speeds = [count / one for one in taken]
        table.add_row(name, *(f"{fold(speeds):.1f}" for fold in (min, statistics.median, max)))
    console.print(table)


def show_ratios(router: str, found: Seconds) -> None:
    """How many times as fast the router was as each of the others, round by round."""
    table = Table("as fast as", "min", "median", "max", title=f"{router}, times")
    for name in (name for name in found if name not in TRAINED):
        ratios = [other / own for own, other in zip(found[router], found[name], strict=True)]
        table.add_row(name, *(f"{fold(ratios):.2f}" for fold in (min, statistics.median, max)))
    console.print(table)


def show_batch_sizes(routers: dict[str, Router], texts: Sequence[str]) -> None:
    table = Table("prompts in a call", *routers, title="Milliseconds per prompt")
    many = list(texts) * -(-max(BATCH_SIZES) // len(texts))
    for size in BATCH_SIZES:
        calls = [many[start : start + size] for start in range(0, min(size * 16, len(many) - size + 1), size)]
        times = [[seconds(router.predict, call) for call in calls] for router in routers.values()]
        table.add_row(str(size), *(f"{1000 * statistics.median(one) / size:.2f}" for one in times))
    console.print(table)


if __name__ == "__main__":
    main()
