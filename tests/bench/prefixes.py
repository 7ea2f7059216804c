"""What order is worth: `python -m tests.bench.prefixes`. Prompts that share long prefixes, shuffled, on a real expert.

As an evaluation of many subjects with a few examples each: the prefixes together are larger than the engine's cache, so
that it helps only where prompts of one prefix come together. The whole path without and with TOROUTER_ORDER_BY_PREFIX,
in turn, each time with prefixes that the engine has not seen.
"""

import argparse
import random
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.table import Table

from core.settings import Settings
from tests.bench.one_expert import EXPERT, address, by_file, console, line, whole_path
from tests.system import System

WORDS = [
    "river",
    "stone",
    "cloud",
    "lamp",
    "garden",
    "winter",
    "copper",
    "violin",
    "market",
    "thread",
    "island",
    "candle",
    "bridge",
    "forest",
    "mirror",
]


@dataclass(frozen=True)
class Size:
    prefixes: int
    words: int
    questions: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.prefixes", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="pairs of measurements (default: 2)")
    parser.add_argument("--prefixes", type=int, default=100, help="different ones (default: 100)")
    parser.add_argument("--words", type=int, default=600, help="of a prefix (default: 600)")
    parser.add_argument("--questions", type=int, default=4, help="that share one (default: 4)")
    parser.add_argument("--port", type=int, default=2349, help="a free port for the API")
    given = parser.parse_args()
    size = Size(given.prefixes, given.words, given.questions)
    with tempfile.TemporaryDirectory(prefix="torouter-prefixes-") as home:
        settings = Settings(home=Path(home), port=given.port)
        with whole_path(settings) as running, httpx.Client(base_url=address(running), timeout=600) as client:
            compare(running, client, size, given.rounds)


def compare(running: System, client: httpx.Client, size: Size, rounds: int) -> None:
    by_file(client, lines(Size(4, 20, 2), seed=-1))  # only warms up
    table = Table("round", "as they came", "ordered", "ratio", title="prompts/s")
    ratios = []
    for number in range(rounds):
        rates = []
        for ordered in (False, True):
            restart(running, ordered=ordered)
            asked = lines(size, seed=2 * number + ordered)
            rates.append(len(asked) / by_file(client, asked)[0])
        ratios.append(rates[1] / rates[0])
        table.add_row(str(number + 1), *(f"{one:.2f}" for one in rates), f"{ratios[-1]:.2f}")
        console.print(f"round {number + 1} of {rounds}: {rates[0]:.2f} and {rates[1]:.2f} prompts/s")
    table.add_row("median", "", "", f"[bold]{statistics.median(ratios):.2f}[/]")
    console.print(table)


def restart(running: System, *, ordered: bool) -> None:
    """The process that orders."""
    running.stop("batches")
    running.settings = running.settings.model_copy(update={"order_by_prefix": ordered})
    running.start("batches")


def lines(size: Size, seed: int) -> list[str]:
    draw = random.Random(seed)
    prefixes = [" ".join(draw.choices(WORDS, k=size.words)) for _ in range(size.prefixes)]
    texts = [f"{prefix}\n\nSay the word {n}." for prefix in prefixes for n in range(size.questions)]
    draw.shuffle(texts)
    return [line(str(i), text, EXPERT, max_tokens=4) for i, text in enumerate(texts)]


if __name__ == "__main__":
    main()
