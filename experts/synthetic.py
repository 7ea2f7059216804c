"""A synthetic expert, for load and fault tests only: a seeded latency model and made-up words, no weights, no torch.

The same request gets the same answer, tokens and latency in every process; a word of a completion is always as likely.
With `faults = true` a marker in the last message makes it fail on purpose:

    [[fault:reject]]        PromptRejectedError, every time
    [[fault:busy]]          EngineBusyError, once for each text
    [[fault:generation=2]]  GenerationError, that many times for each text, then an answer
    [[fault:hang]]          never answers; cancelling ends it
    [[fault:dead]]          EngineDeadError for all that is in the engine, then and ever after
    [[fault:kill]]          the process ends as by the kernel's SIGKILL
    [[fault:freeze]]        the loop stands still, so that nothing answers any more

With a `ledger` it notes there what it does, so that a test can count what was done twice, whoever was killed when:
`begins ID TOKENS`, then `ends ID SECONDS`, where the seconds are the answer's `inference_s` to the last digit.
"""

import asyncio
import os
import random
import re
import signal
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Final

from core.errors import EngineBusyError, EngineDeadError, EngineGoneError, GenerationError, PromptRejectedError
from core.schemas.experts import ExpertSpec
from experts.completing import Token, completed
from experts.engine import Answer, Request, context_exceeded
from experts.options import SyntheticOptions, options_of
from experts.places import Places

FAULT: Final = re.compile(r"\[\[fault:(?P<kind>\w+)(?:=(?P<times>\d+))?\]\]")

KILLED: Final = "the synthetic engine was killed by a [[fault:dead]] prompt: start its process again"

#: Seconds that a frozen loop stands still; who looks after it ends the process long before.
FREEZE_S: Final = 3600.0

#: What answers are made of; common enough that an embedding model sees plain English.
WORDS: Final = ("the", "of", "and", "to", "in", "is", "that", "it", "was", "for", "on", "are", "as", "with", "they")


class SyntheticEngine:
    """Waits as long as a model would, and says words."""

    def __init__(self, spec: ExpertSpec) -> None:
        self._spec = spec
        self._options = options_of(spec, SyntheticOptions)
        self._places = Places(bulk=spec.limits.bulk_places, interactive=spec.limits.interactive_places)
        self._failed: Counter[str] = Counter()
        self._death = asyncio.Event()
        self._ledger = -1

    async def start(self) -> None:
        """Nothing to load."""
        if self._options.ledger:
            self._ledger = os.open(self._options.ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    async def answer(self, request: Request) -> Answer:
        asked = time.monotonic()
        async with self._places.take(request) as queue_s:
            await self.check()
            await self._fail_on_purpose(request)
            return await self._compose(request, asked, queue_s)

    async def check(self) -> None:
        if self._death.is_set():
            raise EngineGoneError(KILLED)

    async def stop(self) -> None:
        if self._ledger >= 0:
            os.close(self._ledger)
            self._ledger = -1

    async def _fail_on_purpose(self, request: Request) -> None:
        text = request.messages[-1].content
        fault = FAULT.search(text) if self._options.faults else None
        if fault is None:
            return
        self._failed[text] += 1
        first = self._failed[text] <= int(fault["times"] or 1)
        match fault["kind"]:
            case "reject":
                raise PromptRejectedError("refused as its [[fault:reject]] asks", code="invalid_request")
            case "busy" if first:
                raise EngineBusyError("busy as its [[fault:busy]] asks")
            case "generation" if first:
                raise GenerationError("failed as its [[fault:generation]] asks")
            case "hang":
                await asyncio.Event().wait()
            case "dead":
                self._death.set()
                raise EngineDeadError(KILLED)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "freeze":
                time.sleep(FREEZE_S)  # noqa: ASYNC251  # on purpose

    async def _pause(self, seconds: float) -> None:
        """Sleep, unless the engine dies."""
        if not seconds:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._death.wait()
        except TimeoutError:
            return
        raise EngineDeadError(KILLED)

    async def _compose(self, request: Request, asked: float, queue_s: float) -> Answer:
        draw = self._draw(request)
        input_tokens = _input_tokens(request)
        limit = self._answer_limit(request, input_tokens)
        length = max(1, round(draw.uniform(0.5, 1.5) * self._options.tokens))
        words = self._words(draw, length, request.reference)[:limit]
        started = time.monotonic()
        self._note(f"begins {request.id} {len(words)}")
        await self._pause(self._options.first_token_s)
        first_token_s = time.monotonic() - asked
        await self._pause(self._options.token_s * (len(words) - 1))
        answer = Answer(
            text=" ".join(words),
            finish_reason="length" if length > limit else "stop",
            input_tokens=input_tokens,
            output_tokens=len(words),
            nll_answer=draw.uniform(0.2, 1.0),
            nll_reference=None if request.reference is None else 4 - 3 * self._options.quality,
            inference_s=time.monotonic() - started,
            queue_s=queue_s,
            first_token_s=first_token_s,
        )
        self._note(f"ends {request.id} {answer.inference_s!r}")
        return self._completed(answer, request, [f" {word}" for word in words])

    def _note(self, what: str) -> None:
        """A line in one call, which the kernel appends whole, however many processes write."""
        if self._ledger >= 0:
            os.write(self._ledger, f"{what}\n".encode())

    def _completed(self, answer: Answer, request: Request, words: Sequence[str]) -> Answer:
        """The answer itself to a chat; to a completion with all that it asks for."""
        if request.completion is None:
            return answer
        most = request.completion.logprobs or 0
        first, *others = _pieces(request.text)
        prompt = [Token(first), *(self._token(piece, most) for piece in others)]
        nll = -fmean(self._logprob(word) for word in words)
        continued = replace(answer, text="".join(words), nll_answer=nll)
        return completed(continued, request, prompt, [self._token(word, most) for word in words])

    def _token(self, text: str, most: int) -> Token:
        """A word, the likeliest in its place, and others beside it until there are `most`."""
        own = self._logprob(text)
        others = [f" {word}" for word in WORDS if f" {word}" != text][: max(0, most - 1)]
        return Token(text, own, ((text, own), *((other, own - rank) for rank, other in enumerate(others, 2))))

    def _logprob(self, text: str) -> float:
        """Made up from the word alone."""
        return -0.2 - zlib.crc32(f"{self._options.seed}{text}".encode()) % 800 / 1000

    def _draw(self, request: Request) -> random.Random:
        """Random numbers that depend on what is asked and nothing else: not on the id, the order or the process."""
        asked = [f"{message.role}:{message.content}" for message in request.messages]
        return random.Random(repr((self._options.seed, request.expert, request.sampling.seed, asked)))  # noqa: S311 - no secret

    def _answer_limit(self, request: Request, input_tokens: int) -> int:
        """The most tokens that the answer may have; PromptRejectedError where the context has no room for one."""
        room = self._spec.context_tokens - input_tokens
        if room < 1:
            told = context_exceeded(request.expert, input_tokens, self._spec.context_tokens)
            raise PromptRejectedError(told, code="context_length_exceeded")
        return min(room, request.sampling.max_tokens or room)

    def _words(self, draw: random.Random, length: int, reference: str | None) -> list[str]:
        """As many words; a share of `quality` of them are the reference's, at their places."""
        words = draw.choices(WORDS, k=length)
        for i, word in enumerate((reference or "").split()[:length]):
            if draw.random() < self._options.quality:
                words[i] = word
        return words


def _input_tokens(request: Request) -> int:
    if request.completion is not None:
        return len(_pieces(request.text))
    return sum(len(message.content.split()) + 1 for message in request.messages)


def _pieces(text: str) -> Sequence[str]:
    """A text as words, each with the space before it: together they are the text again."""
    return re.findall(r"\s*\S+|\s+", text)
