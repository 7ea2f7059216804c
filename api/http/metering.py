"""Count requests, and tell Prometheus of them and of all else that the API knows: `/metrics`."""

import time
from typing import Final

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import metrics

#: Methods that there are; what else clients send is `other`.
METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

#: What no endpoint was reached by: unknown paths, what was refused before, and files of the page.
OTHER: Final = "other"

#: The status of an error that nobody expected.
UNEXPECTED: Final = 500

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
def read_metrics(request: Request) -> Response:
    """In Prometheus' text format. The gate asks for the scope `operate`."""
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)


class Metered:
    """ASGI middleware: each request once its response has begun, however long that then lasts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, has_begun = time.perf_counter(), False

        async def counted(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                _count(scope, int(message["status"]), time.perf_counter() - started)
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except Exception:
            if not has_begun:  # it is answered outside of all middleware
                _count(scope, UNEXPECTED, time.perf_counter() - started)
            raise


def _count(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", None) or OTHER
    method = scope["method"] if scope["method"] in METHODS else "other"
    metrics.HTTP_REQUESTS.labels(route, method, f"{status // 100}xx").inc()
    metrics.HTTP_SECONDS.labels(route, method).observe(seconds)
