"""Batches with references as evaluations, over HTTP: the report as JSON and as a page, and why there may be none."""

import json
import logging
import multiprocessing
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import batch_reports
from api.http.batch_lines import Lines
from core.errors import TorouterError
from core.schemas.work import Dispatch
from core.settings import Settings
from core.store import Store
from router.reports import Report
from tests import factories
from tests.integration.api.played import PlayedWorkers
from workers.batching import run
from workers.leasing import Leases
from workers.lines import StepInterruptedError, Using

CHAT = "/v1/chat/completions"


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{url}/v1", timeout=30) as client:
        yield client


def line(custom_id: str, model: str = "auto", **changes: Any) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": f"text {custom_id}"}]}
    return {"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body, **changes}


def create(client: httpx.Client, *lines: dict[str, Any], **changes: Any) -> str:
    file = ("lines.jsonl", "".join(f"{json.dumps(one)}\n" for one in lines).encode())
    sent = client.post("/files", files={"file": file}, data={"purpose": "batch"}).json()["id"]
    asked = {"input_file_id": sent, "endpoint": CHAT, "completion_window": "24h", **changes}
    return str(client.post("/batches", json=asked).json()["id"])


def ended(client: httpx.Client, batch: str, *states: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        seen: dict[str, Any] = client.get(f"/batches/{batch}").json()
        if seen["status"] in (states or ("completed", "failed")):
            return seen
        assert time.monotonic() < deadline, seen
        time.sleep(0.02)


def refused(client: httpx.Client, batch: str) -> str:
    """Why there is no report."""
    found = [client.get(f"/batches/{batch}/{name}") for name in ("report", "report.html")]
    assert [one.status_code for one in found] == [404, 404]
    assert found[0].json() == found[1].json()
    return str(found[0].json()["error"]["message"])


def test_a_routed_batch_with_references_has_a_report(client: httpx.Client, batches: Using):
    batch = create(client, line("a", reference="x"), line("b", "math", reference="y"), line("c"))

    completed = ended(client, batch)
    found = client.get(f"/batches/{batch}/report")

    assert (completed["status"], completed["references"]) == ("completed", 2)
    assert found.status_code == 200
    assert found.headers["content-type"] == "application/json"
    assert found.headers["x-content-type-options"] == "nosniff"
    report = Report.model_validate(found.json())
    assert report.data.n == 2
    assert report.routers["routed"].queries == {"general": 1, "math": 1}
    assert report.routers["routed"].micro.quality == 0.75
    assert report.baselines == {}
    assert 'a batch with "experts": "all" measures them' in report.notes[0]


def test_a_collecting_batch_measures_every_expert_beside_the_baselines(client: httpx.Client, batches: Using):
    batch = create(client, line("a", reference="x", dataset="maths"), line("b", reference="y"), experts="all")
    ended(client, batch)

    report = Report.model_validate(client.get(f"/batches/{batch}/report").json())

    assert report.experts.keys() == {"general", "math"}
    assert {"zero", "random", "best_single", "optimal", "quality_oracle"} == report.baselines.keys()
    assert report.data.datasets == {"default": 1, "maths": 1}
    assert report.experts["math"].cost_usd == pytest.approx(0.00002)
    assert "is not measured: it can't be loaded" in report.notes[0]  # the promoted router of these tests is empty


def test_the_page_may_bring_its_style_and_nothing_else(client: httpx.Client, batches: Using):
    batch = create(client, line("a", reference="x", dataset="<script>alert(1)</script>"))
    ended(client, batch)

    page = client.get(f"/batches/{batch}/report.html")

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["x-content-type-options"] == "nosniff"
    allowed = dict(one.strip().split(" ", 1) for one in page.headers["content-security-policy"].split(";"))
    assert allowed["default-src"] == allowed["frame-ancestors"] == "'none'"
    assert (allowed["style-src"], allowed["img-src"]) == ("'unsafe-inline'", "data:")
    assert "script-src" not in allowed
    assert page.text.startswith("<!DOCTYPE html>")
    assert "<script" not in page.text


def test_a_batch_without_references_says_what_it_lacks(client: httpx.Client, batches: Using):
    batch = create(client, line("a"))
    ended(client, batch)

    assert refused(client, batch) == (
        f"{batch} has no report: give its lines a `reference`, with which answers can be compared"
    )


def test_a_batch_that_has_not_ended_has_no_report_yet(client: httpx.Client, batches: Using, workers: PlayedWorkers):
    workers.hold()
    batch = create(client, line("a", reference="x"))
    ended(client, batch, "in_progress")

    assert refused(client, batch) == f"{batch} is in_progress: a batch has a report once it has ended"


def test_where_nothing_was_answered_the_batch_completes_without_a_report(
    client: httpx.Client, batches: Using, workers: PlayedWorkers, caplog: pytest.LogCaptureFixture
):
    workers.failure = ("generation_failed", "no")
    batch = create(client, line("a", reference="x"))

    with caplog.at_level(logging.WARNING):
        completed = ended(client, batch)

    assert (completed["status"], completed["request_counts"]["failed"]) == ("completed", 1)
    assert refused(client, batch) == f"{batch} has no report: nothing of it was answered"
    assert f"{batch} has no report: none of its 1 lines with a reference was answered" in caplog.text


def test_a_cancelled_batch_has_a_report_of_what_was_answered(
    client: httpx.Client, batches: Using, workers: PlayedWorkers, monkeypatch: pytest.MonkeyPatch
):
    waiting: list[int] = []
    monkeypatch.setattr(workers, "send", lambda dispatches: waiting.extend(dispatches[0].ids) or True)
    batch = create(client, *(line(str(n), reference="x") for n in range(3)))
    while len(waiting) < 3:
        time.sleep(0.02)
    monkeypatch.undo()
    workers.send([Dispatch("route.bulk", "torouter.route", waiting[:2])])
    while client.get(f"/batches/{batch}").json()["request_counts"]["completed"] < 2:
        time.sleep(0.02)

    client.post(f"/batches/{batch}/cancel")
    ended(client, batch, "cancelled")

    report = Report.model_validate(client.get(f"/batches/{batch}/report").json())
    assert (report.data.n, report.batch and report.batch.references) == (2, 3)
    assert "1 of 3 lines with a reference have no answer, and are not measured." in report.notes


def test_prompts_that_came_without_a_file_have_no_report(client: httpx.Client, batches: Using):
    sent = client.post("/prompts", json={"prompts": [{"prompt": "hello", "reference": "hi"}]}).json()
    ended(client, sent["id"])

    assert "came as prompts: a batch that comes as a file (POST /v1/batches)" in refused(client, sent["id"])


def test_a_batch_of_somebody_else_is_not_there(client: httpx.Client, batches: Using, api_store: Store):
    theirs = factories.submit(api_store, factories.prompt(reference="x"), owner="somebody")
    for kind in ("json", "html"):
        with api_store.blobs.writing(batch_reports.key(theirs.batch_id, kind)) as file:
            file.write(b"{}")

    assert refused(client, theirs.batch_id) == f"there is no batch {theirs.batch_id!r}: check the id"
    assert "there is nothing with the id" in refused(client, "BATCH-1")


def test_an_evaluation_that_fails_keeps_no_batch_from_completing(
    client: httpx.Client,
    api_store: Store,
    workers: PlayedWorkers,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
):
    def fails(_job: object) -> None:
        raise ZeroDivisionError

    leases = Leases(api_store.batch_jobs, settings.lease_s)
    using = Using(api_store, workers, leases, Lines(api_store), settings, fails)
    thread = threading.Thread(target=run, args=(using,))
    thread.start()
    try:
        batch = create(client, line("a", reference="x"))
        completed = ended(client, batch)
    finally:
        using.stopping.set()
        thread.join()

    assert completed["status"] == "completed"
    assert completed["output_file_id"] is not None
    assert f"{batch} ends without a report" in caplog.text
    assert "the log of `torouter work batches` says why" in refused(client, batch)


def test_a_process_of_its_own_writes_the_same_report(client: httpx.Client, batches: Using, settings: Settings):
    batch = create(client, line("a", reference="x"), line("b", reference="y"))
    ended(client, batch)
    ours = client.get(f"/batches/{batch}/report").content
    batches.store.blobs.delete(batch_reports.key(batch, "json"))

    batch_reports.writing_apart(settings, threading.Event())(factories.batch_job(batch, referenced=2))

    assert client.get(f"/batches/{batch}/report").content == ours


def test_a_report_is_left_off_when_its_caller_is_to_end(settings: Settings):
    stop = threading.Event()
    stop.set()

    with pytest.raises(StepInterruptedError):
        batch_reports.writing_apart(settings, stop)(factories.batch_job("batch_1", referenced=2))

    assert multiprocessing.active_children() == []


def test_a_report_whose_process_dies_is_an_error(settings: Settings, tmp_path: Path):
    unreachable = settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}"})  # a folder

    with pytest.raises(TorouterError, match="a report's process ended with status 1"):
        batch_reports.writing_apart(unreachable, threading.Event())(factories.batch_job("batch_1", referenced=2))


def test_serving_reports_loads_nothing_that_draws_them():
    look = "import sys, api.http.batch_reports; print({'numpy', 'matplotlib', 'torch'} & sys.modules.keys())"

    found = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "set()"
