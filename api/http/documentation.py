"""The OpenAPI document. Bodies are parsed by us (see `bodies`), so FastAPI has to be told what they look like."""

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.http.batch_request import BatchRequest
from api.http.chat_request import ChatRequest
from api.http.completion_request import CompletionRequest
from api.http.errors import ErrorObject
from api.http.file_requests import CompleteRequest, UploadRequest
from api.http.gate import PUBLIC
from api.http.objects import ResultObject
from api.http.prompt_request import ManyPrompts, OnePrompt
from router.reports import Report

TITLE = "torouter"
VERSION = version("torouter")
DESCRIPTION = """\
Submit prompts in bulk; each is routed, by a router learned from outcomes, to the expert LLM that is expected to answer
it best. Submit and come back (`/v1/prompts`, `/v1/batches`), or ask and wait (`/v1/chat/completions`, `/predict`,
`/v1/completions`), with any OpenAI client. Every error is `{"error": {"message", "type", "param", "code"}}`.
"""
TAGS = [
    {"name": "chat", "description": "Ask and wait for the answer"},
    {"name": "completions", "description": "Continue texts as they stand, and weigh them"},
    {"name": "prompts", "description": "Submit, and come back"},
    {"name": "batches", "description": "Files of prompts, and any submission's state and results"},
    {"name": "files", "description": "Batches' lines and answers"},
    {"name": "models", "description": "The router and the experts"},
    {"name": "usage", "description": "What it took"},
    {"name": "operator", "description": "For operators: a key needs the scope `operate`"},
    {"name": "health", "description": "For supervisors"},
]

#: As FastAPI wants them: status, and what is said of it.
Responses = dict[int | str, dict[str, Any]]  # Any: FastAPI's own type


def _error(status: int, description: str) -> Responses:
    return {status: {"model": ErrorObject, "description": description}}


BAD_REQUEST = _error(400, "A field is wrong; the message names it and the cure")
NOT_FOUND = _error(404, "No such thing, or an unknown expert")
TOO_LARGE = _error(413, "The body, or the number of prompts, is over the limit")
NOT_JSON = _error(415, "The body's Content-Type is not application/json")
NOT_FORM = _error(415, "The body's Content-Type is not multipart/form-data")
CONFLICT = _error(409, "Not in the state that it is in")
OVERLOADED = _error(429, "Disk or queues are full; `Retry-After` says when to come back")
FAILED = _error(502, "The prompt failed; `prompt_id` and `code` say which and why")
NOT_READY = _error(503, "No router has been promoted, or the database can't be reached")
UNAUTHENTICATED = _error(401, "No API key was sent, or one that is not known, or no longer")
FORBIDDEN = _error(403, "The key lacks the scope that this needs")
WAIT_TIMEOUT = _error(504, "Not ended in time; it goes on, and `prompt_id` is what to come back with")

#: Models that no endpoint's signature names.
BODIES: tuple[type[BaseModel], ...] = (
    OnePrompt,
    ManyPrompts,
    ChatRequest,
    CompletionRequest,
    BatchRequest,
    UploadRequest,
    CompleteRequest,
)
LINES: tuple[type[BaseModel], ...] = (ResultObject, Report)


def body_of(*models: type[BaseModel]) -> dict[str, Any]:  # Any: OpenAPI
    """What to say of an endpoint that reads one of these models."""
    choice = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    schema = choice[0] if len(choice) == 1 else {"anyOf": choice}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def form_of(file: str, *texts: str) -> dict[str, Any]:  # Any: OpenAPI
    """The same of one that reads a form with a file."""
    fields = {file: {"type": "string", "format": "binary"}, **{name: {"type": "string"} for name in texts}}
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def install(app: FastAPI) -> None:
    """Make the app's document complete, the first time that it is asked for."""
    app.openapi = lambda: app.openapi_schema or _complete(app)  # type: ignore[method-assign]  # FastAPI's documented way


def _complete(app: FastAPI) -> dict[str, Any]:  # Any: OpenAPI
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, tags=app.openapi_tags, routes=app.routes
    )
    schemas = document["components"]["schemas"]
    _, read = models_json_schema(
        [(model, "validation") for model in BODIES], ref_template="#/components/schemas/{model}"
    )
    _, written = models_json_schema(
        [(model, "serialization") for model in LINES], ref_template="#/components/schemas/{model}"
    )
    schemas |= {**written["$defs"], **read["$defs"], **schemas}
    _forget_422(document)
    _say_who_may(document)
    app.openapi_schema = document
    return document


def _say_who_may(document: dict[str, Any]) -> None:  # Any: OpenAPI
    """Every operation but the public ones takes a key, where the server asks for keys."""
    document["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "A key of `torouter keys create`"}
    }
    refusals = {str(status): _described(said) for status, said in (UNAUTHENTICATED | FORBIDDEN | OVERLOADED).items()}
    for path, operations in document["paths"].items():
        for operation in operations.values() if path not in PUBLIC else ():
            operation["security"] = [{"key": []}]
            operation["responses"] = refusals | operation["responses"]


def _described(response: dict[str, Any]) -> dict[str, Any]:  # Any: OpenAPI
    schema = {"$ref": "#/components/schemas/ErrorObject"}
    return {"description": response["description"], "content": {"application/json": {"schema": schema}}}


def _forget_422(document: dict[str, Any]) -> None:  # Any: OpenAPI
    """FastAPI announces its own validation errors, which here are answered with 400."""
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
