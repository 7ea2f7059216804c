"""What endpoints work with: the parts that `create_app` was given, and who is calling."""

from dataclasses import dataclass
from typing import Annotated, Protocol, cast

from fastapi import Depends, Request

from api.http.admission import Admission
from api.http.crowding import Bodies
from api.waiting import Waiting
from core.schemas.work import Submitted
from core.settings import Settings
from core.store import Store
from core.tables import LOCAL


class Wakes(Protocol):
    """Tells the workers about what was just stored; `workers.sending.Sender` does."""

    def submitted(self, submitted: Submitted) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """One per app; endpoints share it."""

    settings: Settings
    store: Store
    sender: Wakes
    waiting: Waiting
    admission: Admission
    bodies: Bodies


async def parts_of(request: Request) -> Parts:
    return cast("Parts", request.app.state.parts)  # Starlette's state is untyped


async def caller() -> str:
    """The owner of what this request submits, and the only one whose things it may see.

    Everybody is `local` until there are keys, and an Authorization header, which OpenAI's client always sends, is
    ignored.
    """
    return LOCAL


PartsOf = Annotated[Parts, Depends(parts_of)]
Caller = Annotated[str, Depends(caller)]
