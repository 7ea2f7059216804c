"""Phase 1: every expert answers every prompt, and the outcomes are kept for training. Works on the store itself."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from core.errors import InvalidInputError, NotReadyError
from core.queues import WorkClass
from core.schemas.outcomes import OutcomeRow
from core.schemas.views import BatchView
from core.schemas.work import NewPrompt, Submission
from core.store import Store
from core.tables import LOCAL
from workers.sending import Sender

#: Seconds between two looks at a batch.
POLL_S = 0.5


def chosen_experts(store: Store, wanted: str) -> tuple[str, ...]:
    """Names from `all` or a list with commas; each once; UnknownExpertError names those there are."""
    if wanted != "all":
        return tuple(dict.fromkeys(store.experts.get(name.strip()).name for name in wanted.split(",")))
    enabled = tuple(store.experts.enabled())
    if not enabled:
        raise NotReadyError("no expert is enabled: `torouter experts load` reads the catalogue")
    return enabled


def submit(
    store: Store,
    sender: Sender,
    prompts: Sequence[NewPrompt],
    experts: tuple[str, ...],
    *,
    endpoint: str = "torouter collect",
    details: dict[str, Any] | None = None,  # Any: JSON
) -> str:
    """Store a collecting batch and wake up the routing workers; the batch's id."""
    if not prompts:
        raise InvalidInputError("no prompts to collect: the file has no line")
    batch = Submission(tuple(prompts), endpoint=endpoint, work_class=WorkClass.BULK, collect=experts, details=details)
    submitted = store.prompts.submit(batch)
    sender.submitted(submitted)
    return submitted.batch_id


def wait(store: Store, batch: str, progress: Callable[[BatchView], None]) -> BatchView:
    """The batch once it has ended; `progress` gets each look."""
    while True:
        seen = store.batches.get(batch, LOCAL)
        progress(seen)
        if seen.ended:
            return seen
        time.sleep(POLL_S)


def outcomes(store: Store, batch: str) -> list[OutcomeRow]:
    """What the experts made of the batch's prompts."""
    return list(store.outcomes.of_batch(batch, LOCAL))
