"""The contract of an engine: a question goes in, an answer with its measurements comes out.

Knows nothing of queues, tables and batches: who holds an engine turns rows into requests, answers into rows.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from core.schemas.conversation import Message, Sampling

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


@dataclass(frozen=True)
class Answer:
    """What an expert said, and what it took. None where an engine can't measure it: absent is never 0."""

    text: str
    finish_reason: FinishReason
    input_tokens: int
    output_tokens: int
    nll_answer: float | None  # nats per token of the answer
    nll_reference: float | None  # nats per token of the reference
    inference_s: float  # from scheduled to last token: queueing and the reference's pass excluded
    queue_s: float  # waiting for a place, and inside the engine
    first_token_s: float | None  # from submission to the first token, queueing included


class Engine(Protocol):
    """The model behind one or several experts. A process holds one; all its coroutines run on one loop."""

    async def start(self) -> None:
        """Load what it needs; returns when it can answer. It may hold up its loop meanwhile.

        Raises ConfigError for what the operator can mend, else EngineDeadError.
        """

    async def answer(self, request: Request) -> Answer:
        """Answer one prompt; many calls run at once. Cancelling the call aborts the request in the engine.

        Raises PromptRejectedError (never answerable here), EngineBusyError (try later, not counted),
        GenerationError (this attempt failed), EngineDeadError (end the process) or EngineMisconfiguredError (the
        same, but no prompt is to blame).
        """

    async def check(self) -> None:
        """EngineDeadError when the engine is gone; else nothing."""

    async def stop(self) -> None:
        """Let go of the model and all that was started for it; safe to call twice and after a failed start.

        Answers still in flight are lost: wait for them or cancel them first.
        """


def context_exceeded(expert: str, prompt_tokens: int, context_tokens: int) -> str:
    """What a caller is told whose prompt leaves no room for an answer."""
    return (
        f"the prompt has {prompt_tokens} tokens, and {expert} takes at most {context_tokens} together with the "
        "answer: shorten the prompt, or name an expert with a longer context"
    )
