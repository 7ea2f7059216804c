"""What goes into vLLM for one prompt and what comes out: parameters, answers, likelihoods, errors.

Imports vLLM inside its functions only.
"""

from collections.abc import Sequence
from typing import Any

from core.errors import (
    EngineBusyError,
    EngineDeadError,
    EngineError,
    GenerationError,
    PromptRejectedError,
)
from experts.completing import Token
from experts.engine import Answer, FinishReason, Request


def answer_params(request: Request, room: int) -> Any:  # Any: vllm.SamplingParams, untyped
    """Parameters of an answer of at most `room` tokens, with its log-likelihood. A temperature of 0 is greedy."""
    from vllm import SamplingParams  # noqa: PLC0415 - vLLM is for the process that runs it
    from vllm.sampling_params import RequestOutputKind  # noqa: PLC0415

    sampling, completion = request.sampling, request.completion
    said = sampling.model_dump(exclude_none=True, exclude={"max_tokens"})
    return SamplingParams(
        **said | {"stop": list(sampling.stop or ())},
        max_tokens=min(room, sampling.max_tokens or room),
        # Token by token costs as much as all the rest: for stop strings, and tokens that a text goes on with.
        detokenize=bool(sampling.stop) or completion is not None,
        # 0 is the sampled token's alone, which cumulative_logprob needs.
        logprobs=(completion.logprobs or 0) if completion else 0,
        prompt_logprobs=completion.logprobs if completion and completion.echo else None,
        flat_logprobs=True,  # two objects instead of two a token
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def reference_params() -> Any:  # Any: as above
    """Parameters of a pass that only weighs its prompt."""
    from vllm import SamplingParams  # noqa: PLC0415
    from vllm.sampling_params import RequestOutputKind  # noqa: PLC0415

    return SamplingParams(
        temperature=0.0,
        max_tokens=1,
        prompt_logprobs=0,
        flat_logprobs=True,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def as_answer(output: Any, text: str, waited_s: float, nll_reference: float | None) -> Answer:  # Any: as above
    """Our answer; `waited_s` are the seconds before vLLM had the prompt. GenerationError where vLLM gave up on it."""
    said, times = output.outputs[0], output.metrics
    return Answer(
        text=text,
        finish_reason=_finish_reason(said.finish_reason),
        input_tokens=len(output.prompt_token_ids),
        output_tokens=len(said.token_ids),
        nll_answer=-said.cumulative_logprob / len(said.token_ids) if said.token_ids else None,
        nll_reference=nll_reference,
        inference_s=times.last_token_ts - times.scheduled_ts,
        queue_s=waited_s + times.scheduled_ts - times.queued_ts,
        first_token_s=waited_s + times.first_token_latency,
    )


def tokens_of(
    ids: Sequence[int], logprobs: Any, tokenizer: Any
) -> list[Token]:  # Any: vLLM's and transformers', untyped
    """Tokens with what vLLM says of each place, which is nothing of the first of a prompt; none without `logprobs`."""
    return [_token(id_, place, tokenizer) for id_, place in zip(ids, logprobs, strict=True)] if logprobs else []


def _token(id_: int, place: Any, tokenizer: Any) -> Token:  # Any: as above
    if not place:
        return Token(tokenizer.decode([id_]))
    own = place[id_]
    return Token(own.decoded_token, own.logprob, tuple((one.decoded_token, one.logprob) for one in place.values()))


def mean_nll(logprobs: Any, reference: Sequence[int]) -> float:  # Any: vllm.PromptLogprobs
    """Nats per token of the reference, which is the end of the prompt that `logprobs` belongs to."""
    positions = range(len(logprobs) - len(reference), len(logprobs))
    found = [logprobs[at][token].logprob for at, token in zip(positions, reference, strict=True)]
    return -float(sum(found)) / len(found)


def ours(error: Exception, expert: str) -> EngineError:
    """Our error for one of vLLM's."""
    from vllm.exceptions import (  # noqa: PLC0415
        GracefulHTTPError,
        RetryableRequestError,
        VLLMClientError,
    )
    from vllm.v1.engine.exceptions import EngineDeadError as VllmDeadError  # noqa: PLC0415

    if isinstance(error, VLLMClientError):
        return PromptRejectedError(f"{expert} can't take this prompt: {error}", code="invalid_request")
    if isinstance(error, GracefulHTTPError | RetryableRequestError):
        return EngineBusyError(f"{expert} has no room just now: {error}")
    if isinstance(error, VllmDeadError):
        return EngineDeadError(f"vLLM's EngineCore of {expert} is gone: end this process")
    return GenerationError(f"{expert} failed to answer: {error.__cause__ or error!r}")


def _finish_reason(said: str) -> FinishReason:
    match said:
        case "stop" | "repetition":  # the latter only where it was asked for
            return "stop"
        case "length":
            return "length"
    raise GenerationError(f"vLLM ended the answer early ({said}): try again")
