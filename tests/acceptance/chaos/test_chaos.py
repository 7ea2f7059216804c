"""A short run of the harness, which `make chaos` runs ten times, and longer."""

import os
import threading
from collections import Counter
from pathlib import Path

import pytest

from core.store.failpoints import Point
from tests.acceptance.chaos.run import run
from tests.acceptance.chaos.wanted import Wanted


@pytest.mark.skipif("TOROUTER_CHAOS" not in os.environ, reason="four minutes: TOROUTER_CHAOS=1 runs it, and make chaos")
def test_a_system_that_is_broken_all_the_time_keeps_its_promises(tmp_path: Path):
    hit: Counter[Point] = Counter()

    outcome = run(Wanted(1, 400, "postgresql", over_s=6.0, scored=False, experts=("a", "b")), tmp_path / "run", hit)

    assert outcome.violations == []
    assert outcome.prompts >= 400
    assert outcome.faults
    assert threading.active_count() < 20
