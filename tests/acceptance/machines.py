"""Machines on a network of their own: network namespaces on a bridge, which stands in a namespace too.

Nothing of it touches the network of this machine, and nothing that runs in it can reach any. Each machine sees a disk
of its own under the same path. Needs root and Linux; `why_not` says where that can't be had.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

#: Addresses that are nobody's (RFC 5737, for documentation).
NETWORK = "192.0.2"

#: What a machine's processes run in: their own disk in the place of all disks.
ON_ITS_DISK = 'mount --bind "$1" "$2" && cd "$2" && shift 2 && exec "$@"'

#: What this process was told about torouter is not for them.
FOREIGN = ("TOROUTER_", "AWS_", "FSSPEC_")


def why_not() -> str | None:
    """Why there can be no such machines here; None where there can."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "needs root and iproute2, for network namespaces"
    try:
        with Machines(Path("/"), "a", "b"):
            return None
    except subprocess.CalledProcessError as error:
        return f"no network namespaces here: {error.stderr.strip()}"


class Machines:
    """`with Machines(folder, "data", "api") as machines:` the machines are up, and gone afterwards."""

    def __init__(self, disks: Path, *names: str) -> None:
        self._token = f"tor{secrets.token_hex(3)}"
        self._disks = disks
        self._addresses = {name: f"{NETWORK}.{number}" for number, name in enumerate(names, start=1)}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            self._plug_in()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def address(self, name: str) -> str:
        return self._addresses[name]

    def disk(self, name: str) -> Path:
        """The machine's disk, as seen from outside of it."""
        return self._disks / name

    def cut(self, name: str) -> None:
        """Pull its cable: nothing is refused, nothing comes through."""
        _ip("-n", self._switch, "link", "set", "dev", name, "down")

    def heal(self, name: str) -> None:
        _ip("-n", self._switch, "link", "set", "dev", name, "up")

    def start(self, name: str, process: str, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a process on a machine; its output is in `PROCESS.log` on the machine's disk."""
        with (self.disk(name) / f"{process}.log").open("ab") as log:
            self._processes[process] = subprocess.Popen(
                self._on(name, argv),
                env=self._environment(environment),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, name: str, argv: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a command on a machine to its end; AssertionError with its output where it fails."""
        done = subprocess.run(
            self._on(name, argv), env=self._environment(environment), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{argv} on {name}: {done.stdout}{done.stderr}"
        return done

    def remove(self) -> None:
        """End every process, then take the network away."""
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for name in [*self._addresses, "switch"]:
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip("netns", "delete", f"{self._token}-{name}")

    @property
    def _switch(self) -> str:
        return f"{self._token}-switch"

    def _plug_in(self) -> None:
        _ip("netns", "add", self._switch)
        _ip("-n", self._switch, "link", "add", "bridge", "up", "type", "bridge")
        for name, address in self._addresses.items():
            host = f"{self._token}-{name}"
            _ip("netns", "add", host)
            _ip(
                "link",
                "add",
                "name",
                name,
                "netns",
                self._switch,
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                host,
            )
            _ip("-n", self._switch, "link", "set", "dev", name, "up", "master", "bridge")
            _ip("-n", host, "address", "add", f"{address}/24", "dev", "eth0")
            _ip("-n", host, "link", "set", "lo", "up")
            _ip("-n", host, "link", "set", "eth0", "up")

    def _on(self, name: str, argv: Sequence[str]) -> list[str]:
        """`ip netns exec` brings a mount namespace too, so that the mount is this process's own."""
        in_it = ["ip", "netns", "exec", f"{self._token}-{name}"]
        return [*in_it, "sh", "-c", ON_ITS_DISK, "sh", str(self.disk(name)), str(self._disks), *argv]

    def _environment(self, changes: Mapping[str, str]) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return ours | {"TMPDIR": str(self._disks), "PYTHONUNBUFFERED": "1"} | changes


def _ip(*arguments: str) -> None:
    subprocess.run(("ip", *arguments), check=True, capture_output=True, text=True)
