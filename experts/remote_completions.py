"""The legacy endpoint of a cloud expert, `/completions`: what goes there, and what its answer says. Knows no client."""

import math
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from core.errors import PromptRejectedError
from core.schemas.conversation import Completion
from experts.completing import Token, logprobs_of
from experts.engine import Logprobs, Request
from experts.remote_answers import Count, LogProbability, TextChoice

#: What servers say that haven't got this endpoint, or not for the model: many take chats alone.
LACKING: Final = frozenset({404, 405, 501})


class Said(NamedTuple):
    """What can be read from a choice."""

    text: str
    nll_answer: float | None
    logprobs: Logprobs | None = None


def parameters(request: Request, completion: Completion, *, weigh: bool) -> dict[str, Any]:  # Any: JSON
    """What is sent besides model and sampling; `weigh` asks for likelihoods although the caller doesn't."""
    logprobs = 0 if completion.logprobs is None and weigh else completion.logprobs
    return {
        "prompt": request.text,
        "max_tokens": 0 if completion.echo_only else request.sampling.max_tokens,
        **({"echo": True} if completion.echo else {}),
        **({} if logprobs is None else {"logprobs": logprobs}),
    }


def said(request: Request, choice: TextChoice, output_tokens: int, where: str) -> Said:
    """What was said; PromptRejectedError where the server, `where`, leaves out what was asked for."""
    asked = request.completion or Completion()
    text, logprobs = choice.text or "", _logprobs(choice.logprobs)
    if asked.echo and not text.startswith(request.text):
        raise _without(where, "an echo", "echo")
    if asked.logprobs is not None and logprobs is None:
        raise _without(where, "log-probabilities", "logprobs")
    known = logprobs.token_logprobs if logprobs and not asked.echo_only else ()
    own = known[max(0, len(known) - output_tokens) :]  # an echo's come before them
    return Said(text, mean_nll(own), None if asked.logprobs is None else logprobs)


def mean_nll(logprobs: Iterable[float | None]) -> float | None:
    """Nats per token; None where nothing is known."""
    found = [one for one in logprobs if one is not None]
    return -math.fsum(found) / len(found) if found else None


def takes_only_chats(where: str, status: int, told: str) -> PromptRejectedError:
    """What a caller is told where the endpoint is lacking; the engine goes on answering chats."""
    return PromptRejectedError(
        f"{where} takes only chats (HTTP {status}: {told}): send a chat, or name an expert that continues texts",
        code="invalid_request",
    )


def _without(where: str, what: str, parameter: str) -> PromptRejectedError:
    return PromptRejectedError(
        f"{where} sent {what} that can't be read, or none: leave out `{parameter}`, or name another expert",
        code="invalid_request",
    )


class _Given(BaseModel):
    """OpenAI's object, as servers should fill it."""

    tokens: list[str]
    token_logprobs: list[LogProbability | None]
    top_logprobs: list[dict[str, LogProbability] | None]
    text_offset: list[Count]

    def token(self, at: int) -> Token:
        top = self.top_logprobs[at]
        return Token(self.tokens[at], self.token_logprobs[at], None if top is None else tuple(top.items()))


def _logprobs(given: Any) -> Logprobs | None:  # Any: servers fill it as they like
    if given is None:
        return None
    try:
        read = _Given.model_validate(given)
        return logprobs_of([read.token(at) for at in range(len(read.tokens))], read.text_offset)
    except (ValidationError, IndexError):
        return None
