"""What a completion has that a chat's answer hasn't: the echo, and log-probabilities in OpenAI's legacy shape.

Knows no engine: each says its tokens, and this lays them out.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from core.schemas.conversation import storable
from experts.engine import Answer, Logprobs, Request

#: Stands for minus infinity, which JSON hasn't; OpenAI's number, and that of vLLM's own server.
LEAST: Final = -9999.0


@dataclass(frozen=True)
class Token:
    """A token as it is written, its log-probability in its place, and those of the likeliest ones there, with its own.

    The first of a text follows nothing, and has neither.
    """

    text: str
    logprob: float | None = None
    likeliest: tuple[tuple[str, float], ...] | None = None


def completed(
    answer: Answer,
    request: Request,
    prompt: Sequence[Token] = (),
    said: Sequence[Token] = (),
    special: Collection[str] = (),
) -> Answer:
    """The answer to a completion, with the echo and the log-probabilities that it asks for.

    `prompt` and `said` are the tokens of its text and of the continuation, where it asks for log-probabilities;
    `special` are those that a tokenizer writes and a text mostly hasn't.
    """
    asked = request.completion
    if asked is None:
        return answer
    text = "" if asked.echo_only else answer.text
    shown = [] if asked.echo_only else [*said]
    if asked.echo:
        text, shown = request.text + text, [*prompt, *shown]
    if asked.echo_only:  # an engine generates one token at least, which is shown to nobody
        answer = replace(answer, finish_reason="length", output_tokens=0, nll_answer=None)
    if asked.logprobs is not None:
        offsets = text_offsets([one.text for one in shown], text, special)
        answer = replace(answer, logprobs=logprobs_of(shown, offsets))
    return replace(answer, text=text)


def logprobs_of(tokens: Sequence[Token], offsets: Iterable[int]) -> Logprobs:
    """OpenAI's object, holding nothing that JSON or a database could not."""
    return Logprobs(
        tokens=tuple(storable(one.text) for one in tokens),
        token_logprobs=tuple(None if one.logprob is None else max(LEAST, one.logprob) for one in tokens),
        top_logprobs=tuple(None if one.likeliest is None else _by_text(one.likeliest) for one in tokens),
        text_offset=tuple(offsets),
    )


def text_offsets(tokens: Sequence[str], text: str, special: Collection[str] = ()) -> Iterator[int]:
    """Where each token begins in the text; a special one that isn't there takes no room."""
    at = 0
    for token in tokens:
        yield at
        if token not in special or text.startswith(token, at):
            at += len(token)


def _by_text(likeliest: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Several tokens may be written alike, such as parts of one character: the likeliest speaks for them."""
    found: dict[str, float] = {}
    for text, logprob in likeliest:
        key = storable(text)
        found[key] = max(found.get(key, LEAST), logprob)
    return found
