"""The socket of the HTTP API, which several processes may share, and room for its connections."""

import logging
import resource
import socket
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from api import probes
from core.errors import ConfigError
from core.settings import Settings

log = logging.getLogger(__name__)

#: How uvicorn speaks. h11 refuses a head beyond 64 KiB; httptools, which uvicorn prefers where it is installed (vLLM
#: brings it), keeps 100 MB of one in memory before anybody is asked for a key.
PROTOCOL: Final[Mapping[str, Any]] = MappingProxyType(  # Any: options
    {"http": "h11", "ws": "none", "server_header": False}
)

#: Connections that wait to be accepted.
BACKLOG = 2048

#: Descriptors of a process besides its clients' connections: files, databases, the broker.
OTHERS = 500


def on(settings: Settings) -> socket.socket:
    """Listens; ConfigError where the address can't be had.

    With TOROUTER_SHARE_PORT the kernel spreads connections over all processes that listen there, and one that ends
    takes no new ones: start the next before you end it.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listens = socket.create_server(
            (settings.host, settings.port), family=family, backlog=BACKLOG, reuse_port=settings.share_port
        )
    except OSError as error:
        raise ConfigError(
            f"can't listen on TOROUTER_HOST={settings.host} TOROUTER_PORT={settings.port}: {error.strerror or error}"
        ) from error
    # uvicorn says it only of sockets that it has made.
    log.info("listening on %s", probes.url(settings.host, listens.getsockname()[1]))
    return listens


def allow_connections(most: int) -> None:
    """Raise this process's limit of open files, which is often 1,024, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + OTHERS if hard == resource.RLIM_INFINITY else min(hard, most + OTHERS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
