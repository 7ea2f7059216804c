"""What callers do meanwhile: files and batches, prompts, cancels, requests that are wrong, all tried until answered."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.acceptance.chaos.wanted import Wanted

CHAT = "/v1/chat/completions"

#: Statuses with which a request is to be sent again, the same.
AGAIN = (429, 500, 502, 503, 504)

ENDED = ("completed", "failed", "expired", "cancelled")

#: Seconds after which a request counts as one without an answer.
ANSWER_S = 20.0

#: Seconds in which a request is answered in the end, or there is something wrong.
GIVE_UP_S = 180.0


@dataclass
class Asked:
    """A batch that was accepted, and what its caller knows of it."""

    key: str
    id: str
    from_file: bool
    custom_ids: list[str]
    collects: int = 1
    #: Lines that can't be taken, which fail alone.
    bad: int = 0
    #: It can't be taken at all.
    refused: bool = False
    cancel: bool = False
    webhook: bool = False
    #: As it was told when it had ended.
    ended: dict[str, Any] | None = None


@dataclass
class Told:
    """What the load saw, over all threads."""

    asked: list[Asked] = field(default_factory=list)
    #: Keys of requests that were refused for good.
    refused: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class GaveUpError(Exception):
    """Nobody answered for too long."""


class Load:
    """Several callers at once, paced so that faults meet work."""

    def __init__(self, wanted: Wanted, url: str, webhook_url: str) -> None:
        self.told = Told()
        self._url = url
        self._seed = wanted.seed
        self._prompts = wanted.prompts
        self._over_s = wanted.over_s
        self._experts, self._expert = len(wanted.experts), wanted.experts[0]
        self._scored = wanted.scored
        self._webhook_url = webhook_url
        self._started = time.monotonic()
        self._submitted = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._calls, args=(number,), daemon=True) for number in range(3)]

    def start(self) -> None:
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()

    def is_over(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def submitted(self) -> int:
        return self._submitted

    def file_batch(self, client: httpx.Client, key: str, lines: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
        """A file, and a batch of it; what it became."""
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        file = self.persist(
            lambda: client.post(
                "/v1/files",
                files={"file": ("lines.jsonl", content)},
                data={"purpose": "batch"},
                headers={"Idempotency-Key": f"{key}-file"},
            )
        ).json()
        body = {"input_file_id": file["id"], "endpoint": CHAT, "completion_window": "24h", **fields}
        return self.post(client, "/v1/batches", key, {**body, "metadata": {"chaos": key}}).json()

    def post(self, client: httpx.Client, path: str, key: str, body: dict[str, Any]) -> httpx.Response:
        return self.persist(lambda: client.post(path, json=body, headers={"Idempotency-Key": key}))

    def persist(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        """The same request until it is answered for good; GaveUpError after a long time."""
        deadline = time.monotonic() + GIVE_UP_S
        pause_s = 0.1
        while time.monotonic() < deadline:
            try:
                response = call()
            except httpx.TransportError as error:
                self._count(type(error).__name__)
            else:
                self._count(str(response.status_code))
                if response.status_code not in AGAIN:
                    return response
            time.sleep(pause_s)
            pause_s = min(1.0, 1.5 * pause_s)
        raise GaveUpError

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self._url, timeout=ANSWER_S)

    def _count(self, what: str) -> None:
        with self._lock:
            self.told.answers[what] += 1

    def _calls(self, number: int) -> None:
        """One caller, until enough has been submitted."""
        draw = random.Random(f"{self._seed} caller {number}")
        with self.client() as client:
            for turn in range(1_000_000):
                if not self._take_turn():
                    return
                key = f"{self._seed}-{number}-{turn}"
                try:
                    self._call(client, draw, key, turn if number == 0 else -1)
                except GaveUpError:
                    self.told.wrong.append(f"{key} was not answered for {GIVE_UP_S:.0f} s")
                    return
                except (KeyError, ValueError) as error:
                    self.told.wrong.append(f"{key} was answered with something else: {error!r}")

    def _take_turn(self) -> bool:
        """Wait until it is time for more; False when there has been enough."""
        while True:
            share = min(1.0, (time.monotonic() - self._started) / self._over_s)
            with self._lock:
                if self._submitted >= self._prompts:
                    return False
                if self._submitted <= share * self._prompts:
                    return True
            time.sleep(0.05)

    def _call(self, client: httpx.Client, draw: random.Random, key: str, turn: int) -> None:
        if turn == 1 and self._scored:
            return self._evaluation(client, draw, key)
        kind = draw.choices(("file", "prompts", "single", "refused"), (5, 4, 2, 2))[0]
        return {"file": self._file, "prompts": self._many, "single": self._single, "refused": self._refuse}[kind](
            client, draw, key
        )

    def _size(self, draw: random.Random, least: float, most: float) -> int:
        """So many prompts, of those that are left."""
        size = max(1, round(self._prompts * draw.uniform(least, most)))
        with self._lock:
            self._submitted += size
        return size

    def _file(self, client: httpx.Client, draw: random.Random, key: str) -> None:
        count = self._size(draw, 0.01, 0.1)
        fields: dict[str, Any] = {}
        kind = draw.choices(("plain", "skip", "invalid", "all"), (6, 2, 1, 1))[0]
        models = ("auto",) if kind == "all" else ("auto", "auto", self._expert)
        lines = [line_of(f"{key}-{n}", f"{key} question {n}", draw.choice(models)) for n in range(count)]
        bad = 0
        if kind in ("skip", "invalid"):
            bad = min(count, draw.randint(1, 3))
            for line in draw.sample(lines, bad):
                line["body"] = {"model": "nobody", "messages": []}
            fields["on_invalid"] = "skip" if kind == "skip" else "fail"
        if kind == "all":
            lines = lines[: max(1, count // 5)]
            fields["experts"] = "all"
        if webhook := draw.random() < 0.3:
            fields["webhook_url"] = self._webhook_url
        made = self.file_batch(client, key, lines, **fields)
        asked = Asked(
            key,
            made["id"],
            from_file=True,
            custom_ids=[line["custom_id"] for line in lines],
            bad=bad,
            refused=kind == "invalid",
            webhook=webhook,
            collects=self._experts if kind == "all" else 1,
        )
        self.told.asked.append(asked)
        if draw.random() < 0.2:
            self._cancel(client, draw, asked)

    def _evaluation(self, client: httpx.Client, draw: random.Random, key: str) -> None:
        lines = [line_of(f"{key}-{n}", f"{key} question {n}") | {"reference": f"of the {n}"} for n in range(150)]
        self._submitted += len(lines)
        made = self.file_batch(client, key, lines)
        self.told.asked.append(
            Asked(key, made["id"], from_file=True, custom_ids=[str(line["custom_id"]) for line in lines])
        )

    def _many(self, client: httpx.Client, draw: random.Random, key: str) -> None:
        count = self._size(draw, 0.002, 0.03)
        names = [f"{key}-{n}" for n in range(count)]
        body = {"prompts": [{"prompt": f"{name}?", "custom_id": name} for name in names], "metadata": {"chaos": key}}
        made = self.post(client, "/v1/prompts", key, body).json()
        self.told.asked.append(asked := Asked(key, made["id"], from_file=False, custom_ids=names))
        if draw.random() < 0.2:
            self._cancel(client, draw, asked)

    def _single(self, client: httpx.Client, draw: random.Random, key: str) -> None:
        """Somebody waits for it."""
        with self._lock:
            self._submitted += 1
        body = {
            "prompts": [{"prompt": f"{key}?", "custom_id": key}],
            "class": "interactive",
            "metadata": {"chaos": key},
        }
        made = self.post(client, "/v1/prompts", key, body).json()
        self.told.asked.append(Asked(key, made["id"], from_file=False, custom_ids=[key]))

    def _refuse(self, client: httpx.Client, draw: random.Random, key: str) -> None:
        """What can't be taken, and so never runs."""
        wrong = {"prompts": [{"prompt": "fine"}, {"prompt": "?", "expert": "nobody"}], "metadata": {"chaos": key}}
        also = {"prompts": [{"prompt": "fine"}, {"prompt": "?", "max_tokens": -1}], "metadata": {"chaos": key}}
        status = self.post(client, "/v1/prompts", key, draw.choice((wrong, also))).status_code
        if not 400 <= status < 500:
            self.told.wrong.append(f"{key} is wrong, and was answered with {status}")
        self.told.refused.append(key)

    def _cancel(self, client: httpx.Client, draw: random.Random, asked: Asked) -> None:
        time.sleep(draw.uniform(0, 3))
        status = self.persist(lambda: client.post(f"/v1/batches/{asked.id}/cancel")).status_code
        asked.cancel = status == 200
        if status not in (200, 409):
            self.told.wrong.append(f"cancelling {asked.id} was answered with {status}")


def line_of(name: str, text: str, model: str = "auto") -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}]}
    return {"custom_id": name, "method": "POST", "url": CHAT, "body": body}
