"""A batch's progress as server-sent events, for whoever would rather listen than ask again and again."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from api.http.batch_objects import BatchObject
from api.http.callers import Caller
from api.http.documentation import NOT_FOUND
from api.http.ids import PathId
from api.looking import Looks
from api.stopping import stopping
from core.errors import StoreError, StoreRefusedError
from core.schemas.views import BatchView

router = APIRouter(prefix="/v1/batches", tags=["batches"])

EVENT_STREAM: Final = "text/event-stream"

#: Nobody between us and the client may hold events back (nginx).
HEADERS: Final = {"X-Accel-Buffering": "no"}

#: Seconds of silence after which a comment says that the stream is alive, to proxies that close idle ones.
HEARTBEAT_S = 15.0

#: Seconds within which a stream ends with its server.
TICK_S = 0.5


async def _looks_of(request: Request) -> Looks:
    return cast("Looks", request.app.state.looks)  # Starlette's state is untyped


@router.get(
    "/{batch_id}/events",
    summary="A batch's progress, as it happens",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events `progress` and `end`, whose data is the batch object on one line",
            "content": {EVENT_STREAM: {"schema": {"$ref": "#/components/schemas/BatchObject"}}},
        },
        **NOT_FOUND,
    },
)
async def events(batch_id: PathId, owner: Caller, looks: Annotated[Looks, Depends(_looks_of)]) -> StreamingResponse:
    """Server-sent events: `progress` at once and after each change, at most one a second; `end` when it has ended.

    Each has the whole batch object, so that a client that connects again has missed nothing: events have no ids. A
    stream that closes without `end` was cut off, e.g. by a restart of the server.
    """
    first = await looks.of(batch_id, owner)  # a 404 must come before the first byte
    return StreamingResponse(_events(first, looks, owner), media_type=EVENT_STREAM, headers=HEADERS)


async def _events(view: BatchView, looks: Looks, owner: str) -> AsyncIterator[str]:
    shown = _data(view)
    yield _event("progress", shown)
    told = time.monotonic()
    while not view.ended and not stopping():
        await asyncio.sleep(min(looks.every_s, TICK_S))
        view = await _latest(view, looks, owner)
        now = _data(view)
        if now != shown:
            yield _event("progress", now)
            shown, told = now, time.monotonic()
        elif time.monotonic() - told >= HEARTBEAT_S:
            yield ": nothing new\n\n"
            told = time.monotonic()
    if view.ended:
        yield _event("end", shown)


async def _latest(view: BatchView, looks: Looks, owner: str) -> BatchView:
    """What is known by now: while the database can't be reached, what was known before."""
    try:
        return await looks.of(view.id, owner)
    except StoreRefusedError:
        raise
    except StoreError:  # logged where it happened
        return view


def _data(view: BatchView) -> str:
    return BatchObject.of(view).model_dump_json(by_alias=True)


def _event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"
