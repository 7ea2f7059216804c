"""Submit prompts, and read one with everything known of it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from api.http.bodies import RawBody
from api.http.callers import Caller, identity_of
from api.http.documentation import (
    BAD_REQUEST,
    NOT_FOUND,
    NOT_JSON,
    NOT_READY,
    OVERLOADED,
    TOO_LARGE,
    WAIT_TIMEOUT,
    body_of,
)
from api.http.ids import PathId
from api.http.objects import PromptObject, SubmissionObject
from api.http.once import ONCE, once
from api.http.parts import PartsOf
from api.http.prompt_request import ManyPrompts, OnePrompt
from api.http.submitting import read_submission, submission_of, submit
from api.http.waits import when_ended
from core.errors import InvalidInputError

router = APIRouter(prefix="/v1/prompts", tags=["prompts"])


@router.post(
    "",
    status_code=202,
    summary="Submit one prompt or many",
    dependencies=[ONCE],
    response_model_exclude_none=True,
    responses=BAD_REQUEST | NOT_FOUND | TOO_LARGE | NOT_JSON | NOT_READY | OVERLOADED,
    openapi_extra=body_of(OnePrompt, ManyPrompts),
)
def create(request: Request, body: RawBody, parts: PartsOf, owner: Caller) -> SubmissionObject:
    """Store a prompt (`messages` or `prompt`) or `{"prompts": […]}`, and answer with ids to come back with.

    Each is routed to one expert, unless it names its `expert`; with `experts`, every one of those answers every prompt
    (a collecting batch).
    """
    asked = read_submission(body, parts.settings.max_prompts)
    submission = submission_of(asked, parts.store.experts.enabled(), owner)
    submitted = submit(parts, identity_of(request), submission, once(request, body))
    return SubmissionObject.of(submitted, [one.custom_id for one in asked.asked()])


@router.get("/{prompt_id}", summary="One prompt", responses=BAD_REQUEST | NOT_FOUND | WAIT_TIMEOUT)
async def read(
    request: Request,
    prompt_id: PathId,
    parts: PartsOf,
    owner: Caller,
    wait: Annotated[float, Query(ge=0, description="seconds to wait for its end; the default answers at once")] = 0,
) -> PromptObject:
    """State, messages, decision with predictions, and every expert's answer with its metrics and scores."""
    longest = parts.settings.wait_s
    if wait > longest:
        raise InvalidInputError(f"wait: the longest wait is {longest:g} s; then ask again", param="wait")
    view = await run_in_threadpool(parts.store.prompts.get, prompt_id, owner)
    if wait and not view.ended:
        view = await when_ended(request, parts, prompt_id, owner, wait)
    return PromptObject.of(view)
