"""Ids in a path: what can't be one is unknown, and never reaches the database (which refuses a NUL, for one)."""

import re
from typing import Annotated

from pydantic import AfterValidator

from core.errors import NotFoundError

ID = re.compile(r"[a-z]+_[0-9a-f]{1,64}")


def plausible(name: str) -> str:
    """The id itself; NotFoundError for what was never one."""
    if not ID.fullmatch(name):
        raise NotFoundError(f"there is nothing with the id {name[:100]!r}: check the id", param="id")
    return name


PathId = Annotated[str, AfterValidator(plausible)]
