"""A short run of the harness (`make chaos` is the long one): a system that is killed, cut off and lied to keeps its promises."""

import threading
from collections import Counter
from pathlib import Path

from core.store.failpoints import Point
from tests.acceptance.chaos.run import run
from tests.acceptance.chaos.wanted import Wanted


def test_a_system_that_is_broken_all_the_time_keeps_its_promises(tmp_path: Path):
    hit: Counter[Point] = Counter()

    outcome = run(Wanted(1, 400, "postgresql", over_s=6.0, scored=False, experts=("a", "b")), tmp_path / "run", hit)

    assert outcome.violations == []
    assert outcome.prompts >= 400
    assert outcome.faults
    assert threading.active_count() < 20
