"""What needs no vLLM of its engine: the text of its output, and a refusal. tests/acceptance has the real one."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from core.errors import PromptRejectedError
from core.schemas.conversation import Completion, Message, Sampling
from experts.engine import Request
from experts.lora import Adapters
from experts.vllm_engine import VllmEngine
from tests.factories import expert


@pytest.mark.parametrize(("stop", "expected"), [(("\n",), ""), (None, "\nmore")])
def test_an_answer_that_begins_with_its_stop_string_is_empty(stop: tuple[str, ...] | None, expected: str):
    engine = VllmEngine([expert(engine="vllm")], Path("unused"))
    engine._tokenizer = SimpleNamespace(decode=lambda _tokens, **_: "\nmore")
    output = SimpleNamespace(outputs=[SimpleNamespace(text="", token_ids=[1, 2])])
    request = Request("1", "general", (Message(role="user", content="a"),), Sampling(stop=stop))

    assert engine._text(request, output) == expected


def test_no_prompt_is_weighed_beside_an_adapter_that_would_end_the_engine_by_it():
    engine = VllmEngine([expert(engine="vllm")], Path("unused"))
    engine._adapters = Adapters(targets=("lm_head",))
    engine._tokenizer = lambda _text: {"input_ids": [1, 2]}
    text = (Message(role="user", content="a"),)

    with pytest.raises(PromptRejectedError, match="changes the output layer: leave out `echo` or `logprobs`"):
        engine._tokens(Request("1", "general", text, Sampling(), completion=Completion(echo=True, logprobs=1)))

    assert engine._tokens(Request("1", "general", text, Sampling(), completion=Completion(logprobs=1))) == [1, 2]
