"""Where the real prompts and outcomes lie that some tests and benchmarks use; a user's machine has none of them."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("TOROUTER_DATA") or Path(__file__).parents[2] / "shared" / "data")

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"there are no data sets in {DATA}; TOROUTER_DATA names them")
