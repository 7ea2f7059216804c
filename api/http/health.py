"""Is the process alive, and could it take a prompt? For supervisors, load balancers and Kubernetes."""

from collections.abc import Callable

from fastapi import APIRouter, Response
from pydantic import BaseModel

from api import broker
from api.http.parts import PartsOf
from core.errors import TorouterError

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
    """The database is migrated and the broker answers; 503 where not, with the reason."""
    database = _check(parts.store.schema.check)
    reached = _check(lambda: broker.reach(parts.settings.broker))
    found = Readiness(ready=database.ok and reached.ok, database=database, broker=reached)
    response.status_code = 200 if found.ready else 503
    return found


def _check(look: Callable[[], None]) -> Check:
    try:
        look()
    except TorouterError as error:
        return Check(ok=False, why=str(error))
    return Check(ok=True)
