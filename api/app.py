"""The HTTP app: put together here from parts that it is given. Importing it builds nothing, and loads no model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from api import metrics
from api.http import (
    batch_events,
    batch_reports,
    batches,
    chat,
    completions,
    docs_page,
    documentation,
    errors,
    files,
    health,
    metering,
    models,
    operators,
    prompts,
    routers,
    submissions,
    uploads,
    usage,
    web,
)
from api.http.admission import Admission
from api.http.crowding import Bodies, Crowd
from api.http.gate import Gate
from api.http.headers import Secured
from api.http.parts import Parts, Wakes
from api.http.traced import Traced
from api.looking import Looks
from api.rates import Rates
from api.stopping import stopped_for
from api.waiting import Waiting
from core.settings import Settings
from core.store import Store
from workers import tracing

#: In the order of the document at `/docs`.
ENDPOINTS = (
    *(chat, completions, prompts, batches, batch_events, batch_reports, files, uploads, models, health),
    *(submissions, usage, routers, operators, metering),
)

#: Largest bodies that are in memory at once; parsed, each takes some ten times its size.
BODIES = 4


def create_app(settings: Settings, store: Store, sender: Wakes) -> FastAPI:
    """The app of one process; store and sender stay the caller's to close."""
    waiting = Waiting(store.prompts.ended, settings.poll_s, stopped_for(settings.drain_s))
    rates = None if settings.open else Rates(settings.broker)
    app = FastAPI(
        title=documentation.TITLE,
        version=documentation.VERSION,
        description=documentation.DESCRIPTION,
        openapi_tags=documentation.TAGS,
        redirect_slashes=False,
        docs_url=None,  # ours has a Content-Security-Policy
        redoc_url=None,
        lifespan=lambda _: _closing(waiting, rates),
    )
    bodies = Bodies(BODIES * settings.max_body_bytes)
    app.state.parts = Parts(settings, store, sender, waiting, Admission(settings, store), bodies)
    app.state.metrics = metrics.registry(store)
    app.state.looks = Looks(store.batches.get, settings.events_s)
    for module in ENDPOINTS:
        app.include_router(module.router)
    if settings.traces:
        app.add_middleware(Traced)
    app.add_middleware(Gate, settings=settings, store=store, rates=rates)
    app.add_middleware(Crowd, most=settings.max_requests)
    app.add_middleware(metering.Metered)
    app.add_middleware(Secured)  # the one added last is the outermost
    errors.install(app)
    documentation.install(app)
    docs_page.install(app)
    web.install(app)
    return app


@asynccontextmanager
async def _closing(waiting: Waiting, rates: Rates | None) -> AsyncIterator[None]:
    yield
    await waiting.close()
    if rates is not None:
        rates.close()
    await run_in_threadpool(tracing.stop)  # uvicorn ends by the signal that it was sent, and nothing follows
