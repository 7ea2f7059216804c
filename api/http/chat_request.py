"""A chat as OpenAI's clients send it: what is taken, what is harmless, and what is refused by name."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from pydantic import Field

from api.http.fields import Messages, Metadata, Parameters, Text
from core.schemas.experts import AUTO

#: Values by which a list or an object asks for nothing.
NOTHING: tuple[Any, ...] = (None, [], {})  # Any: JSON


class ChatRequest(Parameters):
    """The body of `POST /v1/chat/completions` and `POST /predict`."""

    neutral: ClassVar[Mapping[str, Collection[Any]]] = {  # Any: as above
        "stream": (None, False),
        "n": (None, 1),
        "store": (None, False),
        "tools": NOTHING,
        "tool_choice": (None, "none"),
        "parallel_tool_calls": (None, True, False),  # says nothing without tools
        "functions": NOTHING,
        "function_call": (None, "none"),
        "response_format": (None, {"type": "text"}),
        "logprobs": (None, False),
        "top_logprobs": (None,),
        "logit_bias": NOTHING,
        "modalities": (None, ["text"]),
        "audio": NOTHING,
        "prediction": NOTHING,
        "reasoning_effort": (None, "none"),
        "verbosity": (None,),
        "web_search_options": (None,),
        "stream_options": (None,),
        "moderation": (None,),
    }
    ignored: ClassVar[frozenset[str]] = frozenset(
        {
            "user",
            "safety_identifier",
            "service_tier",
            "prompt_cache_key",
            "prompt_cache_options",
            "prompt_cache_retention",
        }
    )

    model: Text = Field(AUTO, description="`auto` lets the router choose, `auto:POLICY` names a policy, else an expert")
    messages: Messages
    metadata: Metadata | None = None
