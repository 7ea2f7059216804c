"""Read a batch: its counts in the shape of OpenAI's batch object, and its results as JSON lines."""

from collections.abc import Iterable, Iterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from api.http.documentation import NOT_FOUND
from api.http.ids import PathId
from api.http.objects import BatchObject, ResultObject
from api.http.parts import Caller, PartsOf
from core.schemas.views import PromptView

router = APIRouter(prefix="/v1/batches", tags=["batches"])

JSON_LINES = "application/jsonl"


@router.get("/{batch_id}", summary="One batch", responses=NOT_FOUND)
def read(batch_id: PathId, parts: PartsOf, owner: Caller) -> BatchObject:
    """Status, counts, usage and cost so far. It is `completed` when every answer and every score is there."""
    return BatchObject.of(parts.store.batches.get(batch_id, owner))


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


def _lines(pages: Iterable[list[PromptView]]) -> Iterator[str]:
    """A page of prompts at a time: what is in memory does not grow with the batch."""
    for page in pages:
        yield "".join(f"{ResultObject.of(view).model_dump_json()}\n" for view in page)
