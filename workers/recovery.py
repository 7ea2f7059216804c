"""The step that brings work back: leases that expired, and rows that no message is under way for.

Several may run at once. The broker only wakes people up, so a message too many does no harm.
"""

import logging
from collections.abc import Callable

from core import metrics, queues
from core.settings import Settings
from core.store import Store
from core.store.failpoints import Point, failpoint
from core.store.recovery import BATCH_ROWS, Reclaimed
from workers.sending import Sender

log = logging.getLogger(__name__)

#: How many messages wait in a queue.
Depth = Callable[[str], int]


@metrics.SWEEP_SECONDS.time()
def sweep(store: Store, sender: Sender, depth: Depth, settings: Settings) -> Reclaimed:
    """Reclaim, end what nobody answers any more, find lost messages, and send whatever is unsent.

    What came back from silent workers.
    """
    reclaimed = store.recovery.reclaim(settings.max_attempts)
    metrics.RECLAIMED.labels("back").inc(reclaimed.pending)
    gone = store.recovery.fail_gone()
    metrics.RECLAIMED.labels("failed").inc(reclaimed.failed + gone)
    if gone:
        log.warning("%d prompts fail, since their expert has left the catalogue", gone)
    _forget_lost_messages(store, depth, settings)
    more = True
    while more:
        dispatches = store.recovery.unsent(sender.room)
        if dispatches:
            failpoint(Point.RECOVERY_TAKEN)
        taken = sender.send(dispatches)
        for one in dispatches if taken else ():
            metrics.RECOVERY_SENT.labels(metrics.STEPS[one.task]).inc(len(one.ids))
        # Where the broker is away, or all has been taken, the rest is the next sweep's.
        more = taken and sum(len(one.ids) for one in dispatches) >= BATCH_ROWS
    return reclaimed


def _forget_lost_messages(store: Store, depth: Depth, settings: Settings) -> None:
    """A row sent long ago that nobody has claimed has lost its message, if its queue is empty.

    In a queue that never runs empty it may still be waiting, so it is sent again only rarely.
    """
    for queue, oldest_s in store.recovery.stale(settings.resend_after_s).items():
        lost = 0
        if depth(queue) == 0:
            lost = store.recovery.resend(queue, settings.resend_after_s)
            failpoint(Point.RECOVERY_FORGOT)
        elif oldest_s >= settings.resend_anyway_s:
            lost = store.recovery.resend(queue, settings.resend_anyway_s)
        metrics.RECOVERY_RESENT.labels(metrics.STEPS[queues.address(queue).task]).inc(lost)
