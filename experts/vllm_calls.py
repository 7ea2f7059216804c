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
from core.schemas.conversation import Sampling
from experts.engine import Answer, FinishReason


def answer_params(sampling: Sampling, room: int) -> Any:  # Any: vllm.SamplingParams, untyped
    """Parameters of an answer of at most `room` tokens, with its log-likelihood. A temperature of 0 is greedy."""
    from vllm import SamplingParams  # noqa: PLC0415 - vLLM is for the process that runs it
    from vllm.sampling_params import RequestOutputKind  # noqa: PLC0415

    said = sampling.model_dump(exclude_none=True, exclude={"max_tokens"})
    return SamplingParams(
        **said | {"stop": list(sampling.stop or ())},
        max_tokens=min(room, sampling.max_tokens or room),
        detokenize=bool(sampling.stop),  # token by token costs as much as all the rest; only stop strings need it
        logprobs=0,  # the sampled token's alone, which cumulative_logprob needs
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
