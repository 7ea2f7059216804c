"""What is said of a batch object, and how long a server is waited for."""

from typing import Any

import pytest

from api.bulk import patience, showing
from api.bulk.patience import Patience
from api.client import BusyError


def batch(**changes: Any) -> dict[str, Any]:
    counts = {"total": 1000, "completed": 0, "failed": 0, "cancelled": 0, "expired": 0}
    return {
        "id": "batch_1",
        "status": "in_progress",
        "request_counts": counts | changes.pop("counts", {}),
        "usage": {"output_tokens": changes.pop("tokens", 0)},
        "cost_usd": 0.5,
        "scores_open": 0,
        "errors": None,
        **changes,
    }


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (batch(status="validating", counts={"total": 0}), "validating: reading its lines"),
        (batch(status="failed", counts={"total": 0}), "failed"),
        (
            batch(counts={"completed": 10, "failed": 2}, tokens=1234),
            "in progress: 12/1,000 prompts, 2 failed, 1,234 tokens, US$ 0.5000",
        ),
        (
            batch(status="finalizing", counts={"completed": 1000}, scores_open=7),
            "finalizing: 1,000/1,000 prompts, 7 scores to come, 0 tokens, US$ 0.5000",
        ),
        (
            batch(status="cancelled", counts={"completed": 1, "cancelled": 999}),
            "cancelled: 1,000/1,000 prompts, 999 cancelled, 0 tokens, US$ 0.5000",
        ),
    ],
)
def test_a_line_says_how_far_a_batch_is(seen: dict[str, Any], line: str):
    assert showing.line(seen) == line


def test_speed_and_the_time_left_are_of_the_last_half_minute(monkeypatch: pytest.MonkeyPatch):
    clock = iter([0.0, *range(0, 101, 10), 100.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    speed = showing.Speed()
    for second in range(0, 101, 10):  # 1 prompt/s and 5 tokens/s, and from the 70th second on twice that
        done = second + max(0, second - 70)
        speed.look(batch(counts={"completed": done}, tokens=5 * done))

    line = showing.line(batch(counts={"completed": 130}, tokens=650), speed)

    assert line.endswith("10 tokens/s, 0:01:40, 0:07:15 left")


def test_many_errors_are_cut_and_lines_have_their_ids():
    found = [{"line": number, "message": "no"} for number in range(1, 31)] + [{"line": None, "message": "gone"}]

    said = showing.errors(batch(errors={"data": found}), {1: "line-1", 2: "shard:7"})

    assert said[:3] == ["line 1: no", "line 2 (shard:7): no", "line 3: no"]
    assert said[-1] == "… and 11 more: torouter status batch_1 --json"
    assert showing.errors(batch(errors={"data": found[-1:]})) == ["gone"]


class Clock:
    """Time passes only while somebody sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        monkeypatch.setattr("time.sleep", self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.mark.parametrize(
    ("after_s", "limit_s"), [(None, patience.UNREACHABLE_S), (30.0, patience.BUSY_S)], ids=["unreachable", "busy"]
)
def test_patience_ends(monkeypatch: pytest.MonkeyPatch, after_s: float | None, limit_s: float):
    clock, told = Clock(monkeypatch), []

    def ask() -> None:
        raise BusyError("busy", after_s)

    with pytest.raises(BusyError):
        Patience(told.append)(ask)

    assert limit_s - 30 <= clock.now <= limit_s
    assert clock.slept[:3] == ([0.5, 1, 2] if after_s is None else [30, 30, 30])
    assert told[0] == f"busy; again in {clock.slept[0]:g} s"


def test_other_errors_are_not_tried_again():
    asked = []

    def ask() -> None:
        asked.append(1)
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        Patience(print)(ask)

    assert asked == [1]
