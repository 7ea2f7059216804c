"""Spans of what an engine was asked: `generate`, with OpenTelemetry's names for what models do."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from core.errors import TorouterError
from core.schemas.experts import ExpertSpec
from core.schemas.work import GenerationItem
from experts.engine import Answer
from workers import tracing
from workers.tracing import Attributes

#: Of an answer that was given up: its worker had to end, or it took too long.
ABORTED = "aborted"


def record(
    futures: Sequence["Future[Answer]"],
    asked: Mapping["Future[Answer]", GenerationItem],
    specs: Mapping[str, ExpertSpec],
    began_at: float,
) -> None:
    """A span for each of these that have ended, if it is to be traced."""
    for future in futures:
        item = asked[future]
        if tracing.wants(item):
            told = {**_request(item, specs[item.expert]), **_answer(future)}
            tracing.ended("generate", item, began_at, told, _code(future))


def _request(item: GenerationItem, spec: ExpertSpec) -> Attributes:
    sampling = item.sampling.over(spec.sampling)
    limits = {"max_tokens": sampling.max_tokens, "temperature": sampling.temperature}
    return {
        tracing.EXPERT: item.expert,
        "torouter.attempt": item.claim.fence,
        "gen_ai.operation.name": "chat" if item.completion is None else "text_completion",
        "gen_ai.provider.name": spec.engine.value,
        "gen_ai.request.model": spec.model,
        **{f"gen_ai.request.{name}": value for name, value in limits.items() if value is not None},
    }


def _answer(future: "Future[Answer]") -> Attributes:
    """Tokens, and times in seconds, of one that came."""
    if future.cancelled() or future.exception() is not None:
        return {}
    answer = future.result()
    first_token = {} if answer.first_token_s is None else {"torouter.first_token_s": answer.first_token_s}
    return {
        "gen_ai.response.finish_reasons": [answer.finish_reason],
        "gen_ai.usage.input_tokens": answer.input_tokens,
        "gen_ai.usage.output_tokens": answer.output_tokens,
        "torouter.queue_s": answer.queue_s,
        "torouter.inference_s": answer.inference_s,
        **first_token,
    }


def _code(future: "Future[Answer]") -> str | None:
    if future.cancelled():
        return ABORTED
    error = future.exception()
    if error is None:
        return None
    return error.code if isinstance(error, TorouterError) else type(error).__name__
