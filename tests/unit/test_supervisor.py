"""The supervisor over real processes: starting, readiness, restarting and giving up."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.child import Child
from api.supervisor import Event, Patience, State, Supervisor
from core.errors import ConfigError, NotReadyError
from tests.unit.supervised import OBEDIENT, exists, number_in, pids, shell, told

SOON = Patience(first_s=0.05, longest_s=0.2, reset_s=60.0)


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def supervisor(events: list[Event]) -> Iterator[Supervisor]:
    with Supervisor(events.append, SOON) as supervisor:
        yield supervisor


def test_start_returns_when_every_child_is_ready(supervisor: Supervisor, events: list[Event], tmp_path: Path):
    supervisor.start([shell(tmp_path, "a", OBEDIENT), shell(tmp_path, "b", f"sleep 0.3; {OBEDIENT}")])

    assert [(event.name, event.state) for event in events] == [
        ("a", State.STARTING),
        ("b", State.STARTING),
        ("a", State.READY),
        ("b", State.READY),
    ]
    assert len(pids(tmp_path, "a", "b")) == 4


def test_a_child_without_a_probe_is_ready_when_it_has_lived_for_a_second(supervisor: Supervisor, tmp_path: Path):
    started = time.monotonic()

    supervisor.start([shell(tmp_path, "a", OBEDIENT, ready=None)])

    assert time.monotonic() - started >= 1.0


def test_a_child_has_a_session_of_its_own_and_no_terminal(supervisor: Supervisor, tmp_path: Path):
    supervisor.start([shell(tmp_path, "a", f"cat; {OBEDIENT}")])  # cat ends at the end of its standard input

    pid = number_in(tmp_path / "a.ready")

    assert os.getsid(pid) == os.getpgid(pid) == pid
    assert os.getpgid(number_in(tmp_path / "a.grandchild")) == pid


def test_what_children_print_is_appended_to_their_logs(supervisor: Supervisor, tmp_path: Path):
    for _ in range(2):
        with Supervisor() as once:
            once.start([shell(tmp_path, "a", f"echo out; echo err >&2; {OBEDIENT}")])

    assert (tmp_path / "logs" / "a.log").read_text() == "out\nerr\nout\nerr\n"


def test_a_dead_child_is_started_again_and_its_stale_files_are_removed(
    supervisor: Supervisor, events: list[Event], tmp_path: Path
):
    supervisor.start([shell(tmp_path, "a", f'[ -e "$NAME.ready" ] && touch stale; {OBEDIENT}')])
    first = number_in(tmp_path / "a.ready")

    os.kill(first, signal.SIGKILL)
    supervisor.run_until(lambda: len(told(events, State.READY)) == 2)

    assert number_in(tmp_path / "a.ready") != first
    assert told(events, State.WAITING) == ["a: ended with signal 9 (Killed); starts again in 0.05 s"]
    assert not (tmp_path / "stale").exists()


def test_a_child_that_keeps_dying_is_started_later_each_time_and_never_given_up_once_it_was_ready(
    supervisor: Supervisor, events: list[Event], tmp_path: Path
):
    once_ready = '[ -e died ] && exit 3; touch died; echo $$ > "$NAME.ready"; sleep 1; exit 3'
    supervisor.start([shell(tmp_path, "a", once_ready)])

    supervisor.run_until(lambda: len(told(events, State.WAITING)) == 5)

    waits = [line.removeprefix("a: ended with status 3; starts again in ") for line in told(events, State.WAITING)]
    assert waits == ["0.05 s", "0.1 s", "0.2 s", "0.2 s", "0.2 s"]


def test_a_child_that_lived_long_enough_starts_over_with_its_back_off(events: list[Event], tmp_path: Path):
    with Supervisor(events.append, Patience(first_s=0.05, longest_s=5.0, reset_s=0.2)) as supervisor:
        supervisor.start([shell(tmp_path, "a", 'echo $$ > "$NAME.ready"; sleep 0.6; exit 3')])

        supervisor.run_until(lambda: len(told(events, State.WAITING)) == 3)

    assert told(events, State.WAITING) == ["a: ended with status 3; starts again in 0.05 s"] * 3


def test_a_child_that_never_gets_ready_is_given_up_with_the_end_of_its_log(supervisor: Supervisor, tmp_path: Path):
    child = shell(tmp_path, "a", 'i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo "line $i"; done; exit 7')

    with pytest.raises(NotReadyError) as caught:
        supervisor.start([child])

    first, where, *lines = str(caught.value).split("\n")
    assert first == "a ended 3 times before it was ready, at last with status 7"
    assert str(child.log) in where
    assert [line.strip() for line in lines] == [f"line {i}" for i in range(11, 31)]


def test_the_end_of_a_log_is_that_of_the_latest_run(supervisor: Supervisor, tmp_path: Path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_text("of an earlier day\n")

    with pytest.raises(NotReadyError) as caught:
        supervisor.start([shell(tmp_path, "a", "echo this one; exit 1")])

    assert str(caught.value).count("this one") == 1
    assert "earlier" not in str(caught.value)


def test_a_child_that_is_not_ready_in_time_is_named(supervisor: Supervisor, tmp_path: Path):
    supervisor.start([shell(tmp_path, "a", OBEDIENT)])

    with pytest.raises(NotReadyError, match=r"not ready after 2 s: slow\n(.|\n)*still loading"):
        supervisor.start([shell(tmp_path, "slow", "echo still loading; sleep 60")], timeout_s=2)


def test_a_program_that_is_not_there_is_a_configuration_error(supervisor: Supervisor, tmp_path: Path):
    with pytest.raises(ConfigError, match="a: /no/such/program can't be started"):
        supervisor.start([Child("a", ("/no/such/program",), tmp_path / "a.log")])


def test_what_a_dead_child_has_left_running_is_killed(supervisor: Supervisor, events: list[Event], tmp_path: Path):
    supervisor.start([shell(tmp_path, "a", OBEDIENT)])
    leader, grandchild = pids(tmp_path, "a")

    os.kill(leader, signal.SIGKILL)
    supervisor.run_until(lambda: bool(told(events, State.WAITING)))

    assert not exists(leader)
    assert not exists(grandchild)


def test_only_the_main_thread_may_poll(supervisor: Supervisor, tmp_path: Path):
    caught: list[RuntimeError] = []

    def poll() -> None:
        try:
            supervisor.poll()
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=poll)
    thread.start()
    thread.join()

    assert "main thread" in str(caught[0])


def test_work_in_another_thread_ends_the_wait_for_it(supervisor: Supervisor, tmp_path: Path):
    done = threading.Event()
    supervisor.start([shell(tmp_path, "a", OBEDIENT)])
    threading.Timer(0.3, done.set).start()

    supervisor.run_until(done.is_set)

    assert done.is_set()


def test_secrets_of_the_environment_are_not_shown(tmp_path: Path):
    child = Child("a", ("true",), tmp_path / "a.log", env={"TOROUTER_DATABASE_URL": "postgresql://me:hunter2@db/x"})

    assert "hunter2" not in repr(child)
