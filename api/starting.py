"""What a process needs before it can begin, and waiting for it: the parts of a system may start in any order."""

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from api import broker
from core.errors import NotReadyError, StoreError, StoreRefusedError
from core.settings import Settings
from core.store import Store

log = logging.getLogger(__name__)

#: Seconds between two looks.
LOOK_S = 1.0

#: Seconds after which it is said again what is waited for.
REMIND_S = 60.0


def migrated(settings: Settings) -> Store:
    """The store, once its database answers and has been migrated, however long that takes."""
    store = Store.of(settings)
    wait(f"the database {store.place}", store.schema.check)
    return store


def brokered(settings: Settings) -> None:
    """Return once the broker answers."""
    wait("the broker", lambda: broker.reach(settings.broker))


def catalogued(store: Store) -> None:
    """Return once there are experts, whichever: a name that is none of them is an error."""

    def look() -> None:
        if not store.experts.enabled():
            raise NotReadyError("there are no experts in it: run `torouter experts load`")

    wait("the catalogue", look)


def wait(what: str, look: Callable[[], object]) -> None:
    """Look until there is no error; the log says what is missing, when that changes, and how long it took."""
    started, told, told_at = time.monotonic(), "", 0.0
    while (why := _missing(look)) is not None:
        if why != told or time.monotonic() - told_at >= REMIND_S:
            log.warning("waiting for %s for %.0f s now: %s", what, time.monotonic() - started, why)
            told, told_at = why, time.monotonic()
        time.sleep(LOOK_S)
    if told:
        log.warning("%s was there after %.0f s", what, time.monotonic() - started)


@contextmanager
def ending_at_once() -> Iterator[None]:
    """SIGTERM ends the process at once meanwhile, PID 1 of a container too: it has nothing in hand yet."""

    def end(_number: int, _frame: FrameType | None) -> None:
        os._exit(0)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is end:  # else a worker's own
            signal.signal(signal.SIGTERM, before)


def _missing(look: Callable[[], object]) -> str | None:
    """Why it can't be used yet; what trying again doesn't mend is raised."""
    try:
        look()
    except StoreRefusedError:
        raise
    except (StoreError, NotReadyError) as error:
        return " ".join(str(error).split())
    return None
