"""`torouter up` for real: two vLLM experts, a trained BERT-Router, the official client, kills and Ctrl-C.

The tests of this module share one system and run in their order; the last one ends it.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import psutil
import pytest
from openai.types import Batch

from api import prompt_files
from api.first_router import PROMPTS
from api.system import process_environment
from core.queues import WorkClass
from core.schemas.work import Dispatch
from core.settings import Settings
from core.store import Store
from experts import catalogue
from tests import documents
from tests.factories import OWNER
from tests.system import TOROUTER, until
from workers import app as celery_app
from workers.promotion import Gate, promote
from workers.sending import Sender

pytestmark = pytest.mark.engines

ROOT = Path(__file__).parents[2]
TWO_EXPERTS = ("general", "math")
READY_S, ANSWER_S = 400, 300


class Up:
    """A `torouter up` in a process of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = f"http://127.0.0.1:{settings.port}"
        self.http = httpx.Client(base_url=self.url, timeout=ANSWER_S)
        self.store = Store.of(settings)
        self.output = settings.home / "up.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [TOROUTER, "up"],
                env=process_environment(self.settings),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(self._says_ready, f"`torouter up` is ready: {self.output}", READY_S)

    def _says_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.output.read_text()
        return "Ctrl-C ends all of it" in self.output.read_text()

    def processes(self) -> list[psutil.Process]:
        assert self._process is not None
        return psutil.Process(self._process.pid).children(recursive=True)

    def worker(self, *words: str) -> psutil.Process:
        """The process of `torouter work …`."""
        pid = int((self.settings.home / "run" / f"{'-'.join(words)}.ready").read_text())
        return psutil.Process(pid)

    def ctrl_c(self) -> int:
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(120)

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.ctrl_c()
        self.http.close()
        self.store.close()

    def submit(self, count: int, **fields: object) -> str:
        body = {"prompts": [{"prompt": f"Tell me about the number {n}.", **fields} for n in range(count)]}
        return str(self.http.post("/v1/prompts", json=body).raise_for_status().json()["id"])

    def ended(self, batch: str) -> dict[str, object]:
        until(lambda: self.batch(batch)["status"] == "completed", f"{batch} is completed", ANSWER_S)
        return self.batch(batch)

    def batch(self, batch: str) -> dict[str, object]:
        found: dict[str, object] = self.http.get(f"/v1/batches/{batch}").raise_for_status().json()
        return found


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Up]:
    """Two experts of the shipped catalogue, and a BERT-Router that the commands have trained and promoted."""
    home = tmp_path_factory.mktemp("up")
    (home / "cache").symlink_to(cache, target_is_directory=True)
    settings = Settings(
        home=home,
        port=free_port(),
        flower_port=free_port(),
        catalogue=two_experts(home),
        lease_s=6,
        drain_s=2,
        resend_after_s=3,
        generate_chunk=16,
    )
    checkpoint = train(settings)
    up = Up(settings)
    up.store.schema.upgrade()
    up.store.experts.sync(catalogue.load(settings.catalogue or catalogue.SHIPPED))
    promote(up.store, checkpoint, Gate((), settings.cache, "a test"))
    try:
        up.start()
        yield up
    finally:
        up.end()


def two_experts(home: Path) -> Path:
    """The shipped catalogue without its other entries; each worker holds two chunks, so that few prompts fill it."""
    text = catalogue.SHIPPED.read_text()
    tables = re.findall(r"^\[experts\.(\w+)\]\n(.*?)(?=\n\n|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    entries = [
        f"[experts.{name}]\n{body}\nlimits = {{ bulk_threads = 2 }}" for name, body in tables if name in TWO_EXPERTS
    ]
    shutil.copytree(catalogue.SHIPPED.parent / "adapters", home / "adapters")
    path = home / "catalogue.toml"
    path.write_text("\n\n".join(entries))
    return path


def train(settings: Settings) -> Path:
    """`torouter train` on outcomes in which math is better at the shipped mathematical prompts."""
    outcomes, checkpoint = settings.home / "outcomes.jsonl", settings.home / "checkpoint"
    with outcomes.open("w") as file:
        lines = list(prompt_files.read(PROMPTS / "collect.jsonl"))
        mathematics = [line for line in lines if line.dataset == "math"]
        others = [line for line in lines if line.dataset != "math"]
        for line in mathematics + others[:: len(others) // len(mathematics)]:  # as many of each, for a quick training
            mathematical = line.dataset == "math"
            better = {"general": 0.6 if mathematical else 0.8, "math": 0.8 if mathematical else 0.6}
            row = {"id": line.id, "dataset": line.dataset, "prompt": line.prompt}
            file.write(json.dumps({**row, "outcomes": {e: {"bertsim": b} for e, b in better.items()}}) + "\n")
    command = [TOROUTER, "train", "--outcomes", str(outcomes), "--router", "bert", "--out", str(checkpoint)]
    subprocess.run(command, env=process_environment(settings), check=True, capture_output=True)
    return checkpoint


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_the_official_client_is_answered_by_the_expert_that_fits(up: Up):
    client = openai.OpenAI(base_url=f"{up.url}/v1", api_key="unused")
    line = next(line for line in prompt_files.read(PROMPTS / "route.jsonl") if line.dataset == "math")

    reply = client.chat.completions.create(
        model="auto", messages=[{"role": "user", "content": line.prompt or ""}], max_tokens=40
    )

    assert reply.expert == "math"
    assert reply.choices[0].message.content
    assert reply.usage is not None
    assert 0 < reply.usage.completion_tokens <= 40
    assert {model.id for model in client.models.list()} == {"auto", *TWO_EXPERTS}


def test_predict_names_the_expert_as_in_the_paper(up: Up):
    reply = up.http.post("/predict", json={"messages": [{"role": "user", "content": "Test"}]})

    assert reply.status_code == 200
    assert reply.json()["object"] == "chat.completion"
    assert reply.json()["expert"] in TWO_EXPERTS


def test_a_pinned_prompt_with_a_reference_gets_every_metric(up: Up):
    body = {"prompt": "What is 2 + 3?", "expert": "general", "reference": "2 + 3 = 5", "max_tokens": 30}
    accepted = up.http.post("/v1/prompts", json=body)
    batch, name = accepted.json()["id"], accepted.json()["prompts"][0]["id"]

    up.ended(batch)
    view = up.http.get(f"/v1/prompts/{name}").json()

    assert accepted.status_code == 202
    (generation,) = view["generations"]
    assert generation["expert"] == "general"
    assert 0 <= generation["scores"]["bertsim"] <= 1
    for metric in ("nll_answer", "nll_reference", "inference_s", "queue_s", "first_token_s", "cost_usd"):
        assert generation["metrics"][metric] >= 0, metric
    assert generation["metrics"]["input_tokens"] > 5
    assert view["decision"]["policy"] == "pinned"


def test_a_prompt_longer_than_the_context_fails_alone(up: Up):
    long = "one two three four five six seven eight nine ten " * 400
    body = {"prompts": [{"prompt": long, "expert": "math"}, {"prompt": "Short?", "expert": "math", "max_tokens": 5}]}
    batch = up.http.post("/v1/prompts", json=body).json()["id"]

    counts = up.ended(batch)["request_counts"]
    too_long, short = (json.loads(line) for line in up.http.get(f"/v1/batches/{batch}/results").text.splitlines())
    chat = up.http.post("/v1/chat/completions", json={"model": "math", "messages": [{"role": "user", "content": long}]})

    assert counts == {
        "total": 2,
        "completed": 1,
        "failed": 1,
        **{k: 0 for k in counts if k in ("cancelled", "expired")},
    }
    assert too_long["error"]["code"] == "context_length_exceeded"
    assert "2048" in too_long["error"]["message"]
    assert short["state"] == "done"
    assert (chat.status_code, chat.json()["error"]["code"]) == (400, "context_length_exceeded")


def test_an_unknown_expert_is_refused_with_the_known_ones(up: Up):
    reply = up.http.post("/v1/prompts", json={"prompt": "Hi", "expert": "law"})

    assert reply.status_code == 404
    assert "general" in reply.json()["error"]["message"]


def test_two_deliveries_of_one_message_are_one_answer(up: Up):
    sender = Sender(celery_app.create(up.settings), up.store.recovery, up.settings)
    batch = up.submit(4, expert="math", max_tokens=60)
    ids = list(range(1, 10_000))  # whatever the batch's internal ids are

    for _ in range(3):
        sender.send([Dispatch(f"expert.math.{WorkClass.BULK}", "torouter.generate", ids)])
    up.ended(batch)

    views = [view for page in up.store.prompts.of_batch(batch, OWNER) for view in page]
    assert [view.generations[0].attempts for view in views] == [1, 1, 1, 1]


def test_a_worker_killed_in_mid_chunk_is_started_again_and_everything_is_answered_once(up: Up):
    batch = up.submit(40, expert="math", max_tokens=40)
    until(lambda: up.batch(batch)["request_counts"]["completed"] > 3, "some are answered", ANSWER_S)
    worker = up.worker("expert", "math")
    engine = worker.children(recursive=True)

    worker.kill()
    until(lambda: not any(process.is_running() for process in engine), "its EngineCore is gone", 30)
    counts = up.ended(batch)["request_counts"]

    assert counts["completed"] == 40
    assert up.worker("expert", "math").pid != worker.pid


def test_flower_shows_every_worker_and_queue(up: Up):
    flower = f"http://127.0.0.1:{up.settings.flower_port}"

    workers = httpx.get(f"{flower}/workers?json=1", timeout=30).text
    broker = httpx.get(f"{flower}/broker", timeout=30).text

    for name in ("routing@", "scoring@", "expert-general@", "expert-math@"):
        assert name in workers, name
    for queue in ("route.bulk", "expert.math.interactive", "expert.general.bulk", "score"):
        assert queue in broker, queue


def test_the_readme_runs_as_it_is_written(up: Up, tmp_path: Path):
    shell, python = (
        [one.text.replace("http://127.0.0.1:2345", up.url) for one in documents.blocks(ROOT / "README.md", language)]
        for language in ("bash", "python")
    )
    (tmp_path / ".venv").symlink_to(sys.prefix)
    environment = {**os.environ, "TOROUTER_URL": up.url, "TOROUTER_STATE": str(tmp_path / "state")}

    for block in shell:
        subprocess.run(["bash", "-euc", block], cwd=tmp_path, env=environment, check=True, timeout=ANSWER_S)
    for block in python:
        subprocess.run([sys.executable, "-c", block], cwd=tmp_path, env=environment, check=True, timeout=ANSWER_S)

    assert len(shell) == 2
    assert len(python) == 1
    (answer,) = (tmp_path / "answers.jsonl").read_text().splitlines()
    assert json.loads(answer)["state"] == "done"


def test_the_official_client_drives_the_whole_life_of_batches(up: Up):
    client = openai.OpenAI(base_url=f"{up.url}/v1", api_key="unused")
    texts = [line.prompt or "" for line in prompt_files.read(PROMPTS / "route.jsonl")][:12]

    routed = create(client, texts, metadata={"run": "life"})
    done = ended(client, routed.id)
    output = client.files.content(done.output_file_id or "").text
    answers = [json.loads(line) for line in output.splitlines()]

    assert (done.status, done.error_file_id) == ("completed", None)
    assert done.request_counts is not None
    assert (done.request_counts.total, done.request_counts.completed) == (12, 12)
    assert [answer["custom_id"] for answer in answers] == [f"line-{n}" for n in range(12)]
    assert {answer["response"]["body"]["expert"] for answer in answers} <= set(TWO_EXPERTS)
    assert all(answer["response"]["body"]["cost_usd"] > 0 for answer in answers)
    assert done.usage is not None
    assert done.usage.output_tokens == sum(a["response"]["body"]["usage"]["completion_tokens"] for a in answers)

    long = create(client, ["Tell a very long story about a river."] * 300, max_tokens=200)
    until(lambda: client.batches.retrieve(long.id).status == "in_progress", "it runs", ANSWER_S)
    assert client.batches.cancel(long.id).status in ("cancelling", "cancelled")
    cancelled = ended(client, long.id)
    assert (cancelled.status, [one.id for one in client.batches.list(limit=2)][:2]) == (
        "cancelled",
        [long.id, routed.id],
    )
    counts = (cancelled.request_counts or done.request_counts).model_dump()
    assert sum(counts[state] for state in ("completed", "failed", "cancelled", "expired")) == counts["total"] == 300
    assert counts["cancelled"] > 0

    assert client.files.delete(routed.input_file_id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.content(routed.input_file_id)


def create(client: openai.OpenAI, texts: list[str], max_tokens: int = 16, **fields: Any) -> Batch:
    """A file of routed chats, uploaded, and its batch."""
    lines = [
        {
            "custom_id": f"line-{n}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "auto", "messages": [{"role": "user", "content": text}], "max_tokens": max_tokens},
        }
        for n, text in enumerate(texts)
    ]
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    file = client.files.create(file=("lines.jsonl", content), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", **fields
    )


def ended(client: openai.OpenAI, batch: str) -> Batch:
    """Poll until it has ended."""
    ends = ("completed", "failed", "cancelled", "expired")
    until(lambda: client.batches.retrieve(batch).status in ends, f"{batch} ends", ANSWER_S)
    return client.batches.retrieve(batch)


def test_the_http_process_loads_neither_torch_nor_vllm(up: Up):
    api = next(process for process in up.processes() if process.cmdline()[-1:] == ["serve"])

    mapped = Path(f"/proc/{api.pid}/maps").read_text()

    assert "libtorch" not in mapped
    assert "/vllm/" not in mapped


def test_ctrl_c_ends_all_of_it_and_the_next_start_finishes_the_work(up: Up):
    batch = up.submit(160, expert="general", max_tokens=32)  # more than is answered while it drains
    until(lambda: up.batch(batch)["request_counts"]["completed"] > 3, "some are answered", ANSWER_S)
    processes = up.processes()

    started = time.monotonic()
    status = up.ctrl_c()
    took_s = time.monotonic() - started

    assert status == 130
    assert took_s < 60
    assert [process for process in processes if process.is_running()] == []
    done = up.store.batches.get(batch, OWNER).done
    assert 3 < done < 160
    up.start()
    assert up.ended(batch)["request_counts"]["completed"] == 160
