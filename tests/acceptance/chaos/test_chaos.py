"""A short run of the harness, which `make chaos` runs ten times, and longer."""

import threading
from collections import Counter
from pathlib import Path

from core.store.failpoints import Point
from tests.acceptance.chaos.run import run
from tests.acceptance.chaos.wanted import Wanted


def test_a_system_that_is_broken_all_the_time_keeps_its_promises(tmp_path: Path):
    hit: Counter[Point] = Counter()

    outcome = run(Wanted(1, 150, "postgresql", over_s=3.0, scored=False, experts=("a",)), tmp_path / "run", hit)

    assert outcome.violations == []
    assert outcome.prompts >= 150
    assert outcome.faults
    assert threading.active_count() < 20
