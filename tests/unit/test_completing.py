"""How tokens are laid out as OpenAI's log-probabilities: places in the text, likenesses, and what JSON hasn't."""

import math
from typing import Any

from core.schemas.conversation import Completion, Message, Sampling
from experts.completing import Token, completed, logprobs_of
from experts.engine import Answer, Request

SPECIAL = ("<s>", "</s>")


def finished(answer: str, prompt: list[Token], said: list[Token], text: str = "Hello", **asked: Any) -> Answer:
    """The answer to a completion of the text that was asked for like this."""
    request = Request("1", "one", (Message(role="user", content=text),), Sampling(), completion=Completion(**asked))
    measured = Answer(answer, "stop", 1, 1, 0.5, None, 0.1, 0.1, 0.1)
    return completed(measured, request, prompt, said, SPECIAL)


def weighed(*texts: str) -> list[Token]:
    return [Token(text, -1.0, ((text, -1.0),)) for text in texts]


def test_what_a_tokenizer_writes_around_a_text_takes_no_room_in_it():
    prompt = [Token("<s>"), *weighed("Hello")]

    answer = finished(" world", prompt, weighed(" world", "</s>"), echo=True, logprobs=1)

    assert answer.text == "Hello world"
    assert answer.logprobs.text_offset == (0, 0, 5, 11)


def test_a_special_token_that_the_text_spells_out_takes_its_room():
    answer = finished("!", weighed("<s>", "Hi"), weighed("!"), text="<s>Hi", echo=True, logprobs=1)

    assert answer.logprobs.text_offset == (0, 3, 5)


def test_without_an_echo_places_are_those_of_the_continuation():
    answer = finished(" you all", [Token("Hello")], weighed(" you", " all"), logprobs=1)

    assert (answer.text, answer.logprobs.text_offset) == (" you all", (0, 4))


def test_of_tokens_that_are_written_alike_the_likeliest_speaks():
    parts = Token("", -3.0, (("", -3.0), ("a", -0.5), ("", -2.0), ("", -4.0)))

    assert logprobs_of([parts], [0]).top_logprobs == ({"": -2.0, "a": -0.5},)


def test_the_impossible_has_a_number_that_json_knows():
    never = Token("a", -math.inf, (("a", -math.inf), ("b", math.nan)))

    logprobs = logprobs_of([never], [0])

    assert (logprobs.token_logprobs, logprobs.top_logprobs) == ((-9999.0,), ({"a": -9999.0, "b": -9999.0},))


def test_a_chat_is_left_as_it_is():
    request = Request("1", "one", (Message(role="user", content="a"),), Sampling())
    answer = Answer("b", "stop", 1, 1, 0.5, None, 0.1, 0.1, 0.1)

    assert completed(answer, request) is answer
