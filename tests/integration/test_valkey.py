"""The embedded broker: the real Valkey server, under the real supervisor."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from api import valkey
from api.supervisor import Event, Patience, State, Supervisor
from core.errors import ConfigError, NotReadyError
from core.settings import LONGEST_SOCKET_PATH, Settings
from workers import app as celery_app


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "a home")


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def supervisor(events: list[Event]) -> Iterator[Supervisor]:
    with Supervisor(events.append, Patience(first_s=0.05)) as supervisor:
        yield supervisor


def client(settings: Settings) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(settings.socket))


def sockets_of(pid: int) -> set[str]:
    """Inodes of a process's sockets."""
    targets = [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
    return {target[len("socket:[") : -1] for target in targets if target.startswith("socket:[")}


def tcp_sockets() -> set[str]:
    """Inodes of all TCP sockets of this machine."""
    tables = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    return {line.split()[9] for line in tables.splitlines()}


def test_it_answers_when_it_is_ready(supervisor: Supervisor, settings: Settings) -> None:
    supervisor.start([valkey.child(settings)], timeout_s=20)

    with client(settings) as broker:
        assert broker.ping()
        assert broker.info("server")["executable"].endswith("valkey-server")


def test_celery_reaches_it_by_the_default_url(supervisor: Supervisor, settings: Settings) -> None:
    supervisor.start([valkey.child(settings)], timeout_s=20)
    app = celery_app.create(settings)

    app.send_task("torouter.route", kwargs={"v": 1, "ids": [7]}, queue="celery")
    app.close()

    with client(settings) as broker:
        assert broker.llen("celery") == 1


def test_nobody_else_can_reach_it(supervisor: Supervisor, settings: Settings) -> None:
    supervisor.start([valkey.child(settings)], timeout_s=20)

    with client(settings) as broker:
        pid = broker.info("server")["process_id"]

    assert not sockets_of(pid) & tcp_sockets()
    assert stat.S_IMODE(settings.socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(settings.socket.parent.stat().st_mode) == 0o700


def test_a_home_stays_as_open_as_it_was(settings: Settings) -> None:
    settings.home.mkdir(mode=0o755)

    valkey.child(settings)

    assert stat.S_IMODE(settings.home.stat().st_mode) == 0o755


def test_it_keeps_nothing_on_disk_and_evicts_nothing(supervisor: Supervisor, settings: Settings) -> None:
    supervisor.start([valkey.child(settings)], timeout_s=20)

    with client(settings) as broker:
        options = {name: broker.config_get(name)[name] for name in ("save", "appendonly", "maxmemory-policy")}

    assert options == {"save": "", "appendonly": "no", "maxmemory-policy": "noeviction"}


def test_killed_it_comes_back_empty(supervisor: Supervisor, settings: Settings, events: list[Event]) -> None:
    supervisor.start([valkey.child(settings)], timeout_s=20)
    with client(settings) as broker:
        broker.lpush("expert.math.bulk", "a message")
        os.kill(broker.info("server")["process_id"], signal.SIGKILL)

    supervisor.run_until(lambda: [event.state for event in events].count(State.READY) == 2)

    with client(settings) as broker:
        assert broker.keys() == []


def test_a_home_with_a_long_path_has_its_socket_in_a_private_folder_elsewhere(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / ("long" * (LONGEST_SOCKET_PATH // 4)))

    supervisor.start([valkey.child(settings)], timeout_s=20)

    assert settings.home not in settings.socket.parents
    assert valkey.answers(settings.socket)
    assert stat.S_IMODE(settings.socket.parent.stat().st_mode) == 0o700


def test_nothing_is_left_of_it_after_the_end(settings: Settings) -> None:
    with Supervisor() as supervisor:
        supervisor.start([valkey.child(settings)], timeout_s=20)

    assert not settings.socket.exists()
    assert not valkey.answers(settings.socket)
    assert list(settings.socket.parent.iterdir()) == []


def test_a_server_that_refuses_to_start_says_why(supervisor: Supervisor, settings: Settings) -> None:
    child = valkey.child(settings)
    settings.socket.mkdir()  # where the socket should be

    with pytest.raises(NotReadyError, match=r"valkey ended 3 times .*\n(.|\n)*Unix socket"):
        supervisor.start([child], timeout_s=20)


def test_without_the_wheel_the_cure_is_named() -> None:
    with pytest.raises(ConfigError, match=r"torouter\[embedded\].*TOROUTER_BROKER_URL"):
        valkey.server_path("no_such_package")
