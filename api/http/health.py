"""Is the process alive, and could it take a prompt? For supervisors, load balancers and Kubernetes."""

import logging
from collections.abc import Callable

from fastapi import APIRouter, Response
from pydantic import BaseModel

from api import broker
from api.http.parts import PartsOf
from core.errors import TorouterError

log = logging.getLogger(__name__)

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: str = "ok"


class Check(BaseModel):
    ok: bool
    why: str | None = None


class Readiness(BaseModel):
    """What a prompt needs on its way in."""

    ready: bool
    database: Check
    broker: Check


@router.get("/healthz", summary="Is the process alive?")
async def alive() -> Health:
    """Yes, whatever happens elsewhere: a restart of this process would mend nothing else."""
    return Health()


@router.get("/readyz", summary="Can prompts be taken?", responses={503: {"model": Readiness}})
def ready(parts: PartsOf, response: Response) -> Readiness:
    """The database is migrated and the broker answers; 503 where not.

    With the reason, unless callers need keys: anybody may ask this, and the reason is in the log then.
    """
    told = parts.settings.open
    database = _check(parts.store.schema.check, told=told)
    reached = _check(lambda: broker.reach(parts.settings.broker), told=told)
    found = Readiness(ready=database.ok and reached.ok, database=database, broker=reached)
    response.status_code = 200 if found.ready else 503
    return found


def _check(look: Callable[[], None], *, told: bool) -> Check:
    try:
        look()
    except TorouterError as error:
        if told:
            return Check(ok=False, why=str(error))
        log.warning("not ready: %s", error)
        return Check(ok=False)
    return Check(ok=True)
