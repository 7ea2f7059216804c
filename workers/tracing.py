"""Traces of a submission's way through the steps, by OpenTelemetry; off unless a process is told to start.

Messages carry ids alone, so a submission's context is stored with its batch, as W3C's traceparent, and each step that
has claimed rows goes on from there (docs/decisions/0027). While it is off we import nothing of OpenTelemetry.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from core.errors import ConfigError
from core.queues import WorkClass
from core.schemas.work import Origin
from core.settings import Settings

#: Of OpenTelemetry's names where it has one, and else `torouter.…`. Ids, counts and times: never a text or a key.
Attributes = Mapping[str, str | float | Sequence[str]]

PROMPT, BATCH, EXPERT, CLASS = "torouter.prompt.id", "torouter.batch.id", "torouter.expert", "torouter.class"

#: The prompts of one submission that a pass of a step took, and those of all submissions.
PROMPTS, GATHERED = "torouter.prompts", "torouter.gathered"

#: Seconds that a process which ends waits for the last spans to be taken.
STOP_S = 5.0


class Item(Protocol):
    """Claimed work on a prompt."""

    @property
    def origin(self) -> Origin: ...

    @property
    def work_class(self) -> WorkClass: ...


class Span:
    """One that is not recorded."""

    def tell(self, attributes: Attributes) -> None:
        """Add what is known by now."""

    def fail(self, code: str) -> None:
        """It was in vain, and by what error."""


class Tracer(Protocol):
    """What makes spans; `workers.spans` has the one there is."""

    def serve(self, name: str, traceparent: str | None, attributes: Attributes) -> AbstractContextManager[Span]: ...

    def submit(self) -> AbstractContextManager[Span]: ...

    def step(self, name: str, traceparent: str, attributes: Attributes) -> AbstractContextManager[Span]: ...

    def together(self, name: str, items: Iterable[Item]) -> AbstractContextManager[Span]: ...

    def ended(self, name: str, item: Item, began_at: float, attributes: Attributes, code: str | None) -> None: ...

    def wants(self, item: Item) -> bool: ...

    def traceparent(self) -> str | None: ...

    def ids(self) -> dict[str, str]: ...

    def stop(self, within_s: float) -> None: ...


#: This process's, and None while it is off: in a list of one, since threads look at it while it is replaced.
_tracer: list[Tracer | None] = [None]

_stopping = threading.Lock()

_NONE = Span()


def check(settings: Settings) -> None:
    """ConfigError where traces are asked for and what they need is not installed."""
    if settings.traces:
        try:
            from workers import spans  # noqa: F401, PLC0415  # OpenTelemetry
        except ImportError as error:
            raise ConfigError(
                f"TOROUTER_TRACES=true needs the extra: pip install 'torouter[traces]' ({error})"
            ) from error


def start(settings: Settings, service: str) -> None:
    """Trace from now on as the settings say, as the service `torouter-…`; ConfigError as `check` has it."""
    if not settings.traces:
        return
    check(settings)
    from workers import spans  # noqa: PLC0415  # OpenTelemetry

    _tracer[0] = spans.Spans.exported(f"torouter-{service}", settings.traces_share)


def stop(within_s: float = STOP_S) -> None:
    """Send what is left, as far as that is possible in so many seconds, and trace no more."""
    with _stopping:  # a second thread that finds the engine dead must not end the process meanwhile
        on, _tracer[0] = _tracer[0], None
        if on:
            on.stop(within_s)


def serve(name: str, traceparent: str | None, attributes: Attributes) -> AbstractContextManager[Span]:
    """A request of ours, within its caller's trace or in a new one."""
    return on.serve(name, traceparent, attributes) if (on := _tracer[0]) else nullcontext(_NONE)


def submit() -> AbstractContextManager[Span]:
    """Storing and sending, within a request; `traceparent` is then what its steps go on from."""
    return on.submit() if (on := _tracer[0]) else nullcontext(_NONE)


def step(name: str, traceparent: str | None, attributes: Attributes) -> AbstractContextManager[Span]:
    """A step for a whole submission; no span where that is not traced."""
    return on.step(name, traceparent, attributes) if traceparent and (on := _tracer[0]) else nullcontext(_NONE)


def together(name: str, items: Iterable[Item]) -> AbstractContextManager[Span]:
    """A pass of a step over prompts of any submissions: a span in the trace of each that has a prompt to be traced."""
    return on.together(name, items) if (on := _tracer[0]) else nullcontext(_NONE)


def ended(name: str, item: Item, began_at: float, attributes: Attributes, code: str | None = None) -> None:
    """A step for one prompt that has just ended, perhaps by an error, and began at a Unix time."""
    if on := _tracer[0]:
        on.ended(name, item, began_at, attributes, code)


def wants(item: Item) -> bool:
    """Whether `ended` makes a span of it, for whoever has to gather attributes."""
    return (on := _tracer[0]) is not None and on.wants(item)


def traceparent() -> str | None:
    """Of the span that this thread or task is in; None: it is in none."""
    return on.traceparent() if (on := _tracer[0]) else None


def ids() -> dict[str, str]:
    """`trace_id` and `span_id` of that span, for logs."""
    return on.ids() if (on := _tracer[0]) else {}
