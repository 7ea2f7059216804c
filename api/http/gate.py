"""The gate before all endpoints: who calls, what may they do, and are they within their limits? A new one is behind it.

A key is taken from the header `Authorization: Bearer …` alone, never from a URL, which is logged and remembered.
"""

import math
from collections import Counter
from typing import Final

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.callers import Identity
from api.http.crowding import PROBES
from api.http.errors import ForbiddenError, LimitedError, UnauthenticatedError, respond
from api.keyring import Keyring
from api.rates import Rate, Rates
from core.errors import TorouterError
from core.schemas.keys import KeyView, Limits
from core.schemas.keys import Scope as KeyScope
from core.settings import Settings
from core.store import Store
from core.tables import LOCAL

#: What anybody may ask: supervisors whether it runs, and people what there is.
PUBLIC: Final = PROBES | {"/", "/docs", "/openapi.json"}

#: Files of the page at `/`, which hold no data.
PAGE: Final = "/web/"

#: What is for operators.
OPERATORS: Final = ("/metrics", "/v1/operator/")

#: Methods that change nothing.
READING: Final = frozenset(("GET", "HEAD", "OPTIONS"))

#: Seconds that a key with too many requests at once is told to wait.
CONCURRENT_AGAIN_S: Final = 1

NO_KEY = "no API key was sent: send `Authorization: Bearer KEY`; torouter's own commands take it from TOROUTER_API_KEY"

#: The same for a key that never was, and for one that is no more: nobody learns which.
WRONG_KEY = "this API key is not known here, or no longer: check it, or ask an operator (`torouter keys create`)"


class Gate:
    """ASGI middleware. Without rates, where the settings say that it is open, everybody is `local` and has no limit."""

    def __init__(self, app: ASGIApp, settings: Settings, store: Store, rates: Rates | None) -> None:
        self._app = app
        self._rates = rates
        self._keyring = Keyring(store.keys)
        self._default = Limits(
            settings.key_requests_per_minute, settings.key_concurrent_requests, settings.key_open_prompts
        )
        #: Requests in flight of each key.
        self._at_work: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_public(scope["path"]):
            await self._app(scope, receive, send)
        elif self._rates is None:
            await self._app(_known(scope, Identity(LOCAL)), receive, send)
        else:
            await self._check(self._rates, scope, receive, send)

    async def _check(self, rates: Rates, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            key = await self._key_of(request)
            _check_scope(key, request)
            limits = _limits_of(key, self._default)
            self._begin(key, limits)
        except TorouterError as error:
            await _refuse(request, error, receive, send)
            return
        try:
            if limits.requests_per_minute is not None:
                rate = await run_in_threadpool(rates.take, key.id, limits.requests_per_minute)
                send = _telling(send, rate)
                if not rate.taken:
                    await _refuse(request, _too_often(rate), receive, send)
                    return
            await self._app(_known(scope, Identity(key.owner, limits.open_prompts)), receive, send)
        finally:  # of a stream, when its last byte has been sent
            self._end(key)

    async def _key_of(self, request: Request) -> KeyView:
        secret = _secret_of(request.headers)
        key = await self._keyring.find(secret)
        if key is None:
            raise UnauthenticatedError(WRONG_KEY)
        return key

    def _begin(self, key: KeyView, limits: Limits) -> None:
        most = limits.concurrent_requests
        if most is not None and self._at_work[key.id] >= most:
            raise LimitedError(
                f"{most} requests of this key are being answered, which is all that it may have at once: wait for one",
                retry_after_s=CONCURRENT_AGAIN_S,
            )
        self._at_work[key.id] += 1

    def _end(self, key: KeyView) -> None:
        self._at_work[key.id] -= 1
        if not self._at_work[key.id]:
            del self._at_work[key.id]


def is_public(path: str) -> bool:
    return path in PUBLIC or path.startswith(PAGE)


def _secret_of(headers: Headers) -> str:
    """What stands in the one Authorization header; UnauthenticatedError where there is none, or another kind."""
    given = headers.getlist("authorization")
    kind, _, secret = (given[0] if len(given) == 1 else "").partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        raise UnauthenticatedError(NO_KEY)
    return secret.strip()


def _check_scope(key: KeyView, request: Request) -> None:
    needed = scope_for(request.method, request.url.path)
    if needed not in key.scopes:
        has = ", ".join(sorted(key.scopes))
        raise ForbiddenError(f"this needs a key with the scope {needed}, and yours has {has}: ask an operator for one")


def scope_for(method: str, path: str) -> KeyScope:
    if path.startswith(OPERATORS):
        return KeyScope.OPERATE
    return KeyScope.READ if method in READING else KeyScope.SUBMIT


def _limits_of(key: KeyView, default: Limits) -> Limits:
    own = key.limits
    return Limits(
        own.requests_per_minute or default.requests_per_minute,
        own.concurrent_requests or default.concurrent_requests,
        own.open_prompts or default.open_prompts,
    )


def _too_often(rate: Rate) -> LimitedError:
    return LimitedError(
        f"this key may send {rate.limit:,} requests a minute, and has: come back when Retry-After says so",
        retry_after_s=max(1, math.ceil(rate.reset_s)),
    )


def _known(scope: Scope, identity: Identity) -> Scope:
    scope.setdefault("state", {})["identity"] = identity  # in place: what counts requests looks at it afterwards
    return scope


async def _refuse(request: Request, error: TorouterError, receive: Receive, send: Send) -> None:
    refused = respond(error, request)
    if request.method not in READING:  # else a body is read to its end, which may be far
        refused.headers["Connection"] = "close"
    await refused(request.scope, receive, send)


def _telling(send: Send, rate: Rate) -> Send:
    """Adds what is left of the requests per minute, in the headers that OpenAI's clients know."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["x-ratelimit-limit-requests"] = str(rate.limit)
            headers["x-ratelimit-remaining-requests"] = str(rate.left)
            headers["x-ratelimit-reset-requests"] = f"{rate.reset_s:.3f}s"
        await send(message)

    return told
