"""A RabbitMQ of Debian's package as the broker of a run, on loopback, with a data folder of its own."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from kombu import Connection
from kombu.exceptions import OperationalError

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class Rabbitmq:
    """The same faults as `brokers.Valkey`, by the means that it has."""

    def __init__(self, folder: Path, queues: list[str], log: Path) -> None:
        self._folder = folder
        self._queues = queues
        self._log = log
        self._port, self._dist_port, self._epmd_port = (_free_port() for _ in range(3))
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}//"
        folder.mkdir()

    def start(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [str(PROGRAM)],
                    env=self._environment(),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            while self._process.poll() is None and time.monotonic() < deadline:
                if self._answers():
                    return
                time.sleep(0.2)
            time.sleep(0.5)
        raise AssertionError(f"RabbitMQ does not start: {self._log}")

    def _environment(self) -> dict[str, str]:
        """Everything in the folder, and nothing that listens elsewhere than on loopback."""
        folder = self._folder
        return {
            **os.environ,
            "HOME": str(folder),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PLUGINS_EXPAND_DIR": str(folder / "plugins"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_NODENAME": f"chaos{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
        }

    def _answers(self) -> bool:
        try:
            with self._connection() as connection:
                connection.default_channel.close()
        except (OSError, OperationalError):
            return False
        return True

    def _connection(self) -> Any:  # Any: kombu ships no types
        return Connection(self.url, connect_timeout=5)

    def has_died(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        for process in self._all():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if self._process is not None:
            self._process.wait()

    def _all(self) -> list[psutil.Process]:
        """Erlang starts sessions of its own, and a daemon: those that were given our folder."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("RABBITMQ_MNESIA_BASE") == str(self._folder / "mnesia"):
                    found.append(process)
        return found

    def forget(self) -> None:
        shutil.rmtree(self._folder / "mnesia", ignore_errors=True)

    def pause(self, seconds: float) -> None:
        servers = [process for process in self._all() if process.name() == "beam.smp"]
        for process in servers:
            process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            for process in servers:
                process.send_signal(signal.SIGCONT)

    def cut_connections(self) -> None:
        self._control("close_all_connections", "chaos")

    def fill(self, seconds: float) -> None:
        """Its memory alarm, which stops whoever publishes."""
        self._control("set_vm_memory_high_watermark", "0.0001")
        try:
            time.sleep(seconds)
        finally:
            self._control("set_vm_memory_high_watermark", "0.4")

    def _control(self, *words: str) -> None:
        argv = [str(PROGRAM.with_name("rabbitmqctl")), "--node", f"chaos{self._port}@localhost", *words]
        subprocess.run(argv, env=self._environment(), check=True, capture_output=True, timeout=60)

    def duplicate(self, random: random.Random) -> int:
        return self._again(lambda messages: [one for one in messages for _ in range(random.randint(2, 3))])

    def delay(self, random: random.Random, seconds: float) -> int:
        def later(messages: list[Any]) -> list[Any]:
            time.sleep(seconds)
            random.shuffle(messages)
            return messages

        return self._again(later)

    def reorder(self, random: random.Random) -> int:
        return self._again(lambda messages: random.sample(messages, len(messages)))

    def lose(self) -> int:
        return self._again(lambda _messages: [])

    def push(self, queue: str, raw: bytes) -> None:
        """As a body, since nothing but a frame of its protocol gets into RabbitMQ."""
        with self._producing() as publish:
            publish(queue, raw, {"content_type": "application/json", "content_encoding": "utf-8", "headers": {}})

    def _again(self, change: Callable[[list[Any]], list[Any]]) -> int:
        """Take all that waits, change that, and put it back."""
        with self._connection() as connection:
            channel = connection.default_channel
            taken = []
            for queue in self._queues:
                with contextlib.suppress(*connection.channel_errors):
                    while (message := channel.basic_get(queue, no_ack=True)) is not None:
                        taken.append((queue, message))
        with self._producing() as publish:
            for queue, message in change(taken):
                properties = {**message.properties, "headers": message.headers}
                publish(queue, message.body, properties)
        return len(taken)

    @contextmanager
    def _producing(self) -> Iterator[Callable[[str, bytes, dict[str, Any]], None]]:
        with self._connection() as connection:
            channel = connection.default_channel

            def publish(queue: str, body: bytes, properties: dict[str, Any]) -> None:
                known = {k: v for k, v in properties.items() if k in ("content_type", "content_encoding")}
                message = channel.prepare_message(
                    body, headers={**properties["headers"]}, properties={"delivery_mode": 2}, **known
                )
                channel.basic_publish(message, exchange="", routing_key=queue)

            yield publish


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
