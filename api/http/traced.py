"""Traces of what callers submit: a span for each such request, within its caller's trace where it names one."""

from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers import tracing

#: Paths that take work, by POST. Whoever looks, waits or uploads makes no trace.
SUBMITTING: Final = frozenset(("/v1/prompts", "/v1/chat/completions", "/v1/completions", "/predict", "/v1/batches"))

#: From here on a status says that we failed.
OURS: Final = 500


class Traced:
    """ASGI middleware behind the gate: whom that refuses can't fill a collector."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in SUBMITTING:
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        attributes = {"http.request.method": "POST", "http.route": path, "url.path": path}
        with tracing.serve(f"POST {path}", Headers(scope=scope).get("traceparent"), attributes) as span:
            await self._app(scope, receive, _telling(send, span))


def _telling(send: Send, span: tracing.Span) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            status = message["status"]
            span.tell({"http.response.status_code": status})
            if status >= OURS:
                span.fail(str(status))
        await send(message)

    return told
