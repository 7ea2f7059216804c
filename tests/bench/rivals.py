"""A file of prompts: `python -m tests.bench.rivals`. The whole path against `vllm run-batch` and bare `AsyncLLM`.

The same prompts and expert, the same engine arguments, engine start left out: vLLM's own `run_batch` is called on an
engine that is warm, and reads and writes its files like ours. Bare `AsyncLLM` gets all prompts at once, tokenized by
the same chat template, and writes nothing. In turn, so that a machine whose speed drifts slows all.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from rich.table import Table

from api import system
from core.settings import Settings
from experts import catalogue
from experts.device import prepare_environment
from experts.vllm_engine import VllmEngine
from experts.weights import prepare
from tests.bench.one_expert import EXPERT, address, by_file, console, line, prompts, whole_path

MAX_TOKENS = 64


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.rivals", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of all three in turn (default: 3)")
    parser.add_argument("--repeat", type=int, default=1, help="how often the 148 prompts are asked (default: 1)")
    parser.add_argument("--port", type=int, default=2348, help="a free port for the API")
    parser.add_argument(
        "--engine", metavar="CACHE", help=argparse.SUPPRESS
    )  # the process that holds the rivals' engine
    given = parser.parse_args()
    if given.engine:
        asyncio.run(serve(Path(given.engine)))
        return
    texts = [one.prompt or "" for name in ("collect", "route") for one in prompts(name)] * given.repeat
    with tempfile.TemporaryDirectory(prefix="torouter-rivals-") as home:
        settings = Settings(home=Path(home), port=given.port)
        with whole_path(settings) as running, rivals(Path(home)) as ask:
            client = httpx.Client(base_url=address(running), timeout=600)
            compare(client, ask, texts, Path(home), given.rounds)


def compare(client: httpx.Client, ask: Any, texts: list[str], home: Path, rounds: int) -> None:
    """Rounds of all three, after one that only warms up."""
    ours = [line(str(i), text, EXPERT, max_tokens=MAX_TOKENS) for i, text in enumerate(texts)]
    theirs, few = home / "theirs.jsonl", home / "few.jsonl"
    lines = [line(str(i), text, ask.model, max_tokens=MAX_TOKENS) for i, text in enumerate(texts)]
    theirs.write_text("".join(lines))
    few.write_text("".join(lines[:32]))
    by_file(client, ours[:32])
    ask("bare", few)
    table = Table("round", "run-batch", "AsyncLLM", "whole path", "over run-batch", "over AsyncLLM", title="prompts/s")
    ratios = []
    for number in range(1, rounds + 1):
        seconds = ask("run_batch", theirs), ask("bare", theirs), by_file(client, ours)[0]
        rates = [len(texts) / one for one in seconds]
        ratios.append((rates[2] / rates[0], rates[2] / rates[1]))
        table.add_row(str(number), *(f"{one:.2f}" for one in rates), *(f"{one:.3f}" for one in ratios[-1]))
        console.print(f"round {number} of {rounds}: {', '.join(f'{one:.2f}' for one in rates)} prompts/s")
    medians = (statistics.median(column) for column in zip(*ratios, strict=True))
    table.add_row("median", "", "", "", *(f"[bold]{one:.3f}[/]" for one in medians))
    console.print(f"{len(texts)} prompts, at most {MAX_TOKENS} tokens each.")
    console.print(table)


class Rivals:
    """The process that holds the rivals' engine."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.model = str(self._read()["model"])

    def __call__(self, what: str, file: Path) -> float:
        """Seconds of one of them for a file."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"what": what, "file": str(file)}) + "\n")
        self._process.stdin.flush()
        return float(self._read()["seconds"])

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for said in self._process.stdout:
            if said.startswith("{"):
                found: dict[str, Any] = json.loads(said)
                return found
        raise AssertionError("the rivals' engine is gone")


@contextmanager
def rivals(home: Path) -> Iterator[Rivals]:
    console.print("Starting the rivals' engine …")
    log = home / "rivals.log"
    command = [sys.executable, "-m", "tests.bench.rivals", "--engine", str(home / "cache")]
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
            env=system.process_environment(Settings(home=home)),
        )  # fmt: skip
    try:
        yield Rivals(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.returncode != 0:
            sys.stderr.write(log.read_text()[-3000:])


async def serve(cache: Path) -> None:
    """Answer one line of standard input with one of standard output, until the first ends."""
    prepare_environment(offline=True)
    from vllm import AsyncEngineArgs  # noqa: PLC0415  # reads the environment on import
    from vllm.v1.engine.async_llm import AsyncLLM  # noqa: PLC0415

    spec = next(spec for spec in catalogue.load(catalogue.SHIPPED) if spec.name == EXPERT)
    model = str(prepare(spec, cache).model)
    llm = AsyncLLM.from_engine_args(AsyncEngineArgs(**VllmEngine([spec], cache)._arguments(model)))
    say({"model": model})
    while asked := await asyncio.to_thread(sys.stdin.readline):
        wanted = json.loads(asked)
        started = time.perf_counter()
        await (run_batch if wanted["what"] == "run_batch" else bare)(llm, model, Path(wanted["file"]))
        say({"seconds": time.perf_counter() - started})
    llm.shutdown()


def say(found: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


async def run_batch(llm: Any, model: str, file: Path) -> None:
    """vLLM's own, as its command calls it."""
    from vllm.entrypoints.launchers import run_batch as theirs  # noqa: PLC0415  # heavy
    from vllm.utils.argparse_utils import FlexibleArgumentParser  # noqa: PLC0415

    parser = theirs.make_arg_parser(FlexibleArgumentParser())
    args = parser.parse_args(["-i", str(file), "-o", str(file.with_suffix(".out")), "--model", model])
    await theirs.run_batch(llm, args)
    lines = file.with_suffix(".out").read_text().strip().split("\n")
    assert all(json.loads(one)["error"] is None for one in lines)
    assert len(lines) == len(file.read_text().strip().split("\n"))


async def bare(llm: Any, _model: str, file: Path) -> None:
    """Every prompt at once."""
    from vllm import SamplingParams, TokensPrompt  # noqa: PLC0415  # heavy
    from vllm.sampling_params import RequestOutputKind  # noqa: PLC0415

    tokenizer = llm.get_tokenizer()

    async def one(number: int, asked: str) -> None:
        messages = json.loads(asked)["body"]["messages"]
        tokens = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
        kind = RequestOutputKind.FINAL_ONLY
        params = SamplingParams(temperature=0, max_tokens=MAX_TOKENS, output_kind=kind)
        async for _ in llm.generate(TokensPrompt(prompt_token_ids=tokens), params, f"{time.time()}-{number}"):
            pass

    await asyncio.gather(*(one(number, asked) for number, asked in enumerate(file.read_text().strip().split("\n"))))


if __name__ == "__main__":
    main()
