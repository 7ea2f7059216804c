"""The port at which a process tells what it counts, and what generating counts. Decides nothing, and needs no numpy."""

from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import version

from prometheus_client import REGISTRY, CollectorRegistry, start_http_server

from core import metrics
from core.errors import ConfigError
from core.schemas.work import Claim, GenerationItem, GenerationResult
from core.settings import Settings


def serve(settings: Settings, process: str, registry: CollectorRegistry = REGISTRY) -> None:
    """Tell whoever asks at TOROUTER_METRICS_PORT what this process counts, from now on; nothing where that is 0.

    ConfigError where the port can't be had.
    """
    metrics.PROCESS.labels(process, version("torouter")).set(1)
    if not settings.metrics_port:
        return
    host, port = settings.metrics_host, settings.metrics_port
    try:
        start_http_server(port, host, registry)
    except OSError as error:
        raise ConfigError(
            f"can't listen on TOROUTER_METRICS_HOST={host} TOROUTER_METRICS_PORT={port}: {error.strerror or error}; "
            "each process of a machine needs a port of its own"
        ) from error


class Chunk:
    """Generations that an engine has been asked for, until it has let go of each."""

    def __init__(self, items: Sequence[GenerationItem]) -> None:
        self._experts = {item.claim: item.expert for item in items}
        for expert, count in Counter(self._experts.values()).items():
            metrics.IN_FLIGHT.labels(expert).inc(count)

    def done(self, results: Iterable[GenerationResult]) -> None:
        """Answers, as they finish."""
        results = list(results)
        for expert, result in zip(self._ended("done", [one.claim for one in results]), results, strict=True):
            metrics.TOKENS.labels(expert, "input").inc(result.input_tokens)
            metrics.TOKENS.labels(expert, "output").inc(result.output_tokens)
            metrics.COST.labels(expert).inc(result.cost_usd)
            metrics.ENGINE_QUEUE.labels(expert).observe(result.queue_s)
            metrics.INFERENCE.labels(expert).observe(result.inference_s)
            if result.first_token_s is not None:
                metrics.FIRST_TOKEN.labels(expert).observe(result.first_token_s)
            if result.inference_s > 0:
                metrics.SPEED.labels(expert).observe(result.output_tokens / result.inference_s)

    def ended(self, outcome: str, claims: Iterable[Claim]) -> None:
        """What has become of others."""
        self._ended(outcome, claims)

    def close(self) -> None:
        """Whatever is left goes back."""
        self._ended("given_back", list(self._experts))

    def _ended(self, outcome: str, claims: Iterable[Claim]) -> list[str]:
        experts = [self._experts.pop(claim) for claim in claims]
        for expert, count in Counter(experts).items():
            metrics.IN_FLIGHT.labels(expert).dec(count)
            metrics.GENERATIONS.labels(expert, outcome).inc(count)
        return experts
