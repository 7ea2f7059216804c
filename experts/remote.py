"""A cloud expert: any server that speaks OpenAI's chat completions, through the official client.

A completion goes to the legacy endpoint, `/completions`, which not every server has (see `remote_completions`).

What it measures differs from an engine of our own: `inference_s` is the whole call, with the network, the server's
queue and the client's tries; `first_token_s` is None, since nothing is streamed; `nll_reference` is None, since no
such server weighs a given text. Tokens are those that the server bills. The key is never logged nor in an error.
"""

import os
import time
from typing import Any, Final

from core.errors import (
    ConfigError,
    EngineBusyError,
    EngineError,
    EngineGoneError,
    EngineMisconfiguredError,
    GenerationError,
    PromptRejectedError,
)
from core.schemas.experts import ExpertSpec
from experts import remote_answers, remote_completions
from experts.engine import Answer, FinishReason, Request
from experts.options import RemoteOptions, options_of
from experts.places import Places
from experts.remote_answers import Chat, ChatChoice, Text, TextChoice, Usage
from experts.remote_completions import Said, mean_nll

#: Nothing about a prompt: the key, the account's credit, the model's name or the address are wrong, and no prompt
#: should pay for that. Not 403, with which some servers refuse a single prompt that they hold for harmful.
MISCONFIGURED: Final = frozenset({401, 402, 404})

#: The server has no room; 529 is what some say instead of 503.
BUSY: Final = frozenset({429, 503, 529})

#: Those of the client errors that another try might mend.
PASSING: Final = frozenset({408, 409, 425})


class RemoteEngine:
    """Bounds its calls by the entry's `limits`; tries, back-off and connections are the client's."""

    def __init__(self, spec: ExpertSpec) -> None:
        self._spec = spec
        self._options = options_of(spec, RemoteOptions)
        self._places = Places(bulk=spec.limits.bulk_places, interactive=spec.limits.interactive_places)
        self._client: Any = None  # openai.AsyncOpenAI, imported when it starts
        self._dead: str | None = None

    async def start(self) -> None:
        """Read the key and make the client; nothing is sent, since the first call would cost."""
        try:
            from openai import AsyncOpenAI  # noqa: PLC0415 - an optional extra
        except ImportError as error:
            raise ConfigError(f"{error}: install the extra remote") from error
        self._client = AsyncOpenAI(
            base_url=self._options.base_url,
            api_key=self._key() or "none",  # the client wants one; a call without a key sends no header
            timeout=self._options.timeout_s,
            max_retries=self._options.max_retries,
        )

    async def answer(self, request: Request) -> Answer:
        await self.check()
        async with self._places.take(request) as queue_s:
            sent = time.monotonic()
            answered = await self._complete(request)
            return self._as_answer(request, answered, inference_s=time.monotonic() - sent, queue_s=queue_s)

    async def check(self) -> None:
        if self._dead is not None:
            raise EngineMisconfiguredError(self._dead)
        if self._client is None:
            raise EngineGoneError(f"the engine of {self._spec.name} is not running: start it")

    async def stop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _key(self) -> str:
        name = self._options.api_key_env
        key = os.environ.get(name, "").strip() if name else ""
        if name and not key:
            raise ConfigError(
                f"{self._spec.name}: the environment variable {name} is empty or not set. Set it to the key of "
                f'{self._options.base_url}, or say api_key_env = "" in the catalogue where it needs none'
            )
        if not all("!" <= one <= "~" for one in key):  # a header can't hold it, and the client would say what it was
            raise ConfigError(f"{self._spec.name}: the environment variable {name} holds what is no key: set it again")
        return key

    async def _complete(self, request: Request) -> Chat | Text:
        import openai  # noqa: PLC0415 - an optional extra

        await self.check()  # it may have ended while this prompt waited
        endpoint = self._client.completions if request.completion else self._client.chat.completions
        try:
            answered = await endpoint.with_raw_response.create(**self._parameters(request))
        except openai.APIStatusError as error:
            told = self._without_key(error.message)
            if request.completion and error.status_code in remote_completions.LACKING:
                raise remote_completions.takes_only_chats(self._where(), error.status_code, told) from error
            raise self._ours(error.status_code, error.code, told) from error
        except openai.APITimeoutError as error:  # counted, or a prompt that always times out would cost for ever
            raise GenerationError(f"{self._where()} gave no answer in {self._options.timeout_s:g} s") from error
        except openai.APIConnectionError as error:
            told = self._without_key(str(error.__cause__ or error))
            raise EngineBusyError(f"{self._where()} can't be reached: {told}") from error
        except openai.OpenAIError as error:
            raise GenerationError(f"{self._where()} answered what can't be read: {error}") from error
        kind: type[Chat | Text] = Text if request.completion else Chat
        return remote_answers.read(kind, answered.content, self._where())

    def _parameters(self, request: Request) -> dict[str, Any]:  # Any: JSON
        import openai  # noqa: PLC0415 - as above

        return {
            **request.sampling.model_dump(exclude_none=True, exclude={"max_tokens"}),
            **self._question(request),
            "model": self._spec.model,
            "extra_body": self._options.extra_body,
            **({} if self._options.api_key_env else {"extra_headers": {"Authorization": openai.omit}}),
        }

    def _question(self, request: Request) -> dict[str, Any]:  # Any: as above
        if request.completion is not None:
            return remote_completions.parameters(request, request.completion, weigh=self._options.logprobs)
        return {
            "messages": [message.model_dump() for message in request.messages],
            self._options.max_tokens_field: request.sampling.max_tokens,
            **({"logprobs": True} if self._options.logprobs else {}),
        }

    def _ours(self, status: int, code: str | None, said: str) -> EngineError:
        """Our error for an HTTP status."""
        if status in MISCONFIGURED:
            self._dead = (
                f"{self._where()} refuses every call (HTTP {status}): check the key in "
                f"{self._options.api_key_env or 'api_key_env'}, its credit, the model {self._spec.model!r} and base_url"
            )
            return EngineMisconfiguredError(self._dead)
        if status in BUSY:
            return EngineBusyError(f"{self._where()} has no room (HTTP {status}): {said}")
        if status >= 500 or status in PASSING:  # noqa: PLR2004 - HTTP's own border
            return GenerationError(f"{self._where()} failed (HTTP {status}): {said}")
        known = "context_length_exceeded"
        return PromptRejectedError(
            f"{self._where()} refuses this prompt (HTTP {status}): {said}",
            code=known if code == known else "invalid_request",
        )

    def _without_key(self, said: str) -> str:
        """A server's words; some repeat the key."""
        key = self._key()
        return said.replace(key, "[key]") if key else said

    def _as_answer(self, request: Request, answered: Chat | Text, *, inference_s: float, queue_s: float) -> Answer:
        if not answered.choices:
            raise GenerationError(f"{self._where()} sent no choice")
        if answered.usage is None:
            # Counting nothing would make it look free; it can't be mended by trying again.
            raise PromptRejectedError(
                f"{self._where()} sent no usage, so the answer has no price: use a server that counts tokens",
                code="usage_missing",
            )
        finish_reason = self._finish_reason(answered.choices[0].finish_reason)
        said = self._said(request, answered.choices[0], answered.usage)
        return Answer(
            text=said.text,
            finish_reason=finish_reason,
            input_tokens=answered.usage.prompt_tokens,
            output_tokens=answered.usage.completion_tokens,
            nll_answer=said.nll_answer,
            nll_reference=None,
            inference_s=inference_s,
            queue_s=queue_s,
            first_token_s=None,
            logprobs=said.logprobs,
        )

    def _said(self, request: Request, choice: ChatChoice | TextChoice, usage: Usage) -> Said:
        if isinstance(choice, ChatChoice):
            return Said(choice.message.content or "", mean_nll(remote_answers.logprobs_of(choice)))
        return remote_completions.said(request, choice, usage.completion_tokens, self._where())

    def _finish_reason(self, said: str | None) -> FinishReason:
        match said:
            case "stop":
                return "stop"
            case "length":
                return "length"
            case "content_filter":
                raise PromptRejectedError(f"{self._where()} withholds its answer", code="content_filter")
        raise GenerationError(f"{self._where()} ended with {said!r}, which answers nothing")

    def _where(self) -> str:
        return f"{self._spec.name} at {self._options.base_url}"
