"""From a request to stored prompts: is every expert known, is there a router, store, then wake up the workers."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from api.http.bodies import read_object, validate
from api.http.callers import Identity
from api.http.chat_request import ChatRequest
from api.http.completion_request import CompletionRequest
from api.http.errors import BodyTooLargeError
from api.http.parts import Parts
from api.http.prompt_request import AnySubmission, ManyPrompts, OnePrompt
from core.errors import InvalidInputError, NotReadyError, UnknownExpertError
from core.queues import WorkClass
from core.schemas.conversation import Message
from core.schemas.experts import AUTO, ExpertSpec
from core.schemas.files import Once
from core.schemas.work import NewPrompt, Submission, Submitted
from core.store import Store
from core.store.failpoints import Point, failpoint
from router.policy import parse
from workers import tracing

#: Stored with what came as prompts, which has no endpoint of OpenAI's.
PROMPTS_ENDPOINT = "/v1/prompts"


def submit(parts: Parts, identity: Identity, submission: Submission, once: Once | None = None) -> Submitted:
    """Store and send, or find what an earlier request with the same key stored.

    NotReadyError when a prompt has to be routed and there is no router, OverloadedError when there is no room.
    """
    if parts.store.batches.made(submission.owner, once) is None:
        parts.admission.admit(identity, len(submission.prompts), submission.work_class)
        _check_router(parts.store, submission)
    with tracing.submit() as span:
        submitted = parts.store.prompts.submit(replace(submission, traceparent=tracing.traceparent()), once)
        span.tell({tracing.BATCH: submitted.batch_id, tracing.PROMPTS: len(submitted.prompt_ids)})
        failpoint(Point.PROMPTS_STORED)
        if submitted.ids:
            parts.sender.submitted(submitted)
    failpoint(Point.PROMPTS_SENT)
    return submitted


def read_submission(body: bytes, most: int) -> AnySubmission:
    """The body of `POST /v1/prompts`: many prompts where it has `prompts`, else one."""
    found = read_object(body)
    if "prompts" not in found:
        return validate(OnePrompt, found)
    prompts = found["prompts"]
    if isinstance(prompts, list) and len(prompts) > most:
        raise BodyTooLargeError(
            f"prompts: {len(prompts)} are more than the {most} of one request: send several requests",
            param="prompts",
            code="too_many_prompts",
        )
    return validate(ManyPrompts, found)


def submission_of(asked: AnySubmission, known: Mapping[str, ExpertSpec], owner: str) -> Submission:
    """What to store. UnknownExpertError names the first expert that isn't `known`, and those that are."""
    collect = collected_by(asked.experts, known)
    _check_experts(asked.named(), known)
    if collect and next(asked.named(), None):
        raise InvalidInputError("expert: `experts` already says who answers: send one of the two", param="expert")
    by_number = WorkClass.INTERACTIVE if isinstance(asked, OnePrompt) else WorkClass.BULK
    return Submission(
        prompts=tuple(one.new() for one in asked.asked()),
        endpoint=PROMPTS_ENDPOINT,
        work_class=asked.work_class or by_number,
        owner=owner,
        collect=collect,
        policy=asked.policy,
        details=asked.metadata,
    )


def chat_submission(asked: ChatRequest, known: Mapping[str, ExpertSpec], owner: str, endpoint: str) -> Submission:
    """A chat as a submission of one prompt, whose model is the router, with a policy or without, or an expert."""
    prompt, policy = chat_prompt(asked, known)
    return Submission((prompt,), endpoint, owner=owner, policy=policy, details=asked.metadata)


def chat_prompt(asked: ChatRequest, known: Mapping[str, ExpertSpec]) -> tuple[NewPrompt, str | None]:
    """What to store of a chat, and the policy that its model asks for."""
    expert, policy = choice_of(asked.model, known)
    prompt = NewPrompt(
        messages=tuple(one.message() for one in asked.messages),
        sampling=asked.sampling(),
        expert=expert,
        details=asked.metadata,
    )
    return prompt, policy


def completion_submission(
    asked: CompletionRequest, known: Mapping[str, ExpertSpec], owner: str, endpoint: str
) -> Submission:
    """A completion as a submission of one prompt for each text; its model as a chat's."""
    prompts, policy = completion_prompts(asked, known)
    return Submission(prompts, endpoint, owner=owner, policy=policy)


def completion_prompts(
    asked: CompletionRequest, known: Mapping[str, ExpertSpec]
) -> tuple[tuple[NewPrompt, ...], str | None]:
    """What to store of a completion's texts, and the policy that its model asks for."""
    expert, policy = choice_of(asked.model, known)
    sampling, completion = asked.sampling(), asked.completion()
    texts = (Message.model_construct(role="user", content=text) for text in asked.prompt)
    prompts = tuple(NewPrompt((text,), sampling, expert=expert, completion=completion) for text in texts)
    return prompts, policy


def choice_of(model: str, known: Mapping[str, ExpertSpec]) -> tuple[str | None, str | None]:
    """The expert that a model pins, and the policy that it asks for."""
    router, colon, policy = model.partition(":")
    if router == AUTO:
        return None, _policy(model, policy) if colon else None
    if model not in known:
        raise unknown_model(model, known)
    return model, None


def _policy(model: str, policy: str) -> str:
    try:
        return str(parse(policy))
    except InvalidInputError as error:
        raise UnknownExpertError(f"there is no model {model[:100]!r}: {error}", param="model") from error


def unknown_model(model: str, known: Iterable[str]) -> UnknownExpertError:
    choice = ", ".join([AUTO, f"{AUTO}:POLICY", *known])
    return UnknownExpertError(f"there is no model {model[:100]!r}: choose one of {choice}", param="model")


def collected_by(experts: Any, known: Mapping[str, ExpertSpec]) -> tuple[str, ...] | None:  # Any: "all" or names
    """The experts that answer every prompt of a collecting batch; None: it is none."""
    if experts is None:
        return None
    if experts != "all":
        _check_experts((("experts", name) for name in experts), known)
        return tuple(experts)
    if not known:
        raise NotReadyError("no expert is enabled: `torouter up` reads the catalogue")
    return tuple(known)


def _check_experts(named: Iterable[tuple[str, str]], known: Mapping[str, ExpertSpec]) -> None:
    for path, name in named:
        if name not in known:
            choice = ", ".join(known) or "(none is enabled)"
            raise UnknownExpertError(f"{path}: there is no expert {name[:100]!r}: choose one of {choice}", param=path)


def _check_router(store: Store, submission: Submission) -> None:
    routed = submission.collect is None and any(prompt.expert is None for prompt in submission.prompts)
    if routed and store.checkpoints.promoted() is None:
        raise NotReadyError(
            "no router has been promoted, so only prompts that name their expert can be taken: "
            "`torouter up` trains one, `torouter promote` chooses one"
        )
