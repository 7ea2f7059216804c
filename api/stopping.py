"""Whether this process's server has been told to end. uvicorn tells its app only once every response has ended."""

import signal


def stopping() -> bool:
    """Whether uvicorn, which takes SIGTERM with a method of its server, has had it; False under any other server."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))
