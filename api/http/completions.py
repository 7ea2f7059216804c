"""Continue texts and wait for it, as OpenAI's legacy endpoint does and evaluation harnesses want it."""

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.http.bodies import JSON, RawBody, parse
from api.http.callers import Caller, identity_of
from api.http.completion_objects import TextCompletion
from api.http.completion_request import CompletionRequest
from api.http.documentation import (
    BAD_REQUEST,
    FAILED,
    NOT_FOUND,
    NOT_JSON,
    NOT_READY,
    OVERLOADED,
    TOO_LARGE,
    WAIT_TIMEOUT,
    body_of,
)
from api.http.errors import PromptFailedError
from api.http.once import ONCE, once
from api.http.parts import Parts, PartsOf
from api.http.submitting import completion_submission, submit
from api.http.waits import when_all_ended
from core.tables import State

router = APIRouter(
    tags=["completions"],
    responses=BAD_REQUEST | NOT_FOUND | TOO_LARGE | NOT_JSON | FAILED | NOT_READY | OVERLOADED | WAIT_TIMEOUT,
)


@router.post(
    "/v1/completions",
    summary="Continue texts, OpenAI's legacy way",
    dependencies=[ONCE],
    response_model=TextCompletion,
    openapi_extra=body_of(CompletionRequest),
)
async def completions(request: Request, body: RawBody, parts: PartsOf, owner: Caller) -> Response:
    """Continue a text, or each of a list, as it stands and with no chat template, by the router's choice or an expert.

    `echo` and `logprobs` weigh the text itself, with which evaluation harnesses choose between given answers. An
    expert on a cloud server can do it only where that server has this endpoint. One text that fails fails the request.
    """
    model, prompt_ids = await run_in_threadpool(_submit, request, parts, body, owner)
    prompts = await when_all_ended(request, parts, prompt_ids, owner, parts.settings.wait_s)
    for prompt in prompts:
        if prompt.state != State.DONE:
            raise PromptFailedError(prompt)
    # In a thread: the log-probabilities of many texts are megabytes.
    content = await run_in_threadpool(lambda: TextCompletion.of(model, prompts).model_dump_json())
    return Response(content, media_type=JSON)


def _submit(request: Request, parts: Parts, body: bytes, owner: str) -> tuple[str, list[str]]:
    """The model that was asked for, and the ids of the stored prompts."""
    asked = parse(CompletionRequest, body)
    submission = completion_submission(asked, parts.store.experts.enabled(), owner, request.url.path)
    return asked.model, submit(parts, identity_of(request), submission, once(request, body)).prompt_ids
