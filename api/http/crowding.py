"""What all requests together may take: so many at once, and so much memory for what they send. Pure ASGI.

An idle request (a long poll, a stream of events, a slow reader) holds a task and a connection, and nothing else.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.errors import SlowBodyError, respond
from core.errors import OverloadedError

#: What a refused caller is told to wait: requests end all the time.
RETRY_AFTER_S = 2

#: Bodies come at any pace for so long, and then at this rate at least: a client that drips must not stay for ever.
PATIENCE_S, LEAST_BYTES_PER_S = 30.0, 2000

#: Probes of supervisors: a full process is not a dead one.
PROBES = frozenset({"/healthz", "/readyz"})


class Crowd:
    """Refuses what is beyond `most` requests at once, before anything of it is read."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
        elif self._inside >= self._most:
            told = f"{self._inside} requests are under way, the most that this process takes: come back later"
            await respond(OverloadedError(told, retry_after_s=RETRY_AFTER_S), Request(scope))(scope, receive, send)
        else:
            self._inside += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._inside -= 1


class Bodies:
    """Counts the bytes of bodies that are in memory; of one event loop."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0

    @contextmanager
    def held(self) -> Iterator["Held"]:
        """For one body, while its request lasts."""
        held = Held(self)
        try:
            yield held
        finally:
            self._bytes -= held.size

    def add(self, size: int) -> None:
        """OverloadedError where there is no room for so many bytes more."""
        if self._bytes + size > self._most_bytes:
            told = (
                f"requests of {self._bytes:,} bytes are being read, the most that this process takes: come back later"
            )
            raise OverloadedError(told, retry_after_s=RETRY_AFTER_S)
        self._bytes += size


class Held:
    """What one body holds so far."""

    def __init__(self, bodies: Bodies) -> None:
        self.size = 0
        self._bodies = bodies

    def add(self, size: int) -> None:
        self._bodies.add(size)
        self.size += size


async def paced(request: Request) -> AsyncIterator[bytes]:
    """A body as it comes; SlowBodyError where it comes too slowly."""
    began, size, parts = time.monotonic(), 0, request.stream()
    while True:
        left_s = began + PATIENCE_S + size / LEAST_BYTES_PER_S - time.monotonic()
        try:
            async with asyncio.timeout(left_s):
                part = await anext(parts, None)
        except TimeoutError as error:
            told = f"the body's first {size} bytes took longer than {PATIENCE_S:g} s and {LEAST_BYTES_PER_S} a second"
            raise SlowBodyError(f"{told}: send it faster") from error
        if part is None:
            return
        size += len(part)
        yield part
