"""The HTTP app: put together here from parts that it is given. Importing it builds nothing, and loads no model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api.http import (
    batch_events,
    batch_reports,
    batches,
    chat,
    completions,
    documentation,
    errors,
    files,
    health,
    models,
    prompts,
    uploads,
)
from api.http.admission import Admission
from api.http.crowding import Bodies, Crowd
from api.http.parts import Parts, Wakes
from api.looking import Looks
from api.stopping import stopped_for
from api.waiting import Waiting
from core.settings import Settings
from core.store import Store

#: Largest bodies that are in memory at once; parsed, each takes some ten times its size.
BODIES = 4


def create_app(settings: Settings, store: Store, sender: Wakes) -> FastAPI:
    """The app of one process; store and sender stay the caller's to close."""
    waiting = Waiting(store.prompts.ended, settings.poll_s, stopped_for(settings.drain_s))
    app = FastAPI(
        title=documentation.TITLE,
        version=documentation.VERSION,
        description=documentation.DESCRIPTION,
        openapi_tags=documentation.TAGS,
        redirect_slashes=False,
        lifespan=lambda _: _closing(waiting),
    )
    bodies = Bodies(BODIES * settings.max_body_bytes)
    app.state.parts = Parts(settings, store, sender, waiting, Admission(settings, store), bodies)
    app.state.looks = Looks(store.batches.get, settings.events_s)
    for module in (chat, completions, prompts, batches, batch_events, batch_reports, files, uploads, models, health):
        app.include_router(module.router)
    app.add_middleware(Crowd, most=settings.max_requests)
    errors.install(app)
    documentation.install(app)
    return app


@asynccontextmanager
async def _closing(waiting: Waiting) -> AsyncIterator[None]:
    yield
    await waiting.close()
