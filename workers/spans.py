"""Spans by OpenTelemetry's SDK, sent over OTLP/HTTP to where its own variables say (OTEL_EXPORTER_OTLP_ENDPOINT, …).

A pass over prompts of several submissions has a span in each one's trace, and these are linked, so that every trace is
complete by itself. An error is told by its code or type: its message may hold what a caller wrote.
"""

import importlib.metadata
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from core.errors import ConfigError, TorouterError
from core.queues import WorkClass
from workers.tracing import BATCH, CLASS, GATHERED, PROMPT, PROMPTS, Attributes, Item, Span

_W3C = TraceContextTextMapPropagator()

#: The last digits of an id that are looked at for the share, random ones, and what they stay below.
DIGITS = 8
LARGEST = 0x1_0000_0000

#: Characters of a traceparent: 55 in this version of W3C's, perhaps more in later ones. The library warns of long ones.
LONGEST = 200


class Live(Span):
    """One that is recorded, or several of one pass."""

    def __init__(self, spans: Sequence[trace.Span]) -> None:
        self._spans = spans

    def tell(self, attributes: Attributes) -> None:
        for span in self._spans:
            span.set_attributes(attributes)

    def fail(self, code: str) -> None:
        for span in self._spans:
            _fail(span, code)


class Spans:
    """The tracer of one process."""

    def __init__(self, provider: TracerProvider, share: float) -> None:
        """`share` of the prompts of bulk submissions have spans of their own; those of others all have."""
        self._provider = provider
        self._tracer = provider.get_tracer("torouter", importlib.metadata.version("torouter"))
        self._share = share

    @classmethod
    def exported(cls, service: str, share: float) -> Self:
        """By OTLP; ConfigError where OpenTelemetry's variables are wrong."""
        named = Resource.create({"service.name": service, "service.version": importlib.metadata.version("torouter")})
        try:
            # Not the process's own provider, so that no other library sends its spans by it.
            provider = TracerProvider(resource=named.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        except (ValueError, OSError) as error:
            raise ConfigError(f"OpenTelemetry's variables (OTEL_…): {error}") from error
        return cls(provider, share)

    def serve(self, name: str, traceparent: str | None, attributes: Attributes) -> AbstractContextManager[Span]:
        return _within([self._start(name, SpanKind.SERVER, _context(traceparent), attributes)])

    def submit(self) -> AbstractContextManager[Span]:
        return _within([self._start("submit", SpanKind.PRODUCER, None, {})])

    def step(self, name: str, traceparent: str, attributes: Attributes) -> AbstractContextManager[Span]:
        return _within([self._start(name, SpanKind.CONSUMER, _context(traceparent), attributes)])

    def together(self, name: str, items: Iterable[Item]) -> AbstractContextManager[Span]:
        spans: list[trace.Span] = []
        for traceparent, attributes in self._submissions(list(items)):
            links = [Link(first.get_span_context()) for first in spans[:1]]
            spans.append(self._start(name, SpanKind.CONSUMER, _context(traceparent), attributes, links))
        return _within(spans)

    def ended(self, name: str, item: Item, began_at: float, attributes: Attributes, code: str | None) -> None:
        if not self.wants(item):
            return
        own = {PROMPT: item.origin.prompt_id, BATCH: item.origin.batch_id, CLASS: item.work_class.value}
        span = self._tracer.start_span(
            name,
            _context(item.origin.traceparent),
            kind=SpanKind.CONSUMER,
            attributes={**own, **attributes},
            start_time=int(began_at * 1e9),
        )
        if code is not None:
            _fail(span, code)
        span.end()

    def wants(self, item: Item) -> bool:
        """Whether a prompt has spans of its own; the same in every step and process."""
        if not _is_sampled(item.origin.traceparent):
            return False
        if item.work_class is WorkClass.INTERACTIVE:
            return True
        return int(item.origin.prompt_id[-DIGITS:], 16) < self._share * LARGEST

    def traceparent(self) -> str | None:
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        return carrier.get("traceparent")

    def ids(self) -> dict[str, str]:
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}

    def stop(self, within_s: float) -> None:
        """The SDK gives up on a collector that is away after half a minute; whoever ends has no such time."""
        last = threading.Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        last.start()
        last.join(within_s)

    def _start(
        self, name: str, kind: SpanKind, context: Context | None, attributes: Attributes, links: Sequence[Link] = ()
    ) -> trace.Span:
        """Without a context, within the span that goes on."""
        return self._tracer.start_span(name, context, kind=kind, attributes=attributes, links=links)

    def _submissions(self, items: Sequence[Item]) -> Iterator[tuple[str, Attributes]]:
        """Those that have a prompt to be traced among these, by their traceparent, and what a pass has of each."""
        by_submission: defaultdict[str, list[Item]] = defaultdict(list)
        for item in items:
            by_submission[item.origin.traceparent or ""].append(item)
        for traceparent, theirs in by_submission.items():
            wanted = next((item for item in theirs if self.wants(item)), None)
            if wanted is None:
                continue
            told = {BATCH: wanted.origin.batch_id, CLASS: wanted.work_class.value}
            one = {PROMPT: wanted.origin.prompt_id} if len(theirs) == 1 else {}
            yield traceparent, {**told, **one, PROMPTS: len(theirs), GATHERED: len(items)}


def _context(traceparent: str | None) -> Context:
    """Within that span; of none, or of what is no traceparent, where a new trace begins."""
    if traceparent is None or len(traceparent) > LONGEST:
        return Context()
    return _W3C.extract({"traceparent": traceparent}, Context())


def _is_sampled(traceparent: str | None) -> bool:
    """By whoever began the trace, as its flags say."""
    return trace.get_current_span(_context(traceparent)).get_span_context().trace_flags.sampled


@contextmanager
def _within(spans: Sequence[trace.Span]) -> Iterator[Span]:
    """They end with the block, and with its error if there is one. One that is alone is what logs refer to."""
    try:
        with _current(spans[0]) if len(spans) == 1 else nullcontext():
            yield Live(spans)
    except Exception as error:
        for span in spans:
            _fail(span, error.code if isinstance(error, TorouterError) else type(error).__name__)
        raise
    finally:
        for span in spans:
            span.end()


def _current(span: trace.Span) -> AbstractContextManager[trace.Span]:
    return trace.use_span(span, record_exception=False, set_status_on_exception=False)


def _fail(span: trace.Span, code: str) -> None:
    span.set_attribute("error.type", code)
    span.set_status(Status(StatusCode.ERROR, code))
