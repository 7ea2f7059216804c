"""A submission through real processes: its spans at a collector, in the caller's trace, and their logs as JSON."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from core.settings import Settings
from tests.factories import expert
from tests.integration.receiver import Receiver
from tests.integration.test_flower import free_port
from tests.system import System, until
from workers import scoring, tracing
from workers.leasing import Leases
from workers.processes import ENGINE_DIED

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

#: Occurs in what is asked, and may be in no span and no log.
TEXT = "how-many-eggs"


@dataclass(frozen=True)
class Span:
    service: str
    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Ran:
    """What was left by a system in which one prompt was answered, one was rejected, and one was the engine's death."""

    spans: list[Span]
    #: As the collector got them: with events and messages of errors, which no `Span` has.
    sent: list[bytes]
    logs: dict[str, str]
    answered: dict[str, Any]
    rejected: dict[str, Any]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name and span.trace == TRACE]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    with Receiver() as collector, pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.port}")
        environment.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        # Nothing is sent but by who ends, so that whatever is there was sent then.
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
        home = tmp_path_factory.mktemp("traced")
        settings = Settings(home=home, port=free_port(), traces=True, log_format="json", log_level="INFO", sweep_s=60)
        system = System(settings, [expert("a", options={"faults": True, "first_token_s": 0.01})])
        try:
            answered, rejected = _run(system, home)
        finally:
            logs = {path.stem: path.read_text() for path in (home / "logs").glob("*.log") if path.stem != "valkey"}
            system.stop_all()
        sent = [one.body for one in collector.received]
        yield Ran([span for body in sent for span in _spans(body)], sent, logs, answered, rejected)


def _run(system: System, home: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    system.start_broker()
    system.promote_random(home / "checkpoint", "a")
    system.start_process("api", "serve")
    system.start("routing", "expert a")
    url = f"http://127.0.0.1:{system.settings.port}"
    with httpx.Client(base_url=url, timeout=60, headers={"traceparent": f"00-{TRACE}-{CALLER}-01"}) as client:
        until(lambda: _is_up(client), "the API answers", 120)
        answered = _ended(client, f"{TEXT}?", reference="12")
        rejected = _ended(client, f"{TEXT} [[fault:reject]]", expert="a")
        _score(system)
        client.post("/v1/prompts", json={"prompt": f"{TEXT} [[fault:dead]]", "expert": "a"}).raise_for_status()
        assert system.wait("expert-a") == ENGINE_DIED
    for name in ("api", "routing"):
        system.stop(name)
    return answered, rejected


def _is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


def _ended(client: httpx.Client, text: str, **asked: object) -> dict[str, Any]:
    made = client.post("/v1/prompts", json={"prompt": text, **asked}).raise_for_status().json()
    return client.get(f"/v1/prompts/{made['prompts'][0]['id']}", params={"wait": 60}).raise_for_status().json()


def _score(system: System) -> None:
    """The step as its worker has it, but for the model."""
    leases = Leases(system.store.scores, system.settings.lease_s)
    using = scoring.Using(system.store, leases, lambda answers, _: [0.5] * len(answers), system.settings)
    tracing.start(system.settings, "scoring")
    scoring.score([1], using)
    tracing.stop()


def _spans(body: bytes) -> Iterator[Span]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = _values(resource.resource.attributes)["service.name"]
        for span in (one for scope in resource.scope_spans for one in scope.spans):
            ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
            yield Span(service, span.name, *ids, _values(span.attributes))


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def test_a_prompt_is_followed_from_its_caller_through_every_queue(ran: Ran):
    asked = ran.answered["id"]
    [route] = [span for span in ran.named("route") if span.attributes["torouter.prompt.id"] == asked]
    [generate] = [span for span in ran.named("generate") if span.attributes["torouter.prompt.id"] == asked]
    [score] = ran.named("score")
    [submit] = [span for span in ran.named("submit") if span.id == route.parent]
    [request] = [span for span in ran.named("POST /v1/prompts") if span.id == submit.parent]

    assert request.parent == CALLER
    assert {span.parent for span in (route, generate, score)} == {submit.id}
    assert [span.service for span in (request, submit, route, generate, score)] == [
        "torouter-api",
        "torouter-api",
        "torouter-routing",
        "torouter-expert",
        "torouter-scoring",
    ]
    assert request.attributes["http.response.status_code"] == 202
    assert generate.attributes["torouter.expert"] == "a"
    assert (
        generate.attributes["gen_ai.usage.output_tokens"] == ran.answered["generations"][0]["metrics"]["output_tokens"]
    )


def test_what_was_in_vain_says_why_and_the_last_spans_of_a_dead_engine_are_sent(ran: Ran):
    errors = {span.attributes.get("error.type") for span in ran.named("generate")}

    assert errors == {None, "invalid_request", "engine_dead"}


def test_no_span_holds_what_was_asked_or_answered(ran: Ran):
    answer = ran.answered["generations"][0]["answer"]

    assert sum(b"generate" in body for body in ran.sent)
    assert not any(text.encode() in body for body in ran.sent for text in (TEXT, answer))


def test_every_line_of_every_log_is_an_object_with_its_process(ran: Ran):
    lines = {name: [json.loads(line) for line in text.splitlines()] for name, text in ran.logs.items()}

    assert {name: {line["process"] for line in found} for name, found in lines.items()} == {
        "api": {"api"},
        "routing": {"routing"},
        "expert-a": {"expert-a"},
    }
    assert not any(TEXT in text for text in ran.logs.values())


def test_a_line_of_a_worker_has_the_ids_of_its_prompt(ran: Ran):
    lines = map(json.loads, ran.logs["expert-a"].splitlines())

    [found] = [line for line in lines if line.get("prompt_id") == ran.rejected["id"]]

    assert {name: found[name] for name in ("batch_id", "expert", "trace_id", "message")} == {
        "batch_id": ran.rejected["batch_id"],
        "expert": "a",
        "trace_id": TRACE,
        "message": f"{ran.rejected['id']} is not answered by a: invalid_request",
    }
