"""`python -m tests.bench.edge_to_cloud WEIGHTS PROMPTS --out DIR`: a small model here, a larger one in the cloud.

WEIGHTS is the larger model; it answers behind a network's delay (tests/bench/cloud.py) through the OpenAI-compatible
engine. Both experts answer all prompts through the whole system, one after the other, so that neither takes the other's
cores; DIR then holds `edge.jsonl`, `cloud.jsonl`, and the same split by text into `train.jsonl` and `test.jsonl`, for
`torouter evaluate`. What a calibrated share of strong calls brings on the second is printed; its times are those of the
two runs, put together.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from api import prompt_files, system
from core.schemas.outcomes import OutcomeRow
from core.settings import Settings
from experts import catalogue
from router import checkpoints
from router.config import DEFAULT_QUALITY, TrainConfig
from router.datasets import deduplicate, is_held_out, normalise
from router.outcomes import read_outcomes, write_outcomes
from router.policies import choose
from router.policy import Policy
from router.pool import Measure, Pool, pool_of
from router.predictions import BoolArray, Router
from router.registry import DEFAULT
from router.training import train
from tests.bench.cloud import HOST
from tests.system import System, until

CATALOGUE = catalogue.SHIPPED.with_name("edge_cloud.toml")
EDGE, CLOUD = "edge", "cloud"
CLOUD_PORT = 8201  # as in the catalogue

#: Of the prompts, which are measured on; the others are trained on.
TEST_SHARE = 1 / 3
SHARES = tuple(np.linspace(0, 1, 11))

#: Loading a model of half a billion parameters.
CLOUD_READY_S = 300
CLOUD_END_S = 60

console = Console()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.edge_to_cloud", description=__doc__)
    parser.add_argument("weights", help="of the larger model: a folder of safetensors, or a Hugging Face id")
    parser.add_argument("prompts", type=Path, help='JSON lines of {"prompt", "reference", "dataset"}')
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--delay-ms", type=float, default=50, help="each way (default: 50)")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that all that was started is ended
    texts(given.prompts)  # before an engine is loaded
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="torouter-edge-") as home:
        collect(given, Settings(home=Path(home)))
    rows = answered(given)
    show(
        router_of(part(rows, given.out, "train")),
        pool_of(part(rows, given.out, "test"), DEFAULT_QUALITY, (EDGE, CLOUD)),
    )


def texts(prompts: Path) -> set[str]:
    """The normalised texts of the file; InvalidInputError where it can't be read."""
    return {normalise(line.prompt or "") for line in prompt_files.read(prompts)}


def answered(given: argparse.Namespace) -> list[OutcomeRow]:
    """Both experts' outcomes on every prompt; the experts are not to be compared on different ones."""
    rows = deduplicate(read_outcomes([answers(given.out, EDGE), answers(given.out, CLOUD)]))
    found = {normalise(row.prompt) for row in rows if row.outcomes.keys() == {EDGE, CLOUD}}
    if found != texts(given.prompts) or len(found) != len(rows):
        sys.exit(
            f"{given.out} holds both experts' answers to {len(found)} prompts, which are not those of {given.prompts}"
        )
    return rows


def answers(out: Path, expert: str) -> Path:
    return out / f"{expert}.jsonl"


def collect(given: argparse.Namespace, settings: Settings) -> None:
    """Every expert's answers; an expert whose file is there is not asked again."""
    settings.home.chmod(0o700)
    running = System(settings, list(catalogue.load(CATALOGUE)))
    try:
        running.start_broker()
        running.start("recovery", "routing", "scoring")
        for expert in (EDGE, CLOUD):
            if not answers(given.out, expert).exists():
                with cloud(given) if expert == CLOUD else nullcontext():
                    console.print(f"Starting {expert} …")
                    running.start(f"expert {expert}")
                    ask(given, settings, expert)
                    running.kill(f"expert-{expert}")
    finally:
        running.stop_all()


@contextmanager
def cloud(given: argparse.Namespace) -> Iterator[None]:
    """The larger model's server, ended with the body; what it logs is in DIR/cloud.log."""
    argv = [sys.executable, "-m", "tests.bench.cloud", given.weights, "--delay-ms", str(given.delay_ms)]
    with (given.out / "cloud.log").open("w") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
        try:
            until(lambda: _cloud_answers(process), f"the cloud answers ({log.name})", CLOUD_READY_S)
            yield
        finally:
            process.terminate()
            process.wait(CLOUD_END_S)


def _cloud_answers(process: "subprocess.Popen[bytes]") -> bool:
    if process.poll() is not None:
        sys.exit(f"the cloud ended with status {process.returncode}: its log, cloud.log in --out, says why")
    try:
        return httpx.get(f"http://{HOST}:{CLOUD_PORT}/health", timeout=5).is_success
    except httpx.HTTPError:
        return False


def ask(given: argparse.Namespace, settings: Settings, expert: str) -> None:
    command = ["collect", str(given.prompts), "--experts", expert, "--out", str(answers(given.out, expert))]
    argv = [sys.executable, "-P", "-m", "api.cli", *command]
    subprocess.run(argv, env=system.process_environment(settings), check=True)


def part(rows: list[OutcomeRow], out: Path, name: str) -> list[OutcomeRow]:
    """The rows to train or to test on, as they are written into their file."""
    found = [row for row in rows if is_held_out(row.prompt, TEST_SHARE, "edge to cloud") == (name == "test")]
    write_outcomes(out / f"{name}.jsonl", found)
    return found


def router_of(rows: list[OutcomeRow]) -> Router:
    """The default router, with the calibration that the policy needs."""
    with tempfile.TemporaryDirectory(prefix="torouter-edge-") as folder:
        found = train(rows, TrainConfig(router=DEFAULT, quality=DEFAULT_QUALITY))
        checkpoints.save(found.router, Path(folder) / "router", found.manifest, found.lessons)
        return checkpoints.load(Path(folder) / "router")


def show(router: Router, pool: Pool) -> None:
    """What each share of strong calls brings: macro means over the data sets."""
    predictions = router.predict(pool.texts)
    column = [pool.experts.index(expert) for expert in predictions.experts]
    title = f"{DEFAULT}, {len(pool)} prompts"
    table = Table("share asked for", "share sent", "BERTSim", "US$ / 1,000", "mean s", "p95 s", title=title)
    for share in SHARES:
        chosen = np.array(column)[choose(predictions, Policy("strong", share), cloud=is_cloud(predictions.experts))]
        values = pool.take(chosen)
        quality, cost, latency = (pool.macro(values[one]) for one in (Measure.QUALITY, Measure.COST, Measure.LATENCY))
        table.add_row(
            f"{share:.1f}",
            f"{np.mean(chosen == pool.experts.index(CLOUD)):.2f}",
            f"{quality:.3f}",
            f"{1000 * cost:.4f}",
            f"{latency:.2f}",
            f"{np.nanquantile(values[Measure.LATENCY], 0.95):.2f}",
        )
    console.print(table)


def is_cloud(experts: Sequence[str]) -> BoolArray:
    return np.array([expert == CLOUD for expert in experts])


if __name__ == "__main__":
    main()
