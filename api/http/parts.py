"""What endpoints work with: the parts that `create_app` was given."""

from dataclasses import dataclass
from typing import Annotated, Protocol, cast

from fastapi import Depends, Request

from api.http.admission import Admission
from api.waiting import Waiting
from core.schemas.work import Submitted
from core.settings import Settings
from core.store import Store


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


async def parts_of(request: Request) -> Parts:
    return cast("Parts", request.app.state.parts)  # Starlette's state is untyped


PartsOf = Annotated[Parts, Depends(parts_of)]
