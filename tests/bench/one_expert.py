"""The real system with one vLLM expert, and the prompts of the demo, for benchmarks of the whole path."""

import contextlib
import io
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
from rich.console import Console

from api import first_router, probes, prompt_files
from core.settings import Settings
from experts import catalogue
from tests.system import System

EXPERT = "general"

CHAT = "/v1/chat/completions"

#: Seconds between two looks at a batch, so few that they don't count.
POLL_S = 0.05

console = Console(width=140)


def prompts(name: str) -> Iterator[prompt_files.PromptLine]:
    return prompt_files.read(first_router.PROMPTS / f"{name}.jsonl")


def address(running: System) -> str:
    return probes.url(running.settings.host, running.settings.port)


@contextmanager
def whole_path(settings: Settings) -> Iterator[System]:
    """The real system with one expert, ready; ended with the body."""
    specs = [spec for spec in catalogue.load(catalogue.SHIPPED) if spec.name == EXPERT]
    running = System(settings, specs)
    try:
        running.start_broker()
        running.start_process("api", "serve")
        console.print("Starting the system with one expert …")
        running.start("routing", "recovery", "batches", f"expert {EXPERT}")
        yield running
    finally:
        for name in ("api", "recovery", "batches", "routing", f"expert-{EXPERT}"):
            with contextlib.suppress(KeyError):  # not started yet
                running.stop(name)
        running.stop_all()


def line(custom_id: str, text: str, model: str, **parameters: Any) -> str:
    """A line of a batch file."""
    body = {"model": model, "messages": [{"role": "user", "content": text}], "temperature": 0, **parameters}
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body}) + "\n"


def by_file(client: httpx.Client, lines: Sequence[str]) -> tuple[float, dict[str, Any]]:
    """Seconds from the batch's creation to its last file, and the batch."""
    sent = {"file": ("lines.jsonl", io.BytesIO("".join(lines).encode()))}
    file = client.post("/v1/files", files=sent, data={"purpose": "batch"}).raise_for_status().json()
    asked = {"input_file_id": file["id"], "endpoint": CHAT, "completion_window": "24h"}
    started = time.perf_counter()
    batch = client.post("/v1/batches", json=asked).raise_for_status().json()
    while batch["status"] not in ("completed", "failed", "expired", "cancelled"):
        time.sleep(POLL_S)
        batch = client.get(f"/v1/batches/{batch['id']}").json()
    taken = time.perf_counter() - started
    assert batch["request_counts"]["completed"] == len(lines), batch
    return taken, batch
