"""The step that ends a batch in the middle: what has not been answered becomes cancelled, or expired.

Engines hear of it when their leases are renewed, and give up what they were at (`workers/generating.py`).
"""

from core.schemas.files import BatchJob
from core.store.failpoints import Point, failpoint
from core.tables import State
from workers.lines import Using

#: Rows that one transaction ends.
PAGE = 4000


def stop(job: BatchJob, state: State, using: Using) -> None:
    """End all that is open; twice does no harm.

    Prompts first, so that none is routed any more, then the generations of those that were.
    """
    jobs, line = using.store.batch_jobs, 0
    while (after := jobs.stop_prompts(job, state, line, PAGE)) is not None:
        failpoint(Point.STOPPING_PROMPTS)
        using.check(job)
        line = after
    while jobs.stop_generations(job, state, PAGE):
        failpoint(Point.STOPPING_GENERATIONS)
        using.check(job)
    jobs.stop_rest(job, state)
    failpoint(Point.STOPPING_ENDED)
