"""The OpenAPI document against the app: what it allows and what it doesn't, and what it says of every answer."""

import json
import time
from contextlib import suppress

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.python import asgi
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from core.settings import Settings
from workers.lines import Using

#: The same requests every time, so many of each kind to each operation.
SAME = examples(derandomize=True, database=None, deadline=None, max_examples=8, suppress_health_check=list(HealthCheck))

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]

CHAT = "/v1/chat/completions"
LINE = {"custom_id": "1", "method": "POST", "url": CHAT, "body": {"messages": [{"role": "user", "content": "Hi"}]}}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"wait_s": 20.0})


@pytest.fixture
def known(app: FastAPI, batches: Using) -> dict[str, str]:
    """Ids by the parameter that takes them, of things that are there."""
    with asgi.get_client(app) as client:
        form = {"files": {"file": ("a.jsonl", json.dumps(LINE).encode())}, "data": {"purpose": "batch"}}
        file = client.post("/v1/files", **form).json()["id"]
        asked = {"input_file_id": file, "endpoint": CHAT, "completion_window": "24h"}
        batch = client.post("/v1/batches", json=asked).json()["id"]
        prompt = client.post("/v1/prompts", json={"prompt": "Hi"}).json()["prompts"][0]["id"]
        upload = client.post("/v1/uploads", json={"filename": "a", "purpose": "batch", "bytes": 1}).json()["id"]
        while client.get(f"/v1/batches/{batch}").json()["status"] != "completed":
            time.sleep(0.01)
    return {"file_id": file, "batch_id": batch, "prompt_id": prompt, "upload_id": upload, "name": "auto"}


def test_every_answer_is_as_the_document_says(app: FastAPI, known: dict[str, str], subtests: pytest.Subtests):
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    with asgi.get_client(app) as client:
        for operation in (found.ok() for found in schema.get_all_operations()):
            for mode in GenerationMode:
                # Unsatisfiable: there is no wrong request to what takes nothing.
                with subtests.test(f"{operation.label} {mode.value}"), suppress(Unsatisfiable):
                    try_out(operation, mode, client, known)


def try_out(operation: APIOperation, mode: GenerationMode, client: asgi.ASGIClient, known: dict[str, str]) -> None:
    """Requests that the document allows, or not, to things that are there, or not."""
    wanted = CHECKS[1:] if operation.path == "/readyz" else CHECKS  # there is no broker

    @SAME
    @given(operation.as_strategy(mode), st.sampled_from([{}, known]))
    def answers(case: Case, there: dict[str, str]) -> None:
        if case.path_parameters:
            case.path_parameters = {name: there.get(name, one) for name, one in case.path_parameters.items()}
        case.validate_response(case.call(session=client), wanted)

    answers()
