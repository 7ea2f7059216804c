"""How hard the parsers are tried: with the same examples every time, unless a search for new ones is asked for.

HYPOTHESIS_PROFILE=search .venv/bin/python -m pytest tests/fuzz
"""

import os

from hypothesis import HealthCheck, settings

_COMMON = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("same", derandomize=True, max_examples=150, **_COMMON)
settings.register_profile("search", max_examples=5_000, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
