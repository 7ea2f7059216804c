"""Lists in OpenAI's shape, a page at a time."""

from collections.abc import Sequence
from typing import Generic, Literal, Self, TypeVar

from pydantic import BaseModel


class Listed(BaseModel):
    """What stands in a list, and where a page of it may begin."""

    id: str


One = TypeVar("One", bound=Listed)


class Page(BaseModel, Generic[One]):
    """The next page is that after `last_id`."""

    object: Literal["list"] = "list"
    data: list[One]
    first_id: str | None
    last_id: str | None
    has_more: bool

    @classmethod
    def of(cls, found: Sequence[One], limit: int) -> Self:
        """The first `limit` of what was found; whoever looked has looked for one more, so that it is known of."""
        shown = list(found[:limit])
        first, last = (shown[0].id, shown[-1].id) if shown else (None, None)
        return cls(data=shown, first_id=first, last_id=last, has_more=len(found) > limit)
