"""The supervisor over real processes: stopping, signals, its own death, and what is left behind: nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.supervisor import Event, Patience, State, Supervisor
from tests.unit.supervised import OBEDIENT, STUBBORN, exists, number_in, pids, shell, told, wait_for


@pytest.fixture
def events() -> list[Event]:
    return []


def test_stopping_leaves_no_process_and_no_zombie(tmp_path: Path):
    with Supervisor() as supervisor:
        supervisor.start([shell(tmp_path, "a", OBEDIENT), shell(tmp_path, "b", STUBBORN, grace_s=0.3)])
        family = pids(tmp_path, "a", "b")

    assert len(family) == 4
    assert not any(exists(pid) for pid in family)


def test_a_child_that_goes_on_is_killed_after_its_grace(events: list[Event], tmp_path: Path):
    with Supervisor(events.append) as supervisor:
        supervisor.start([shell(tmp_path, "a", STUBBORN, grace_s=0.5)])
        stopping = time.monotonic()

    assert time.monotonic() - stopping >= 0.5
    assert (tmp_path / "a.told").read_text() == "told\n"
    assert told(events, State.STOPPED) == ["a: killed for going on 0.5 s after it was asked to stop"]


def test_a_child_is_asked_to_stop_by_its_own_signal(events: list[Event], tmp_path: Path):
    on_interrupt = 'trap "exit 0" INT; trap "" TERM; sleep 60 & echo $$ > "$NAME.ready"; wait'
    with Supervisor(events.append) as supervisor:
        supervisor.start([shell(tmp_path, "a", on_interrupt, stop_signal=signal.SIGINT)])

    assert told(events, State.STOPPED) == ["a: stopped"]


def test_children_stop_in_order_each_after_the_last_one_has_gone(tmp_path: Path):
    noting = 'trap "sleep 0.2; echo $NAME >> ended; exit 0" TERM; sleep 60 & echo $$ > "$NAME.ready"; wait'
    orders = {"broker": 9, "api": 0, "flower": 0, "worker": 5}
    with Supervisor() as supervisor:
        supervisor.start([shell(tmp_path, name, noting, stop_order=order) for name, order in orders.items()])

    ended = (tmp_path / "ended").read_text().split()
    assert (set(ended[:2]), ended[2:]) == ({"api", "flower"}, ["worker", "broker"])


def test_a_child_that_waits_for_its_next_start_is_not_started_by_stopping(events: list[Event], tmp_path: Path):
    with Supervisor(events.append, Patience(first_s=60)) as supervisor:
        supervisor.start([shell(tmp_path, "a", OBEDIENT)])
        os.kill(number_in(tmp_path / "a.ready"), signal.SIGKILL)
        supervisor.run_until(lambda: bool(told(events, State.WAITING)))

    assert [event.state for event in events][-2:] == [State.WAITING, State.STOPPED]


def test_an_error_in_the_body_stops_the_children_too(tmp_path: Path):
    with pytest.raises(ZeroDivisionError), Supervisor() as supervisor:  # noqa: PT012  # the body is what is tested
        supervisor.start([shell(tmp_path, "a", OBEDIENT)])
        _ = 1 / 0

    assert not any(exists(pid) for pid in pids(tmp_path, "a"))


def test_progress_that_cannot_be_shown_keeps_nobody_from_stopping(tmp_path: Path):
    def closed_terminal(_event: Event):
        raise OSError(5, "Input/output error")

    with Supervisor(closed_terminal) as supervisor:
        supervisor.start([shell(tmp_path, "a", OBEDIENT)])

    assert not any(exists(pid) for pid in pids(tmp_path, "a"))


def test_a_signal_ends_whatever_the_body_is_waiting_for(tmp_path: Path):
    with pytest.raises(SystemExit) as caught, Supervisor() as supervisor:  # noqa: PT012  # as above
        supervisor.start([shell(tmp_path, "a", OBEDIENT)])
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
        time.sleep(30)

    assert caught.value.code == 128 + signal.SIGTERM
    assert not any(exists(pid) for pid in pids(tmp_path, "a"))


def test_a_signal_that_the_body_swallows_comes_back_at_the_next_poll():
    with pytest.raises(KeyboardInterrupt), Supervisor() as supervisor:  # noqa: PT012  # as above
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        supervisor.poll()


def test_signals_are_given_back_afterwards():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    with Supervisor():
        pass

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


@pytest.fixture
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A supervisor in a process of its own, with an obedient and a stubborn child (a second's grace), both ready."""
    command = [sys.executable, "-m", "tests.unit.supervised", str(tmp_path), str(getattr(request, "param", 1))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert wait_for((tmp_path / "started").exists, seconds=30)
            yield process
        finally:
            process.kill()
    for pid in filter(exists, pids(tmp_path, "obedient", "stubborn")):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_supervisor_stops_everything_gracefully(
    process: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
):
    family = pids(tmp_path, "obedient", "stubborn")

    process.send_signal(number)
    output, _ = process.communicate(timeout=30)

    assert process.returncode == (-signal.SIGINT if number == signal.SIGINT else 128 + number)
    assert "obedient: stopped" in output
    assert "stubborn: killed for going on 1 s" in output
    assert (tmp_path / "stubborn.told").exists()
    assert not any(exists(pid) for pid in family)


@pytest.mark.parametrize("process", [60], indirect=True)
def test_a_second_interrupt_hurries(process: subprocess.Popen[str], tmp_path: Path):
    process.send_signal(signal.SIGINT)
    assert wait_for((tmp_path / "stubborn.told").exists)
    time.sleep(0.6)  # longer than one key press

    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)

    assert "stubborn: killed on request" in output
    assert not any(exists(pid) for pid in pids(tmp_path, "obedient", "stubborn"))


def test_one_interrupt_that_arrives_twice_does_not_hurry(process: subprocess.Popen[str], tmp_path: Path):
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)

    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)

    assert "stubborn: killed for going on 1 s" in output


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_children_get_sigterm_when_their_supervisor_is_killed(process: subprocess.Popen[str], tmp_path: Path):
    obedient, _, _, _ = pids(tmp_path, "obedient", "stubborn")

    process.kill()
    process.wait()

    assert wait_for(gone(obedient))
    assert wait_for((tmp_path / "stubborn.told").exists)


def gone(pid: int) -> Callable[[], bool]:
    """As init may take a moment to reap it."""
    return lambda: not exists(pid)
