"""Is a child ready? Probes that ask from outside, quickly, and say no where there is no answer."""

import os
import socket
from http import HTTPStatus
from pathlib import Path

import httpx

from api.child import Probe

#: Seconds for one answer; a child that is slower is asked again.
ANSWER_S = 1.0

#: What servers listen on to mean every address, and where such a one is reached.
EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - we look there, we don't bind


def answers_http(host: str, port: int, path: str) -> Probe:
    """Ready when a GET is answered with 200."""
    address = url(host, port) + path

    def probe(_pid: int) -> bool:
        try:
            # Not through a proxy of the environment, which knows nothing of this machine.
            return httpx.get(address, timeout=ANSWER_S, trust_env=False).status_code == HTTPStatus.OK
        except httpx.HTTPError:
            return False

    return probe


def answers_port(host: str, port: int) -> Probe:
    """Ready when something listens."""

    def probe(_pid: int) -> bool:
        try:
            with socket.create_connection((_reached_at(host), port), timeout=ANSWER_S):
                return True
        except OSError:
            return False

    return probe


def has_written(ready: Path) -> Probe:
    """Ready when the file holds the id of a living process of the child's own group."""

    def probe(pid: int) -> bool:
        try:
            return os.getpgid(int(ready.read_text())) == pid
        except (OSError, ValueError):  # no file, no number in it yet, or no such process
            return False

    return probe


def url(host: str, port: int) -> str:
    """Where a server that listens there is reached from this machine."""
    reached = _reached_at(host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def _reached_at(host: str) -> str:
    return EVERYWHERE.get(host, host)
