"""Break the real system, seed by seed: `make chaos`, or `python -m tests.acceptance.chaos`. Exit status 1: a violation.

The system runs on a small disk of its own, a Valkey and a PostgreSQL (or SQLite), in processes that are killed, frozen,
armed with failpoints and started again, while its broker, database, disk and messages fail too. Then everything that
it promises is looked at.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from core.store.failpoints import Point
from tests.acceptance.chaos import table
from tests.acceptance.chaos.run import Outcome, run
from tests.acceptance.chaos.wanted import Wanted

#: Experts of the shipped catalogue for the run with real engines.
REAL = ("general", "math")

#: Prompts in a second: about what two cores do beside the faults, so that there is always something to lose.
RATE = 140


def main() -> int:
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and so leave no process and no disk behind
    hit: Counter[Point] = Counter()
    outcomes: list[Outcome] = []
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        folder = Path(tempfile.mkdtemp(prefix=f"torouter-chaos-{seed}-", dir=given.folder))
        wanted = Wanted(
            seed,
            given.prompts,
            given.database,
            given.over or given.prompts / RATE,
            scored=not given.unscored and given.engine == "synthetic",
            broker=given.broker,
            engine=given.engine,
            experts=REAL if given.engine == "vllm" else Wanted.experts,
        )
        outcome = run(wanted, folder, hit, given.only)
        outcomes.append(outcome)
        told = f"{len(outcome.violations)} violations: {folder}" if outcome.violations else "no violation"
        line = f"seed {seed}: {outcome.prompts:,} prompts in {outcome.seconds:.0f} s, {told}"
        table.console.print(f"{time.strftime('%H:%M:%S')} {line}", highlight=False)
        for violation in outcome.violations:
            table.console.print(f"  {violation}", highlight=False, markup=False)
        if not outcome.violations and not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
        if given.json is not None:
            given.json.write_text(json.dumps(table.as_json(outcomes, hit), indent=1))
    table.show(outcomes, hit)
    return int(any(one.violations for one in outcomes))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="runs (default: 10)")
    parser.add_argument("--first-seed", type=int, default=1, help="of the first run (default: 1)")
    parser.add_argument("--prompts", type=int, default=10_000, help="of each run (default: 10,000)")
    parser.add_argument("--over", type=float, help=f"seconds over which they come (default: {RATE} prompts/s)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--broker", choices=("valkey", "rabbitmq"), default="valkey", help="or Debian's RabbitMQ")
    parser.add_argument("--engine", choices=("synthetic", "vllm"), default="synthetic", help="vllm: some 300 prompts")
    parser.add_argument("--unscored", action="store_true", help="without references, so that no encoder is loaded")
    parser.add_argument("--only", default="", help="faults whose names contain this")
    parser.add_argument("--keep", action="store_true", help="keep the logs of runs without violations too")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="for logs and small disks")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
