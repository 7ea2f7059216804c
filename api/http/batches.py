"""Batches, OpenAI's way: created from a file of lines, listed, read, cancelled; and any submission's results."""

from collections.abc import Iterable, Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from api.http.batch_objects import BatchList, BatchObject
from api.http.batch_request import ON_INVALID, BatchRequest, window_s
from api.http.bodies import RawBody, parse
from api.http.callers import Caller, identity_of
from api.http.documentation import BAD_REQUEST, CONFLICT, NOT_FOUND, NOT_JSON, OVERLOADED, TOO_LARGE, body_of
from api.http.file_requests import PURPOSE
from api.http.forms import same_site
from api.http.ids import PathId, plausible
from api.http.objects import ResultObject
from api.http.once import ONCE, once
from api.http.parts import Parts, PartsOf
from api.http.submitting import collected_by
from core.errors import InvalidInputError
from core.schemas.files import NewBatch
from core.schemas.views import PromptView
from core.store.failpoints import Point, failpoint
from core.tables import Invalid
from workers import tracing
from workers.receivers import check_url

router = APIRouter(prefix="/v1/batches", tags=["batches"])

JSON_LINES = "application/jsonl"


@router.post(
    "",
    summary="Create a batch from a file",
    dependencies=[ONCE],
    responses=BAD_REQUEST | NOT_FOUND | TOO_LARGE | NOT_JSON | OVERLOADED,
    openapi_extra=body_of(BatchRequest),
)
def create(request: Request, body: RawBody, parts: PartsOf, owner: Caller) -> BatchObject:
    """Work on the lines of a file. It is `validating` first; with a line that can't be taken it fails and nothing runs.

    Lines are OpenAI's (`custom_id`, `method`, `url`, `body`), whose `model` is `auto`, `auto:POLICY` or an expert, and
    may carry a `reference` and a `dataset`. The output file's bodies say `expert` and `cost_usd`.
    """
    asked = once(request, body)
    made = parts.store.batches.made(owner, asked)
    if made is None:  # else not even a full disk or a deleted file matters
        parts.admission.admit(identity_of(request))
        with tracing.submit() as span:
            made = parts.store.batches.create(_new(parse(BatchRequest, body), parts, owner), asked)
            span.tell({tracing.BATCH: made.id})
    failpoint(Point.BATCH_CREATED)
    return BatchObject.of(made)


@router.get("", summary="All batches", responses=BAD_REQUEST | NOT_FOUND)
def read_all(
    parts: PartsOf,
    owner: Caller,
    after: Annotated[str | None, Query(description="the last id of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> BatchList:
    """Those that came as files, the newest first."""
    page = parts.store.batches.page(owner, after=plausible(after) if after else None, limit=limit + 1)
    return BatchList.of([BatchObject.of(view) for view in page], limit)


@router.get("/{batch_id}", summary="One batch", responses=NOT_FOUND)
def read(batch_id: PathId, parts: PartsOf, owner: Caller) -> BatchObject:
    """Status, counts, usage and cost so far. It is `completed` when every answer and every score is there."""
    return BatchObject.of(parts.store.batches.get(batch_id, owner))


@router.post("/{batch_id}/cancel", summary="Cancel a batch", responses=NOT_FOUND | CONFLICT)
def cancel(request: Request, batch_id: PathId, parts: PartsOf, owner: Caller) -> BatchObject:
    """Stop it: what has been answered by then is in its output file. Again is the same."""
    same_site(request)
    cancelled = parts.store.batches.cancel(batch_id, owner)
    failpoint(Point.BATCH_CANCELLED)
    return BatchObject.of(cancelled)


@router.get(
    "/{batch_id}/results",
    summary="A batch's results",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "One line per prompt, in the order submitted",
            "content": {JSON_LINES: {"schema": {"$ref": "#/components/schemas/ResultObject"}}},
        },
        **NOT_FOUND,
    },
)
def results(batch_id: PathId, parts: PartsOf, owner: Caller) -> StreamingResponse:
    """JSON lines, one per prompt in the order submitted; before the batch has ended too, each with its state."""
    parts.store.batches.get(batch_id, owner)  # a 404 must come before the first line
    return StreamingResponse(_lines(parts.store.prompts.of_batch(batch_id, owner)), media_type=JSON_LINES)


def _new(asked: BatchRequest, parts: Parts, owner: str) -> NewBatch:
    try:
        on_invalid = asked.treatment(parts.settings.on_invalid)
    except ValueError as error:
        choice, given = " or ".join(Invalid), (asked.metadata or {}).get(ON_INVALID, "")
        raise InvalidInputError(
            f"metadata.on_invalid: {given[:40]!r} is not {choice}", param="metadata.on_invalid"
        ) from error
    if asked.webhook_url is not None:
        check_url(asked.webhook_url, parts.settings)
    file = parts.store.files.get(plausible(asked.input_file_id), owner)
    if file.purpose != PURPOSE:
        raise InvalidInputError(
            f"input_file_id: {file.id} has the purpose {file.purpose!r}: send a file with {PURPOSE!r}",
            param="input_file_id",
        )
    return NewBatch(
        input_file_id=file.id,
        endpoint=asked.endpoint,
        completion_window=asked.completion_window,
        window_s=window_s(asked.completion_window),
        on_invalid=on_invalid,
        owner=owner,
        collect=collected_by(asked.experts, parts.store.experts.enabled()),
        policy=asked.policy,
        details=asked.metadata,
        output_expires_after_s=asked.output_expires_after.seconds if asked.output_expires_after else None,
        webhook_url=asked.webhook_url,
        traceparent=tracing.traceparent(),
    )


def _lines(pages: Iterable[list[PromptView]]) -> Iterator[str]:
    """A page of prompts at a time: what is in memory does not grow with the batch."""
    for page in pages:
        yield "".join(f"{ResultObject.of(view).model_dump_json()}\n" for view in page)
