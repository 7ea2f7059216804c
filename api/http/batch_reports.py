"""The report of a batch whose lines carried references: each expert beside the baselines, as JSON and as a page."""

from typing import Literal

from fastapi import APIRouter, Response

from api import batch_reports
from api.http.callers import Caller
from api.http.documentation import NOT_FOUND, Responses
from api.http.ids import PathId
from api.http.parts import Parts, PartsOf
from core.errors import NotFoundError
from core.schemas.views import BatchView

router = APIRouter(prefix="/v1/batches", tags=["batches"])

JSON = "application/json"
HTML = "text/html; charset=utf-8"

#: The page brings its style, and its plots as SVG, within itself; names in it are a caller's own texts.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

AS_JSON: Responses = {200: {"content": {JSON: {"schema": {"$ref": "#/components/schemas/Report"}}}}}
AS_HTML: Responses = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}


@router.get("/{batch_id}/report", summary="A batch's report", response_class=Response, responses=AS_JSON | NOT_FOUND)
def read(batch_id: PathId, parts: PartsOf, owner: Caller) -> Response:
    """BERTSim, NLL, cost and throughput per expert, of a batch that has ended and whose lines carried references.

    With `"experts": "all"` Zero, Random, the best single expert, Optimal and the promoted router stand beside them.
    """
    return Response(_found(parts, batch_id, owner, "json"), media_type=JSON)


@router.get(
    "/{batch_id}/report.html",
    summary="A batch's report as a page",
    response_class=Response,
    responses=AS_HTML | NOT_FOUND,
)
def read_page(batch_id: PathId, parts: PartsOf, owner: Caller) -> Response:
    """The same with plots, as one page that needs nothing else."""
    page = _found(parts, batch_id, owner, "html")
    return Response(page, media_type=HTML, headers={"Content-Security-Policy": POLICY})


def _found(parts: Parts, batch: str, owner: str, kind: Literal["json", "html"]) -> bytes:
    view = parts.store.batches.get(batch, owner)
    if view.ended:
        try:
            with parts.store.blobs.reading(batch_reports.key(batch, kind)) as file:
                return bytes(file.read())
        except NotFoundError:
            pass  # for one of the reasons below
    raise NotFoundError(_why_none(view), param="id")


def _why_none(view: BatchView) -> str:
    if not view.ended:
        return f"{view.id} is {view.state}: a batch has a report once it has ended"
    if view.input_file_id is None:
        return f"{view.id} came as prompts: a batch that comes as a file (POST /v1/batches) has a report"
    if not view.done:
        return f"{view.id} has no report: nothing of it was answered"
    if not view.referenced:
        return f"{view.id} has no report: give its lines a `reference`, with which answers can be compared"
    return (
        f"{view.id} has no report: none of its answers could be scored, or it could not be measured; the log of "
        "`torouter work batches` says why"
    )
