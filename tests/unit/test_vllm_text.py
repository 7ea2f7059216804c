"""The text of vLLM's output, without vLLM: tests/acceptance has the real one."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from core.schemas.conversation import Message, Sampling
from experts.engine import Request
from experts.vllm_engine import VllmEngine
from tests.factories import expert


@pytest.mark.parametrize(("stop", "expected"), [(("\n",), ""), (None, "\nmore")])
def test_an_answer_that_begins_with_its_stop_string_is_empty(stop: tuple[str, ...] | None, expected: str):
    engine = VllmEngine([expert(engine="vllm")], Path("unused"))
    engine._tokenizer = SimpleNamespace(decode=lambda _tokens, **_: "\nmore")
    output = SimpleNamespace(outputs=[SimpleNamespace(text="", token_ids=[1, 2])])
    request = Request("1", "general", (Message(role="user", content="a"),), Sampling(stop=stop))

    assert engine._text(request, output) == expected
