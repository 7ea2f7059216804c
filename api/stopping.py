"""Whether this process's server has been told to end. uvicorn tells its app only once every response has ended."""

import signal
import time
from collections.abc import Callable


def stopping() -> bool:
    """Whether uvicorn, which takes SIGTERM with a method of its server, has had it; False under any other server."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))


def stopped_for(drain_s: float) -> Callable[[], bool]:
    """Tells whether it has been so long ago; to be asked every now and then, since nobody knows when it was."""
    since: float | None = None

    def is_over() -> bool:
        nonlocal since
        if since is None and stopping():
            since = time.monotonic()
        return since is not None and time.monotonic() - since >= drain_s

    return is_over
