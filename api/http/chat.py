"""Ask and wait for the answer, as OpenAI's clients do, and as in the paper's example (`/predict`)."""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from api.http.bodies import RawBody, parse
from api.http.callers import Caller, identity_of
from api.http.chat_objects import ChatCompletion
from api.http.chat_request import ChatRequest
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
from api.http.submitting import chat_submission, submit
from api.http.waits import when_ended
from core.tables import State

router = APIRouter(
    tags=["chat"],
    responses=BAD_REQUEST | NOT_FOUND | TOO_LARGE | NOT_JSON | FAILED | NOT_READY | OVERLOADED | WAIT_TIMEOUT,
)


@router.post(
    "/v1/chat/completions", summary="Chat, OpenAI's way", dependencies=[ONCE], openapi_extra=body_of(ChatRequest)
)
async def completions(request: Request, body: RawBody, parts: PartsOf, owner: Caller) -> ChatCompletion:
    """Answer a conversation: routed (`model` is `auto`) or by the expert that `model` names; `expert` says which.

    What OpenAI's API has and this one hasn't (`stream`, `n` above 1, `tools`, …) is refused by name. Where a failed or
    unfinished prompt is answered with an error, that carries its `prompt_id`.
    """
    return await _answer(request, body, parts, owner)


@router.post("/predict", summary="Chat, as in the paper", dependencies=[ONCE], openapi_extra=body_of(ChatRequest))
async def predict(request: Request, body: RawBody, parts: PartsOf, owner: Caller) -> ChatCompletion:
    """The same as `/v1/chat/completions`; nothing but `messages` is needed."""
    return await _answer(request, body, parts, owner)


async def _answer(request: Request, body: bytes, parts: Parts, owner: str) -> ChatCompletion:
    prompt_id = await run_in_threadpool(_submit, request, parts, body, owner)
    prompt = await when_ended(request, parts, prompt_id, owner, parts.settings.wait_s)
    if prompt.state != State.DONE:
        raise PromptFailedError(prompt)
    return ChatCompletion.of(prompt)


def _submit(request: Request, parts: Parts, body: bytes, owner: str) -> str:
    asked = parse(ChatRequest, body)
    submission = chat_submission(asked, parts.store.experts.enabled(), owner, request.url.path)
    return submit(parts, identity_of(request), submission, once(request, body)).prompt_ids[0]
