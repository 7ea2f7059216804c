"""The real prompts and outcomes that some tests and benchmarks use; a user's machine has none of them."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("TOROUTER_DATA") or Path(__file__).parents[2] / "shared" / "data")


def needs(*paths: Path) -> pytest.MarkDecorator:
    """Skip where one of them is missing."""
    missing = next((path for path in paths if not path.exists()), None)
    return pytest.mark.skipif(missing is not None, reason=f"there is no {missing}; TOROUTER_DATA names the data")
