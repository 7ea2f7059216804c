"""What one system at a time can have: a home folder, and ports. Taken before anything starts, or refused by name."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator

from core.errors import ConfigError
from core.settings import Settings


@contextlib.contextmanager
def claim(settings: Settings) -> Iterator[None]:
    """Hold this home while the body runs. ConfigError where another process holds it, or a port is taken.

    The kernel lets go of the lock when its holder dies, however it dies: a file that is left over means nothing.
    """
    path = settings.home / "run" / "up.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise ConfigError(
                f"{settings.home} is in use by process {lock.read().strip() or '(unknown)'}: end that one, or set "
                "TOROUTER_HOME to another folder"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        check_ports(settings)
        yield


def check_ports(settings: Settings) -> None:
    """ConfigError where the API's or Flower's port is taken, or can't be known."""
    if settings.port == 0:
        raise ConfigError("TOROUTER_PORT=0: a system needs a port that can be named; set one that is free")
    _check_port(settings.host, settings.port, "TOROUTER_PORT")
    if settings.flower_port:
        if settings.flower_port == settings.port:
            raise ConfigError(f"TOROUTER_FLOWER_PORT={settings.flower_port} is the API's port: set another one")
        _check_port(settings.host, settings.flower_port, "TOROUTER_FLOWER_PORT")


def _check_port(host: str, port: int, variable: str) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            # As servers do, so that connections of an earlier run that linger don't count.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except socket.gaierror as error:
        raise ConfigError(f"TOROUTER_HOST={host}: {error.strerror}; set an address of this machine") from error
    except OSError as error:
        raise ConfigError(
            f"{variable}={port} can't be had on {host} ({error.strerror}): end what listens there, or set {variable} "
            "to a free port"
        ) from error
