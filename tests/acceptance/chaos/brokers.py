"""The broker of a run, a Valkey of our own, and what can be done to it and to its messages."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import redis

from api import valkey
from core.settings import Settings


class Valkey:
    """Keeps its messages on the disk, so that it can be started again with them, or without."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self._settings = settings
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        kept = ("--appendonly", "yes", "--appendfsync", "everysec")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            argv = [*valkey.child(self._settings).argv, *kept]
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
            while self._process.poll() is None and time.monotonic() < deadline:
                if valkey.answers(self._settings.socket):
                    return
                time.sleep(0.05)
            time.sleep(0.5)
        raise AssertionError(f"Valkey does not start: {self._log}")

    def has_died(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def forget(self) -> None:
        """Its data, while it is down."""
        shutil.rmtree(self._settings.socket.parent / "appendonlydir", ignore_errors=True)

    def pause(self, seconds: float) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def cut_connections(self) -> None:
        with self._client() as client:
            for kind in ("normal", "pubsub"):
                client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    def fill(self, seconds: float) -> None:
        """Refuse whatever needs memory."""
        with self._client() as client:
            client.config_set("maxmemory", "1mb")
            try:
                time.sleep(seconds)
            finally:
                client.config_set("maxmemory", "0")

    def duplicate(self, random: random.Random) -> int:
        """Every message that waits, once or twice more."""
        with self._client() as client:
            found = [(queue, message) for queue in _queues(client) for message in client.lrange(queue, 0, -1)]
            for queue, message in found:
                for _ in range(random.randint(1, 2)):
                    client.lpush(queue, message)
        return len(found)

    def delay(self, random: random.Random, seconds: float) -> int:
        """Take messages away, and bring them back later in another order."""
        held: list[tuple[bytes, bytes]] = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with self._client() as client:
                for queue in _queues(client):
                    held += [(queue, message) for message in client.rpop(queue, 50) or []]
            time.sleep(0.05)
        random.shuffle(held)
        with self._client() as client:
            for queue, message in held:
                client.lpush(queue, message)
        return len(held)

    def reorder(self, random: random.Random) -> int:
        """Shuffle every queue."""
        count = 0
        with self._client() as client:
            for queue in _queues(client):
                messages = client.rpop(queue, 1_000_000) or []
                random.shuffle(messages)
                if messages:
                    client.lpush(queue, *messages)
                count += len(messages)
        return count

    def lose(self) -> int:
        """Delete what waits."""
        with self._client() as client:
            queues = _queues(client)
            count = sum(client.llen(queue) for queue in queues)
            if queues:
                client.delete(*queues)
        return count

    def push(self, queue: str, raw: bytes) -> None:
        """Whatever somebody else might put there."""
        with self._client() as client:
            client.lpush(queue, raw)

    def _client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self._settings.socket), socket_timeout=10)


def _queues(client: redis.Redis) -> list[bytes]:
    """Those that have messages; the rest of its keys are kombu's own."""
    found = []
    for key in client.scan_iter(_type="list"):
        with contextlib.suppress(ValueError, TypeError):  # what we have put there is no message, or no mapping
            if "properties" in json.loads(client.lindex(key, 0)):
                found.append(key)
    return found
