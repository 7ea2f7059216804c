"""One run: a system, its load, its faults, and what is true in the end."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from core.store.failpoints import Point
from tests.acceptance.chaos import faults, invariants
from tests.acceptance.chaos.faults import Fault, Happened
from tests.acceptance.chaos.invariants import Tokens
from tests.acceptance.chaos.load import ENDED, Asked, Load, line_of
from tests.acceptance.chaos.wanted import Wanted
from tests.acceptance.chaos.world import World, world

#: Of a run that has not begun.
NONE = Tokens(0, 0)

#: Seconds in which a system that is left alone comes to rest.
REST_S = 180.0

#: Seconds between two faults of one kind of thing; both kinds go on beside each other.
PAUSE_S = (0.3, 2.0)


#: Kinds of faults that go on beside each other.
FAULTS = (faults.process_faults, faults.service_faults, faults.failpoint_faults)


@dataclass
class Outcome:
    """What is known of a run when it is over."""

    wanted: Wanted
    prompts: int = 0
    seconds: float = 0.0
    faults: dict[str, list[Happened]] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    unasked: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    tokens: Tokens = NONE
    #: Of a batch that was killed at half and went on.
    half: Tokens = NONE
    violations: list[str] = field(default_factory=list)


def run(wanted: Wanted, folder: Path, hit: Counter[Point], only: str = "") -> Outcome:
    """Everything from the start of a system to its end; `hit` gathers the points at which a process has died."""
    outcome, began = Outcome(wanted), time.monotonic()
    with world(wanted, folder, hit) as made:
        half = _killed_at_half(made, outcome)
        _under_faults(made, outcome, half, only)
        made.disk.keep = bool(outcome.violations)
        outcome.unasked, outcome.starts = made.processes.seen.unasked, made.processes.seen.starts
    outcome.seconds = time.monotonic() - began
    return outcome


def _load(made: World) -> Load:
    return Load(made.wanted, made.url, made.receiver.url)


def _killed_at_half(made: World, outcome: Outcome) -> Asked:
    """One batch, and one expert's worker killed when half of it is answered: what is generated twice by that."""
    load, count = _load(made), max(50, made.wanted.prompts // 5)
    lines = [line_of(f"half-{n}", f"half of question {n}") for n in range(count)]
    with load.client() as client:
        batch = load.file_batch(client, f"{made.wanted.seed}-half", lines)
        asked = Asked(
            f"{made.wanted.seed}-half", batch["id"], from_file=True, custom_ids=[f"half-{n}" for n in range(count)]
        )
        while _answered(client, asked) < count / 2:
            time.sleep(0.05)
        made.processes.kill(f"expert-{made.wanted.experts[0]}")
        _await(client, [asked], outcome)
    outcome.half = invariants.tokens(made.rows, made.ledger)
    return asked


def _answered(client: httpx.Client, asked: Asked) -> int:
    return int(client.get(f"/v1/batches/{asked.id}").raise_for_status().json()["request_counts"]["completed"])


def _under_faults(made: World, outcome: Outcome, half: Asked, only: str) -> None:
    load = _load(made)
    made.processes.arming = made.wanted.engine != "vllm"
    lanes = []
    for kinds in (faults.engine_faults,) if made.wanted.engine == "vllm" else FAULTS:
        mine = replace(made, draw=random.Random(f"{made.wanted.seed} {kinds.__name__}"))
        if found := _only(kinds(mine), only):
            lanes.append(threading.Thread(target=_lane, args=(mine, found, outcome), daemon=True))
    load.start()
    for lane in lanes:
        lane.start()
    while not load.is_over():
        time.sleep(0.1)
    made.over.set()
    for lane in lanes:
        lane.join()
    made.processes.arming = False
    made.say("the load and the faults are over")
    load.told.asked.append(half)
    with load.client() as client:
        _await(client, load.told.asked, outcome)
    deadline = time.monotonic() + REST_S
    while invariants.open_rows(made.rows) and time.monotonic() < deadline:
        time.sleep(0.2)
    made.say("all has come to rest")
    outcome.prompts = sum(len(asked.custom_ids) for asked in load.told.asked)
    outcome.answers = load.told.answers
    outcome.tokens = invariants.tokens(made.rows, made.ledger)
    outcome.violations += invariants.violations(made.rows, load, made.ledger, made.receiver)
    outcome.violations += [f"{kind}: {one.wrong}" for kind, all_ in outcome.faults.items() for one in all_ if one.wrong]
    made.say("all has been looked at")


def _only(found: dict[str, Fault], only: str) -> dict[str, Fault]:
    return {name: fault for name, fault in found.items() if only in name}


def _lane(made: World, found: dict[str, Fault], outcome: Outcome) -> None:
    """One fault after the other, until the load is over."""
    for name, fault in faults.endless(made, found):
        if made.over.wait(made.draw.uniform(*PAUSE_S)):
            return
        made.say(f"{name} …")
        try:
            happened = fault(made)
        except Exception as error:  # noqa: BLE001  # of the harness itself: the run goes on, and is no success
            outcome.violations.append(f"{name}: the harness failed: {error!r}")
            continue
        made.say(f"{name}: {happened}")
        outcome.faults.setdefault(name, []).append(happened)


def _await(client: httpx.Client, asked: list[Asked], outcome: Outcome) -> None:
    """Wait until all of them have ended, and keep what their callers are told."""
    deadline = time.monotonic() + REST_S
    for one in asked:
        while one.ended is None:
            try:
                found = client.get(f"/v1/batches/{one.id}")
            except httpx.TransportError:
                found = None
            if found is not None and found.is_success and found.json()["status"] in ENDED:
                one.ended = found.json()
            elif time.monotonic() >= deadline:
                told = found.text if found is not None else "(no answer)"
                outcome.violations.append(f"{one.id} had not ended after {REST_S:.0f} s: {told}")
                break
            else:
                time.sleep(0.1)
