"""A short run of the harness on each database: a system that is killed, cut off and lied to keeps its promises."""

import threading
from collections import Counter
from pathlib import Path

import pytest

from core.store.failpoints import Point
from tests.acceptance.chaos.run import run
from tests.acceptance.chaos.wanted import Wanted


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_system_that_is_broken_all_the_time_keeps_its_promises(database: str, tmp_path: Path):
    hit: Counter[Point] = Counter()

    outcome = run(Wanted(1, 400, database, over_s=6.0, scored=False, experts=("a", "b")), tmp_path / "run", hit)

    assert outcome.violations == []
    assert outcome.prompts >= 400
    assert outcome.faults
    assert threading.active_count() < 20
