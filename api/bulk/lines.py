"""What a row of a source becomes: a line of a batch's input file, as OpenAI's Batch API has it."""

import json
from collections.abc import Mapping
from typing import Any, Final, get_args

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from api.bulk.options import CHAT, Endpoint, Options
from api.bulk.rows import Row
from api.prompt_files import PromptLine
from core.errors import InvalidInputError
from core.schemas.experts import AUTO

#: What a line of an input file has; whatever else a request carries is for others.
KEYS: Final = ("custom_id", "method", "url", "body", "reference", "dataset")

EXAMPLE: Final = 'a line looks like {"prompt": "…", "reference": "…"}'


class Lines:
    """Makes lines by one submission's options. `endpoint` is the batch's: as asked for, or else as the first line says.

    A row with a `body` is a request of OpenAI's and passed on as it is, but for what an option says otherwise; any
    other is a prompt. They may be mixed.
    """

    def __init__(self, options: Options) -> None:
        self._model = options.model
        self._sampling = options.sampling()
        #: Which key holds what; a chat only where no column was named.
        self._keys = {name: given or name for name, given in options.columns}
        self._chat = "messages" if options.columns.prompt is None else None
        self.endpoint: Endpoint | None = options.endpoint

    def line(self, row: Row, name: str) -> bytes:
        """The line, with its end; `name` is its id where it has none. InvalidInputError says where what is wrong."""
        try:
            fields = _parsed(row.content) if isinstance(row.content, bytes) else row.content
            made = self._request(fields) if isinstance(fields.get("body"), dict) else self._prompt(fields)
        except InvalidInputError as error:
            raise InvalidInputError(f"{row.place}: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "the line"
            raise InvalidInputError(f"{row.place}: {field}: {first['msg']}; {EXAMPLE}") from error
        return to_json({"custom_id": name, **made}) + b"\n"

    def _request(self, fields: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
        given = {key: fields[key] for key in KEYS if fields.get(key) is not None}
        url = given.get("url", self.endpoint or CHAT)
        if self.endpoint is None and url in get_args(Endpoint):
            self.endpoint = url
        if url != self.endpoint:
            raise InvalidInputError(
                f"its url is {str(url)[:100]!r}, and the batch's {self.endpoint or CHAT}: submit requests of another "
                "endpoint by themselves"
            )
        body = {**self._sampling, **given["body"], **({"model": self._model} if self._model else {})}
        if "max_completion_tokens" in body and "max_tokens" not in given["body"]:
            body.pop("max_tokens", None)  # another name of the same
        return {"method": "POST", "url": url, **given, "body": body}

    def _prompt(self, fields: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
        line = PromptLine.model_validate(self._named(fields))
        self.endpoint = self.endpoint or CHAT
        named = {"custom_id": line.id, "reference": line.reference, "dataset": line.dataset}
        return {
            "method": "POST",
            "url": self.endpoint,
            "body": {"model": self._model or AUTO, **self._question(line), **self._sampling},
            **{name: value for name, value in named.items() if value},
        }

    def _question(self, line: PromptLine) -> dict[str, Any]:  # Any: JSON
        if self.endpoint != CHAT:
            if line.messages:
                raise InvalidInputError(f"has messages, and {self.endpoint} takes a text: use --endpoint {CHAT}")
            return {"prompt": line.prompt}
        if line.messages:
            return {"messages": [message.model_dump() for message in line.messages]}
        return {"messages": [{"role": "user", "content": line.prompt}]}  # as PromptLine.question has it

    def _named(self, fields: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
        """Its cells by the names of a prompt's fields; a list is the messages of a chat, and a number is a text."""
        found = {name: _text(fields.get(key)) for name, key in self._keys.items()}
        asked = [found.pop("prompt"), fields.get(self._chat) if self._chat else None]
        questions = {
            "messages" if isinstance(one, list) else "prompt": _messages(one) for one in asked if one is not None
        }
        if not questions:
            wanted = "'prompt' (a text) or 'messages' (a chat)" if self._chat else repr(self._keys["prompt"])
            keys = ", ".join(map(str, fields)) or "nothing"
            raise InvalidInputError(f"has no {wanted}, but {keys[:200]}: name the key of your prompts by --column")
        if "" in questions.values():
            raise InvalidInputError("has an empty prompt: take the line out, or leave such out by --on-invalid skip")
        return found | questions


def _parsed(line: bytes) -> dict[str, Any]:  # Any: JSON
    try:
        found = from_json(line, allow_inf_nan=False)
    except ValueError as error:
        why = str(error).replace("at line 1 ", "at ")
        raise InvalidInputError(f"is no JSON object: {why}; {EXAMPLE}") from error
    if isinstance(found, list):
        raise InvalidInputError("is a JSON array: write its objects a line each, e.g. by `jq -c '.[]'`")
    if not isinstance(found, dict):
        raise InvalidInputError(f"is JSON, but no object; {EXAMPLE}")
    return found


def _text(cell: Any) -> Any:  # Any: a cell
    """Ids and references are often numbers."""
    return json.dumps(cell) if isinstance(cell, bool | int | float) else cell


def _messages(question: Any) -> Any:  # Any: a cell
    """A table's messages have all their keys, whether a message has them or not."""
    if not isinstance(question, list):
        return question
    return [
        {key: value for key, value in one.items() if value is not None} if isinstance(one, dict) else one
        for one in question
    ]
