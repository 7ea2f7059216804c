"""Lines of batch files: OpenAI's requests in, OpenAI's responses out.

A million lines have to be read twice, so a plain line is validated by pydantic's core alone, in one pass and without
objects. Whatever that refuses, and whatever may hold what no database can, goes to the same models as a request over
HTTP: they take what is only unusual, and say what is wrong with the rest.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import to_json
from typing_extensions import TypedDict  # pydantic takes the one of `typing` from Python 3.12 on

from api.http.bodies import read_object, validate
from api.http.chat_objects import Usage
from api.http.chat_request import ChatRequest
from api.http.completion_request import CompletionRequest
from api.http.errors import status_of, type_of
from api.http.fields import Asked, Name
from api.http.submitting import chat_prompt, choice_of, completion_prompts
from core.errors import InvalidInputError
from core.schemas.conversation import Reference, Sampling, storable
from core.schemas.experts import AUTO, ExpertSpec
from core.schemas.files import BatchJob, NewLine, OutputRow
from core.schemas.work import NewPrompt
from core.store import Store
from workers.lines import LineError

CHAT: Final = "/v1/chat/completions"

#: Names of sampling parameters, which a plain line has under the same names as the store.
SAMPLING: Final = frozenset(Sampling.model_fields)

#: Characters of a `custom_id`.
LONGEST_ID: Final = 256

Text = Annotated[str, Field(min_length=1)]


class _Message(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]  # pydantic's documented way

    role: Literal["system", "user", "assistant"]
    content: Text


class _Body(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]  # as above

    model: NotRequired[Text]
    messages: Annotated[list[_Message], Field(min_length=1)]
    temperature: NotRequired[Annotated[float, Field(ge=0, le=2)]]
    top_p: NotRequired[Annotated[float, Field(gt=0, le=1)]]
    max_tokens: NotRequired[Annotated[int, Field(ge=1)]]
    seed: NotRequired[Annotated[int, Field(ge=-(2**63), lt=2**63)]]


class _Line(TypedDict):
    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]  # as above

    custom_id: Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]
    method: Literal["POST"]
    url: Literal["/v1/chat/completions"]
    body: _Body
    reference: NotRequired[str]
    dataset: NotRequired[Annotated[str, Field(min_length=1, max_length=256)]]


PLAIN: Final = TypeAdapter(_Line)


class BatchLine(Asked):
    """A line, its body not yet looked at."""

    custom_id: Name
    method: Literal["POST"]
    url: str
    body: dict[str, Any]  # Any: JSON
    reference: Reference = None
    dataset: Name | None = None


class LineReader:
    """Reads the lines of one batch."""

    def __init__(self, job: BatchJob, known: Mapping[str, ExpertSpec], *, routes: bool) -> None:
        """`known` are the experts that may be named; `routes`: whether there is a router for the others."""
        self._job = job
        self._known = known
        self._routes = routes
        self._choices: dict[str, tuple[str | None, str | None]] = {}

    def read(self, number: int, raw: bytes) -> NewLine:
        """The prompt that a line becomes; InvalidInputError, with code and param, for one that can't be taken."""
        if self._job.endpoint == CHAT and not _may_be_unstorable(raw):
            try:
                return self._plain(number, PLAIN.validate_json(raw))
            except (ValidationError, InvalidInputError):
                pass  # unusual, or wrong
        return self._unusual(number, raw)

    def custom_id(self, raw: bytes) -> str | None:
        """The caller's id of any line, as far as there is one, and made storable: nothing here was validated."""
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            return None
        name = found.get("custom_id") if isinstance(found, dict) else None
        return storable(name)[:LONGEST_ID] if isinstance(name, str) else None

    def _plain(self, number: int, line: _Line) -> NewLine:
        body = line["body"]
        expert, policy = self._choice(body.get("model", AUTO))
        sampling = {name: value for name, value in body.items() if name in SAMPLING}
        reference = line.get("reference", "")
        return NewLine(
            line=number,
            custom_id=line["custom_id"],
            messages=to_json(body["messages"]).decode(),
            sampling=to_json(sampling).decode(),
            reference=None if reference.isspace() else reference or None,
            dataset=line.get("dataset"),
            expert=expert,
            policy=policy,
        )

    def _unusual(self, number: int, raw: bytes) -> NewLine:
        try:
            found = read_object(raw)
        except InvalidInputError as error:
            raise InvalidInputError(str(error), code="invalid_json_line") from error
        line = validate(BatchLine, found)
        if line.url != self._job.endpoint:
            raise InvalidInputError(
                f"url: {line.url[:100]!r} is not the batch's endpoint, {self._job.endpoint}",
                param="url",
                code="mismatched_url",
            )
        try:
            prompt, policy = self._prompt(line.body)
            expert, _ = self._choice(prompt.expert or AUTO)
        except InvalidInputError as error:
            param = f"body.{error.param}" if error.param else "body"
            raise InvalidInputError(f"body: {error}", param=param, code=error.code) from error
        return NewLine(
            line=number,
            custom_id=line.custom_id,
            messages=to_json([message.model_dump() for message in prompt.messages]).decode(),
            sampling=prompt.sampling.model_dump_json(exclude_none=True),
            completion=prompt.completion.model_dump_json() if prompt.completion else None,
            reference=line.reference,
            dataset=line.dataset,
            expert=expert,
            policy=policy or self._job.policy,
            details=json.dumps(prompt.details) if prompt.details else None,
        )

    def _prompt(self, body: dict[str, Any]) -> tuple[NewPrompt, str | None]:  # Any: JSON
        if self._job.endpoint == CHAT:
            return chat_prompt(validate(ChatRequest, body), self._known)
        prompts, policy = completion_prompts(validate(CompletionRequest, body), self._known)
        if len(prompts) != 1:
            raise InvalidInputError("prompt: a line has one text: write a line for each", param="prompt")
        return prompts[0], policy

    def _choice(self, model: str) -> tuple[str | None, str | None]:
        """Expert and policy of a model; the same for many lines."""
        if model not in self._choices:
            expert, policy = choice_of(model, self._known)
            self._check(expert)
            self._choices[model] = expert, policy or self._job.policy
        return self._choices[model]

    def _check(self, expert: str | None) -> None:
        if self._job.collect is not None:
            if expert is not None:
                raise InvalidInputError("model: the batch's `experts` say who answers: send `auto`", param="model")
        elif expert is None and not self._routes:
            raise InvalidInputError(
                "model: no router has been promoted, so every line must name its expert",
                param="model",
                code="no_router",
            )


class Lines:
    """The format of batch files, for the steps that read and write them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reader(self, job: BatchJob) -> LineReader:
        """By the experts and the router that there are now."""
        return LineReader(job, self._store.experts.enabled(), routes=self._store.checkpoints.promoted() is not None)

    def answer(self, row: OutputRow, job: BatchJob) -> bytes:
        """A line of the output file."""
        return answer_line(row, job.endpoint)

    def error(self, error: LineError) -> bytes:
        """A line of the error file."""
        return error_line(error)


def answer_line(row: OutputRow, endpoint: str) -> bytes:
    """A line of the output file: the response that the request would have got by itself, and who answered."""
    read, written = row.input_tokens or 0, row.output_tokens or 0
    body = {
        "created": int(row.created_at),
        "model": row.expert,
        "choices": [_choice_of(row, endpoint)],
        "usage": Usage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written).model_dump(),
        "expert": row.expert,
        "cost_usd": row.cost_usd,
        "prompt_id": row.prompt_id,
    }
    kind, prefix = ("chat.completion", "chatcmpl-") if endpoint == CHAT else ("text_completion", "cmpl-")
    named = {"id": row.prompt_id.replace("prompt_", prefix), "object": kind, **body}
    response = {"status_code": 200, "request_id": row.prompt_id, "body": named}
    return _line(row.prompt_id, row.custom_id, response, None)


def error_line(error: LineError) -> bytes:
    """A line of the error file: a response that says what failed, or, where nothing was asked, an error."""
    said = {"code": error.code, "message": error.message}
    if error.prompt_id is None:
        return _line(f"line_{error.line}", error.custom_id, None, said | {"line": error.line})
    status = status_of(error.code)
    body = {"error": said | {"type": type_of(status), "param": None}}
    response = {"status_code": status, "request_id": error.prompt_id, "body": body}
    return _line(error.prompt_id, error.custom_id, response, None)


def _choice_of(row: OutputRow, endpoint: str) -> dict[str, Any]:  # Any: JSON
    ended = {"index": 0, "logprobs": row.logprobs, "finish_reason": row.finish_reason}
    if endpoint == CHAT:
        return ended | {"message": {"role": "assistant", "content": row.answer, "refusal": None}}
    return ended | {"text": row.answer}


def _line(
    name: str, custom_id: str | None, response: dict[str, Any] | None, error: dict[str, Any] | None
) -> bytes:  # Any: JSON
    named = {"id": name.replace("prompt_", "batch_req_"), "custom_id": custom_id}
    return to_json({**named, "response": response, "error": error}) + b"\n"


def _may_be_unstorable(raw: bytes) -> bool:
    """Whether a text in it could be what `conversation.clean` refuses; only an escape can hide that in valid UTF-8."""
    return b"\\u" in raw and (b"\\u0000" in raw or b"\\ud" in raw or b"\\uD" in raw)
