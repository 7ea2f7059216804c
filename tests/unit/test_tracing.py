"""Spans of a submission: whose children they are, what they are linked to, and which there are not."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from core.errors import ConfigError, OverloadedError
from core.queues import WorkClass
from core.schemas.work import Claim, Origin, ScoringItem
from core.settings import Settings
from workers import tracing
from workers.spans import Spans

TRACE, OTHER = "0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-b7ad6b7169203331-01"
STRANGER = f"00-{OTHER}-00f067aa0ba902b7-01"
UNSAMPLED = f"00-{TRACE}-b7ad6b7169203331-00"

#: Of the share: a hundredth, and not.
IN, OUT = "prompt_" + "0" * 32, "prompt_" + "0" * 24 + "f" * 8


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """The spans of this process, of a share of 1 %."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", [Spans(provider, 0.01)])
    yield exporter
    provider.shutdown()


def item(traceparent: str | None = CALLER, prompt: str = IN, work_class: WorkClass = WorkClass.BULK) -> ScoringItem:
    origin = Origin(prompt, "batch_1", traceparent)
    return ScoringItem(Claim(1, 1), origin, work_class, "a", "an answer", "a reference")


def trace_of(span: ReadableSpan) -> str:
    return f"{span.context.trace_id:032x}"


def parent_of(span: ReadableSpan) -> str:
    return f"{span.parent.span_id:016x}" if span.parent else ""


def test_off_it_imports_nothing_and_makes_nothing():
    code = """
import sys
from core.settings import Settings
from workers import generating, routing, scoring, tracing
import api.app
tracing.start(Settings(), "routing")
with tracing.serve("POST /", None, {}) as request, tracing.submit() as span, tracing.together("route", [object()]):
    span.tell({"a": 1})
    request.fail("code")
    assert tracing.traceparent() is None and tracing.ids() == {} and not tracing.wants(object())
tracing.ended("generate", object(), 0.0, {})
tracing.stop()
ours = ("workers.spans", "opentelemetry.exporter", "opentelemetry.sdk.trace")  # redis-py imports the metrics
sys.exit(", ".join(name for name in sys.modules if name.startswith(ours)) or 0)
"""
    found = subprocess.run([sys.executable, "-c", code], check=False, timeout=120, capture_output=True, text=True)

    assert found.stderr == ""


def test_without_the_packages_the_error_names_the_extra():
    code = """
import sys
sys.modules["opentelemetry.sdk"] = None
from core.settings import Settings
from workers import tracing
tracing.start(Settings(), "routing")
tracing.start(Settings(traces=True), "routing")
"""
    found = subprocess.run([sys.executable, "-c", code], check=False, timeout=120, capture_output=True, text=True)

    assert "ConfigError: TOROUTER_TRACES=true needs the extra: pip install 'torouter[traces]'" in found.stderr


def test_a_wrong_variable_of_opentelemetry_is_our_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100000")

    with pytest.raises(ConfigError, match="OTEL_"):
        tracing.start(Settings(home=tmp_path, traces=True), "routing")


def test_a_submission_is_in_its_callers_trace_and_its_steps_follow_it(exported: InMemorySpanExporter):
    with tracing.serve("POST /v1/prompts", CALLER, {}), tracing.submit():
        stored = tracing.traceparent()
    with tracing.together("route", [item(stored)]):
        pass
    tracing.ended("generate", item(stored), 12.5, {tracing.EXPERT: "a"})

    submit, request, route, generate = exported.get_finished_spans()
    assert {trace_of(span) for span in (request, submit, route, generate)} == {TRACE}
    assert parent_of(request) == "b7ad6b7169203331"
    assert parent_of(submit) == f"{request.context.span_id:016x}"
    assert parent_of(route) == parent_of(generate) == f"{submit.context.span_id:016x}"
    assert [span.kind.name for span in (request, submit, route, generate)] == [
        "SERVER",
        "PRODUCER",
        "CONSUMER",
        "CONSUMER",
    ]
    assert generate.start_time == 12_500_000_000
    assert generate.attributes == {
        "torouter.prompt.id": IN,
        "torouter.batch.id": "batch_1",
        "torouter.class": "bulk",
        "torouter.expert": "a",
    }


@pytest.mark.parametrize("given", [None, "", "nonsense", "00-0-0-00", "0" * 5000, f"00-{'0' * 32}-b7ad6b7169203331-01"])
def test_a_request_that_names_no_trace_begins_one(exported: InMemorySpanExporter, given: str | None):
    with tracing.serve("POST /v1/prompts", given, {}):
        pass

    [span] = exported.get_finished_spans()
    assert span.parent is None


def test_a_pass_over_several_submissions_has_a_span_in_each_trace_and_they_are_linked(exported: InMemorySpanExporter):
    mine, theirs = item(CALLER, work_class=WorkClass.INTERACTIVE), item(STRANGER)

    with tracing.together("route", [mine, theirs, item(STRANGER, OUT), item(None)]):
        assert tracing.ids() == {}  # what is logged is neither's

    first, second = exported.get_finished_spans()
    assert [trace_of(first), trace_of(second)] == [TRACE, OTHER]
    assert [link.context.span_id for link in second.links] == [first.context.span_id]
    assert not first.links
    assert first.attributes["torouter.prompt.id"] == IN
    assert "torouter.prompt.id" not in second.attributes
    assert [second.attributes[name] for name in ("torouter.prompts", "torouter.gathered")] == [2, 4]


def test_of_bulk_a_share_is_traced_and_of_interactive_work_all(exported: InMemorySpanExporter):
    for prompt in (IN, OUT):
        for work_class in WorkClass:
            tracing.ended("generate", item(prompt=prompt, work_class=work_class), 0.0, {})
    with tracing.together("score", [item(prompt=OUT)]):
        pass

    found = [
        (s.name, s.attributes["torouter.prompt.id"], s.attributes["torouter.class"])
        for s in exported.get_finished_spans()
    ]
    assert found == [
        ("generate", IN, "interactive"),
        ("generate", IN, "bulk"),
        ("generate", OUT, "interactive"),
    ]


@pytest.mark.parametrize("traceparent", [None, UNSAMPLED])
def test_what_is_not_traced_has_no_span(exported: InMemorySpanExporter, traceparent: str | None):
    tracing.ended("generate", item(traceparent, work_class=WorkClass.INTERACTIVE), 0.0, {})
    with tracing.together("route", [item(traceparent)]), tracing.step("finalize", traceparent, {}):
        pass

    assert exported.get_finished_spans() == ()


def test_what_the_caller_does_not_sample_says_so_to_the_steps(exported: InMemorySpanExporter):
    with tracing.serve("POST /v1/prompts", UNSAMPLED, {}), tracing.submit():
        stored = tracing.traceparent()

    assert stored is not None
    assert stored.startswith(f"00-{TRACE}-")
    assert stored.endswith("-00")


def test_an_error_is_told_by_its_code_and_never_by_its_message(exported: InMemorySpanExporter):
    for error in (OverloadedError("a secret", retry_after_s=1), ValueError("a secret")):
        with pytest.raises(type(error)), tracing.step("validate", CALLER, {}):
            raise error

    spans = exported.get_finished_spans()
    assert [span.attributes["error.type"] for span in spans] == ["overloaded", "ValueError"]
    assert all(span.status.status_code is StatusCode.ERROR for span in spans)
    assert not any("a secret" in span.to_json() for span in spans)


def test_a_collector_that_is_away_keeps_no_process_from_ending():
    code = f"""
import time
from core.settings import Settings
from workers import tracing
tracing.start(Settings(traces=True), "routing")
with tracing.step("validate", "{CALLER}", {{}}):
    pass
began_at = time.monotonic()
tracing.stop(within_s=0.1)
assert time.monotonic() - began_at < 3, "the SDK alone took six"
assert tracing._tracer == [None]
"""
    environment = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}

    done = subprocess.run([sys.executable, "-c", code], env=environment, timeout=60, check=False)

    assert done.returncode == 0


class Slow(InMemorySpanExporter):
    """Takes its time to end."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = threading.Event()

    def shutdown(self) -> None:
        self.may_end.wait(30)
        super().shutdown()


def test_a_second_thread_that_ends_the_process_waits_for_the_first(monkeypatch: pytest.MonkeyPatch):
    slow, provider = Slow(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(slow))
    monkeypatch.setattr(tracing, "_tracer", [Spans(provider, 0.01)])
    threads = [threading.Thread(target=tracing.stop, args=(30,)) for _ in range(2)]

    for thread in threads:
        thread.start()
    threads[1].join(0.2)
    assert all(thread.is_alive() for thread in threads)
    slow.may_end.set()
    for thread in threads:
        thread.join(30)

    assert not any(thread.is_alive() for thread in threads)
