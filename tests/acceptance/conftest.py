"""Prepared weights, shared by all tests of real engines in a run."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of prepared weights; TOROUTER_TEST_CACHE names one that outlives the run."""
    named = os.environ.get("TOROUTER_TEST_CACHE")
    return Path(named) / "weights" if named else tmp_path_factory.mktemp("weights")
