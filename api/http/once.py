"""`Idempotency-Key`: the same request again, after a lost answer, makes nothing and gets the same."""

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request

from core.errors import InvalidInputError
from core.schemas.conversation import clean
from core.schemas.files import Once

#: As the draft standard and other services have it.
LONGEST_KEY = 255

HEADER = "Idempotency-Key"


async def _documented(
    _key: Annotated[
        str | None, Header(alias=HEADER, description="any text of your own: the same request again makes nothing new")
    ] = None,
) -> None:
    """For the OpenAPI document; `once` reads it."""


#: Of every POST that makes something.
ONCE = Depends(_documented)


def once(request: Request, *asked: bytes) -> Once | None:
    """What a request with a key asks: its path, and whatever else tells it from others. None without a key."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY:
        raise InvalidInputError(f"{HEADER} has {len(key)} characters: send 1 to {LONGEST_KEY}", param=HEADER)
    try:
        clean(key)
    except ValueError as error:
        raise InvalidInputError(f"{HEADER}: {error}", param=HEADER) from error
    digest = hashlib.sha256(request.url.path.encode())
    for part in asked:
        digest.update(len(part).to_bytes(8, "big") + part)
    return Once(key, digest.hexdigest())
