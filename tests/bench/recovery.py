"""How soon a killed worker's work is there for another: `python -m tests.bench.recovery`. Real processes.

It gets a SIGKILL while it holds prompts; the clock runs until the last of them is in the queue again.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from core.settings import Settings
from tests.factories import expert, prompt
from tests.system import System, until

#: Of a kill; an answer takes a second.
PROMPTS = 64

HELD = "SELECT id FROM generation WHERE state = 'running' OR (state = 'pending' AND sent_at IS NULL)"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.recovery", description=__doc__)
    parser.add_argument("--kills", type=int, default=5, help="of each setting (default: 5)")
    given = parser.parse_args()
    table = Table("lease", "sweep every", "kills", "p50", "max", title="SIGKILL until the work is there for another")
    default = Settings()
    for lease_s, sweep_s in ((4.0, 1.0), (default.lease_s, default.sweep_s)):
        taken = list(measure(lease_s, sweep_s, given.kills))
        figures = (f"{statistics.median(taken):.1f} s", f"{max(taken):.1f} s")
        table.add_row(f"{lease_s:g} s", f"{sweep_s:g} s", str(len(taken)), *figures)
    Console().print(table)


def measure(lease_s: float, sweep_s: float, kills: int) -> Iterator[float]:
    with tempfile.TemporaryDirectory(prefix="torouter-recovery-") as home:
        settings = Settings(home=Path(home), lease_s=lease_s, sweep_s=sweep_s, log_level="ERROR")
        system = System(settings, [expert("a", options={"first_token_s": 1.0, "token_s": 0})])
        try:
            system.start_broker()
            system.promote_random(settings.home / "checkpoint", "a")
            system.start("routing", "recovery")
            for _ in range(kills):
                system.start("expert a")
                yield killed(system)
        finally:
            system.stop_all()


def killed(system: System) -> float:
    """Seconds until nothing is in a dead worker's hands."""
    system.submit(*(prompt(f"question {number}") for number in range(PROMPTS)))
    until(lambda: bool(held(system)), "the worker holds prompts")
    system.kill("expert-a")
    began = time.monotonic()
    until(lambda: not held(system), "its prompts come back", 2 * system.settings.lease_s + 60)
    return time.monotonic() - began


def held(system: System) -> list[int]:
    with system.store.batches._database.read() as connection:
        return list(connection.execute(text(HELD)).scalars())


if __name__ == "__main__":
    main()
