"""Who is calling: what the gate found, for the endpoints behind it."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request


@dataclass(frozen=True, slots=True)
class Identity:
    """The owner of what a request submits, and the only one whose things it may see."""

    owner: str
    #: Waiting prompts of the owner beyond which no more are taken; None: no limit.
    open_prompts: int | None = None


def identity_of(request: Request) -> Identity:
    """Of a request that has come through the gate (`api.http.gate`); no other reaches an endpoint."""
    return cast("Identity", request.state.identity)  # Starlette's state is untyped


async def caller(request: Request) -> str:
    """The owner."""
    return identity_of(request).owner


Caller = Annotated[str, Depends(caller)]
