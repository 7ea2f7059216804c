"""The contract of an engine: a question goes in, an answer with its measurements comes out.

Knows nothing of queues, tables and batches: who holds an engine turns rows into requests, answers into rows.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from core.schemas.conversation import Completion, Message, Sampling

#: Why an answer ended: by itself or at a stop string, or at its limit of tokens.
FinishReason = Literal["stop", "length"]


@dataclass(frozen=True)
class Request:
    """One prompt for one expert."""

    id: str  # unique among those in flight
    expert: str
    messages: tuple[Message, ...]
    sampling: Sampling  # already laid over the expert's defaults: max_tokens and temperature are set
    reference: str | None = None  # where there is one, its NLL is measured too
    interactive: bool = False
    timeout_s: float | None = None  # longest time in its place; waiting for one doesn't count
    completion: Completion | None = None  # set: no chat, and `text` is continued as it stands

    @property
    def text(self) -> str:
        """What a completion continues: the content of its one message, with no chat template around it."""
        return self.messages[0].content


@dataclass(frozen=True)
class Logprobs:
    """Log-probabilities of a completion's tokens, in nats; `asdict` makes it OpenAI's legacy object.

    An entry of each for every token: of the echoed text, then of its continuation with the token that ended it. What
    is first in an echo follows nothing, so it has no log-probability. `top_logprobs` has the likeliest tokens of a
    place, as many as asked for, and the token itself; `text_offset` is where in the answer's text a token begins.
    """

    tokens: tuple[str, ...]
    token_logprobs: tuple[float | None, ...]
    top_logprobs: tuple[dict[str, float] | None, ...]
    text_offset: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """What an expert said, and what it took. None where an engine can't measure it: absent is never 0.

    Tokens and likelihoods are the same of a completion as of a chat, and an echo is in none of them but `input_tokens`.
    """

    text: str  # after the text that it continues, where a completion asks for an echo
    finish_reason: FinishReason
    input_tokens: int
    output_tokens: int
    nll_answer: float | None  # nats per token of the answer
    nll_reference: float | None  # nats per token of the reference
    inference_s: float  # from scheduled to last token: queueing and the reference's pass excluded
    queue_s: float  # waiting for a place, and inside the engine
    first_token_s: float | None  # from submission to the first token, queueing included
    logprobs: Logprobs | None = None  # where a completion asks for them


class Engine(Protocol):
    """The model behind one or several experts. A process holds one; all its coroutines run on one loop."""

    async def start(self) -> None:
        """Load what it needs; returns when it can answer. It may hold up its loop meanwhile.

        Raises ConfigError for what the operator can mend, else EngineDeadError.
        """

    async def answer(self, request: Request) -> Answer:
        """Answer one prompt; many calls run at once. Cancelling the call aborts the request in the engine.

        Raises PromptRejectedError (never answerable here), EngineBusyError (try later, not counted),
        GenerationError (this attempt failed), EngineDeadError (with this prompt in it: end the process),
        EngineGoneError (before this prompt was in it) or EngineMisconfiguredError (no prompt is to blame).
        """

    async def check(self) -> None:
        """EngineDeadError when the engine is gone; one that is stuck doesn't return."""

    async def stop(self) -> None:
        """Let go of the model and all that was started for it; safe to call twice and after a failed start.

        Answers still in flight are lost: wait for them or cancel them first.
        """


def context_exceeded(expert: str, prompt_tokens: int | str, context_tokens: int) -> str:
    """What a caller is told whose prompt leaves no room for an answer."""
    return (
        f"the prompt has {prompt_tokens} tokens, and {expert} takes at most {context_tokens} together with the "
        "answer: shorten the prompt, or name an expert with a longer context"
    )
