"""Time of a router's predictions against the number of prompts in a call."""

import time
from collections.abc import Sequence
from itertools import cycle, islice
from typing import Final

from router.predictions import Router
from router.reports import Speed

#: Prompts in a call, and how often it is timed; the fastest call counts, since others had company.
CALLS: Final = {1: 6, 8: 4, 64: 2, 256: 1}


def time_per_prompt(router: Router, prompts: Sequence[str]) -> list[Speed]:
    """Milliseconds per prompt for each size of a call; fewer prompts than that are repeated."""
    router.predict(prompts[:1])  # what is loaded or compiled on first use
    endless = cycle(prompts)
    found = []
    for size, calls in CALLS.items():
        seconds = min(_seconds(router, list(islice(endless, size))) for _ in range(calls))
        found.append(Speed(batch=size, ms_per_prompt=1000 * seconds / size))
    return found


def _seconds(router: Router, prompts: Sequence[str]) -> float:
    started = time.perf_counter()
    router.predict(prompts)
    return time.perf_counter() - started
