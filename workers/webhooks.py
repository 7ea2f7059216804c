"""The step that tells receivers of batches that have ended: OpenAI's events, signed as standardwebhooks.com has it.

Delivered at least once: whoever is killed between a receiver's answer and its row leaves the call to be made again,
and the event's id, in the body and in the header `webhook-id`, is what receivers tell repetitions by.
"""

import asyncio
import base64
import hmac
import json
import logging
import ssl
import time
from dataclasses import dataclass

import httpx

from core import metrics
from core.errors import TorouterError
from core.schemas.files import WebhookCall
from core.settings import Settings
from core.store import Store
from core.store.failpoints import Point, failpoint
from workers import tracing
from workers.leasing import insist
from workers.receivers import Resolve, addresses, check_url, resolved

log = logging.getLogger(__name__)

#: Calls that are made at once: a round lasts as long as its slowest receiver, and others wait for the next.
AT_ONCE = 32

#: Seconds before the second attempt; the store makes the pauses longer from there.
PAUSE_S = 5.0


class UndeliveredError(TorouterError):
    """An attempt failed, and others follow."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Using:
    """What the step works with."""

    store: Store
    settings: Settings
    resolve: Resolve
    trusted: ssl.SSLContext


def deliver(store: Store, settings: Settings, owner: str, resolve: Resolve = resolved) -> int:
    """Make up to `AT_ONCE` of the calls that are due, once each; how many. It takes no longer than the slowest may."""
    # The lease outlasts a call and the storing of its result, so that nobody has to renew it.
    calls = store.webhooks.claim(owner, settings.webhook_timeout_s + 2 * settings.lease_s, AT_ONCE)
    if calls:
        failpoint(Point.WEBHOOK_CLAIMED)
        asyncio.run(_deliver(calls, Using(store, settings, resolve, httpx.create_ssl_context())))
    return len(calls)


def body_of(call: WebhookCall) -> bytes:
    """OpenAI's event, which names the batch and no more: whoever wants its state asks for it."""
    event = {
        "id": call.public_id,
        "object": "event",
        "created_at": int(call.created_at),
        "type": call.event,
        "data": {"id": call.batch_id},
    }
    return json.dumps(event, separators=(",", ":")).encode()


def signed(event_id: str, body: bytes, key: bytes, at_s: int) -> dict[str, str]:
    """The headers by which a receiver knows that a body is ours, and not an old one sent again."""
    signature = hmac.digest(key, f"{event_id}.{at_s}.".encode() + body, "sha256")
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


async def _deliver(calls: list[WebhookCall], using: Using) -> None:
    made = await asyncio.gather(*(_make(call, using) for call in calls), return_exceptions=True)
    # One that nobody expected leaves the others alone; its own call is made again once its lease has expired.
    for error in made:
        if error is not None:
            raise error


async def _make(call: WebhookCall, using: Using) -> None:
    """Make one call, and say in its row what became of it."""
    store, settings = using.store.webhooks, using.settings
    try:
        with tracing.step(
            "webhook", call.traceparent, {tracing.BATCH: call.batch_id, "torouter.attempt": call.attempts}
        ):
            await _attempt(call, using)
    except TorouterError as error:
        code, why = error.code, str(error)
        failed = await asyncio.to_thread(
            insist,
            lambda: store.fail_or_retry(call.claim, code, why, settings.webhook_attempts, PAUSE_S),
            settings.lease_s,
        )
        metrics.WEBHOOKS.labels("failed" if failed else "again").inc()
        outcome = "given up" if failed else "tried again later"
        log.warning("%s of %s was not delivered, and is %s: %s", call.public_id, call.batch_id, outcome, why)
    else:
        failpoint(Point.WEBHOOK_CALLED)
        metrics.WEBHOOKS.labels("delivered").inc()
        await asyncio.to_thread(insist, lambda: store.finish(call.claim), settings.lease_s)


async def _attempt(call: WebhookCall, using: Using) -> None:
    """UndeliveredError, or InvalidInputError where the receiver may not be called, unless it answers with 2xx."""
    settings = using.settings
    if call.attempts > settings.webhook_attempts:
        raise UndeliveredError("all attempts were used up, the last by a process that died", code="worker_lost")
    try:
        async with asyncio.timeout(settings.webhook_timeout_s):
            status = await _post(call, using)
    except TimeoutError as error:
        limit = f"{settings.webhook_timeout_s:g} s (TOROUTER_WEBHOOK_TIMEOUT_S)"
        raise UndeliveredError(f"the receiver had not answered after {limit}", code="webhook_timeout") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:  # the last: a name that can't be one
        raise UndeliveredError(f"the receiver can't be reached: {error!r:.200}", code="webhook_unreachable") from error
    if not httpx.codes.is_success(status):
        raise UndeliveredError(f"the receiver answered with {status}, and not with 2xx", code="webhook_refused")


async def _post(call: WebhookCall, using: Using) -> int:
    """The status that the receiver answers with, at the first of its addresses where there is one."""
    url = check_url(call.url, using.settings)
    found = await asyncio.to_thread(addresses, url, using.settings, using.resolve)
    for address in found[:-1]:
        try:
            return await _post_to(address, url, call, using)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            log.info("%s: nobody answers at %s; trying the next address", call.public_id, address)
    return await _post_to(found[-1], url, call, using)


async def _post_to(address: str, url: httpx.URL, call: WebhookCall, using: Using) -> int:
    """Call the very address that was checked: a name could lead elsewhere by now."""
    body = body_of(call)
    key = using.settings.webhook_key or b""  # there is one, or `check_url` had refused
    headers = {
        "Host": url.netloc.decode(),
        "Content-Type": "application/json",
        **signed(call.public_id, body, key, int(time.time())),
    }
    # A client for each: one that is shared would send to a second name what was verified as the first's connection,
    # where both are at one address. No proxy of the environment's, which would ask DNS again, and no redirects.
    connecting = httpx.Timeout(None, connect=using.settings.webhook_timeout_s / 2)  # the whole has one besides
    async with (
        httpx.AsyncClient(verify=using.trusted, trust_env=False, follow_redirects=False, timeout=connecting) as client,
        client.stream(
            "POST",
            url.copy_with(host=address, fragment=None),
            content=body,
            headers=headers,
            extensions={"sni_hostname": url.raw_host.decode()},
        ) as response,
    ):
        return response.status_code  # the body isn't read
