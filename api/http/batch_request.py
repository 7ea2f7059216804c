"""`POST /v1/batches`, as sent: OpenAI's fields, and what only a router has."""

import re
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field

from api.http.fields import Asked, Metadata, Name
from api.http.file_requests import ExpiresAfter
from api.http.prompt_request import Experts, Policy
from core.tables import Invalid

#: Seconds of the units of a window.
UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

LONGEST_WINDOW_S: Final = 30 * 86_400

#: The metadata's key that says what `on_invalid` says, for clients that can't send fields of ours.
ON_INVALID: Final = "on_invalid"


def _window(text: str) -> str:
    window_s(text)
    return text


def window_s(text: str) -> int:
    """Seconds of a window like `24h`; ValueError for anything else."""
    found = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", text)
    seconds = int(found[1]) * UNITS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST_WINDOW_S:
        raise ValueError("is OpenAI's 24h, or another time up to 30d, as a number and one of s, m, h, d")
    return seconds


class BatchRequest(Asked):
    """The body of `POST /v1/batches`."""

    ignored: ClassVar[frozenset[str]] = frozenset({"model"})

    input_file_id: Name
    endpoint: Literal["/v1/chat/completions", "/v1/completions"]
    completion_window: Annotated[str, AfterValidator(_window)] = Field(
        description="what has not been answered by then expires: `24h`, or another time up to `30d`"
    )
    metadata: Metadata | None = None
    output_expires_after: ExpiresAfter | None = None
    experts: Experts = Field(None, description='every one of these answers every line; "all" are those enabled')
    policy: Policy | None = Field(None, description="for lines whose `model` is `auto`")
    on_invalid: Invalid | None = Field(
        None, description="`fail` the batch, or `skip` lines that can't be taken; also as a key of the metadata"
    )
    webhook_url: Name | None = Field(None, description="is called, signed, when the batch has ended")

    def treatment(self, default: str) -> Invalid:
        """What becomes of it with an invalid line; ValueError where its metadata says nonsense."""
        return self.on_invalid or Invalid((self.metadata or {}).get(ON_INVALID, default))
