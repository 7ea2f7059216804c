"""A short run of the harness, which `make chaos` runs ten times, and longer."""

import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.store.failpoints import Point
from tests.acceptance.chaos.run import run
from tests.acceptance.chaos.wanted import Wanted


@pytest.fixture
def folder() -> Iterator[Path]:
    """Whose name leaves room for those of sockets, of at most 107 characters."""
    with tempfile.TemporaryDirectory(prefix="torouter-chaos-") as name:
        Path(name).chmod(0o711)  # for the user of PostgreSQL
        yield Path(name)


def test_a_system_that_is_broken_all_the_time_keeps_its_promises(folder: Path):
    hit: Counter[Point] = Counter()

    outcome = run(Wanted(1, 150, "postgresql", over_s=3.0, scored=False, experts=("a",)), folder, hit)

    assert outcome.violations == []
    assert outcome.prompts >= 150
    assert outcome.faults
    assert threading.active_count() < 20
