"""What processes tell, from steps that ran on a real store; and every query of dashboard and alerts held against it."""

import asyncio
import json
import math
import re
import socket
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from core import metrics
from core.errors import ConfigError, EngineDeadError
from core.schemas.work import Dispatch, Submitted
from core.settings import Settings
from core.store import Store
from experts.engines import create
from router.predictions import Calibration, PredictionKind, Predictions
from tests.factories import LEASE_S, claim, expert, prompt, route, submit
from tests.system import System, until
from workers import generating, metering, recovery, routing, scoring
from workers.engine_loop import EngineLoop
from workers.leasing import Leases
from workers.routing import Serving

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "torouter.json"
RULES = DEPLOY / "prometheus" / "rules" / "torouter.yml"

#: What Prometheus adds to each series itself.
ADDED = {"instance", "job"}

Told = dict[str, list[tuple[dict[str, str], float]]]


class Heard:
    """Takes everything and sends nothing."""

    def __init__(self) -> None:
        self.ids: dict[str, list[int]] = defaultdict(list)

    def is_full(self, _queue: str) -> bool:
        return False

    def room(self, _queue: str, _task: str) -> int:
        return 1000

    def submitted(self, _submitted: Submitted) -> None: ...

    def send(self, dispatches: list[Dispatch]) -> bool:
        for one in dispatches:
            self.ids[one.task] += one.ids
        return True

    def scores(self, ids: list[int]) -> None:
        self.ids["scores"] += ids


class Sure:
    """A router that prefers `a` for every prompt, and knows that they are not what it learned from."""

    experts = ("a", "b")

    def predict(self, prompts: list[str]) -> Predictions:
        count = len(prompts)
        values, known = np.tile([0.9, 0.6], (count, 1)), np.tile([0.1, 0.2], (10, 1))
        calibration = Calibration(known, known, 0)
        far = np.full((count, 4), 2.0)
        return Predictions(self.experts, values, PredictionKind.QUALITIES, calibration=calibration, deviations=far)


def told_by(text: str) -> Told:
    """Samples by name."""
    found: Told = defaultdict(list)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name].append((sample.labels, sample.value))
    return found


def value(told: Told, name: str, **labels: str) -> float:
    """The one sample of this name with (at least) these labels; 0 where there is none yet."""
    found = [number for had, number in told[name] if labels.items() <= had.items()]
    assert len(found) < 2, found
    return found[0] if found else 0.0


async def ask(store: Store, settings: Settings) -> Told:
    """What the API tells, after a request of each kind."""
    app = create_app(settings, store, Heard())
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://torouter") as client:
        await client.get("/v1/models")
        await client.get("/nowhere")
        response = await client.get("/metrics")
    await app.state.parts.waiting.close()
    assert response.status_code == 200
    return told_by(response.text)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), resend_after_s=1e-6, max_attempts=4)


@pytest.fixture(scope="module")
def store(settings: Settings) -> Iterator[Store]:
    store = Store.of(settings)
    store.schema.upgrade()
    store.experts.sync([expert(name, options={"faults": True, "first_token_s": 0.001}) for name in ("a", "b")])
    yield store
    store.close()


@pytest.fixture(scope="module")
def before_and_after(store: Store, settings: Settings) -> tuple[Told, Told]:
    """What was told before and after every step has worked in this process."""
    before = asyncio.run(ask(store, settings))
    metering.serve(settings, "routing")
    work(store, settings)
    return before, asyncio.run(ask(store, settings))


def work(store: Store, settings: Settings) -> None:
    """Prompts from their submission to their scores, with whatever may happen on the way."""
    heard = Heard()
    texts = ["one", "two", "[[fault:reject]]", "[[fault:generation]]", "[[fault:busy]]", *map(str, range(60))]
    submitted = submit(store, *(prompt(text, reference="so") for text in texts))
    untaught = submit(store, policy="cost:1")
    folder = settings.home / "checkpoint"
    folder.mkdir()
    measured = {"quality": {"n": 9, "value": 0.7, "ci95": [0.6, 0.8]}}
    manifest = {"kind": "knn", "experts": ["a", "b"], "metrics": measured}
    checkpoint = store.checkpoints.add(folder, manifest)
    store.checkpoints.promote(checkpoint.public_id)
    using = routing.Using(store, heard, Leases(store.prompts, LEASE_S, "routing"), settings)
    routing.route([*submitted.ids, *untaught.ids], Serving(checkpoint.id, Sure()), using)
    specs = {"a": store.experts.get("a")}
    loop = EngineLoop(create(list(specs.values()), settings.home))
    loop.start()
    held = Leases(store.generations, LEASE_S, "generating")
    ids = heard.ids["torouter.generate"]
    generating.generate(ids[:-10], generating.Using(store, heard, held, loop, specs, settings))
    stolen, kept = claim(store, ids[-2:], held.owner)
    with held.holding([stolen.claim, kept.claim]):
        store.generations.give_back([stolen.claim])
        held.renew()
    store.generations.give_back([kept.claim])
    claim(store, ids[-5:-4], "a dead worker", -1)
    recovery.sweep(store, heard, lambda _queue: 0, settings)
    leases = Leases(store.scores, LEASE_S, "scoring")
    scoring.score(heard.ids["scores"][:1], scoring.Using(store, leases, unable, settings))
    scoring.score(heard.ids["scores"], scoring.Using(store, leases, lambda some, _: [0.75] * len(some), settings))
    die(store, settings)
    loop.stop()


def unable(_answers: Sequence[str], _references: Sequence[str]) -> list[float]:
    raise ValueError("no such letters")


def die(store: Store, settings: Settings) -> None:
    """An engine ends with a prompt in it."""
    specs = {"b": store.experts.get("b")}
    loop = EngineLoop(create(list(specs.values()), settings.home))
    loop.start()
    held = Leases(store.generations, LEASE_S)
    using = generating.Using(store, Heard(), held, loop, specs, settings)
    with pytest.raises(EngineDeadError):
        generating.generate(route(store, submit(store, prompt("[[fault:dead]]")), "b"), using)
    loop.stop()


def test_steps_count_what_they_have_done(before_and_after: tuple[Told, Told]):
    before, after = before_and_after

    def more(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert more("torouter_prompts_submitted_total", **{"class": "interactive"}) == 67
    assert more("torouter_decisions_total", expert="a", policy="best") == 65
    assert more("torouter_routing_failures_total", reason="invalid_policy") == 1
    assert more("torouter_routing_pass_prompts_sum") == 66
    assert more("torouter_routing_wait_seconds_count", **{"class": "interactive"}) == 66
    assert more("torouter_router_confidence_count", prediction="qualities") == 66
    assert more("torouter_router_margin_sum", prediction="qualities") == pytest.approx(66 * 0.3)
    outcomes = {outcome: more("torouter_generations_total", expert="a", outcome=outcome) for outcome in OUTCOMES}
    assert outcomes == {"done": 52, "rejected": 1, "again": 1, "given_back": 1, "died": 0}
    assert more("torouter_generations_total", expert="b", outcome="died") == 1
    assert more("torouter_tokens_total", expert="a", kind="output") > 52
    assert more("torouter_cost_dollars_total", expert="a") > 0
    assert more("torouter_first_token_seconds_count", expert="a") == 52
    assert more("torouter_bertsim_sum", expert="a") == pytest.approx(52 * 0.75)
    assert more("torouter_score_failures_total", expert="a") == 1
    assert more("torouter_leases_renewed_total", step="generating") == 1
    assert more("torouter_leases_lost_total", step="generating") == 1
    assert more("torouter_recovery_reclaimed_total", outcome="back") == 1
    assert more("torouter_recovery_resent_total", step="generating") > 0
    assert more("torouter_recovery_sweep_seconds_count") == 1
    assert more("torouter_prompts_ended_total", state="done") == 52
    assert more("torouter_prompts_ended_total", state="failed") == 2


OUTCOMES = ("done", "rejected", "again", "given_back", "died")


def test_nothing_is_in_flight_when_all_has_ended(before_and_after: tuple[Told, Told]):
    assert {number for _, number in before_and_after[1]["torouter_generations_in_flight"]} == {0.0}


def test_drift_is_told_once_enough_prompts_were_seen(before_and_after: tuple[Told, Told]):
    _, after = before_and_after

    assert value(after, "torouter_prompt_drift") == pytest.approx(2, abs=0.01)
    assert value(after, "torouter_share_drift") == 1


def test_the_database_knows_what_no_process_does(before_and_after: tuple[Told, Told]):
    before, after = before_and_after

    assert value(before, "torouter_router_promoted", kind="") == 0
    assert value(after, "torouter_router_promoted", kind="knn") == 1
    assert value(after, "torouter_router_validation_quality", measure="quality") == 0.7
    assert value(after, "torouter_queue_waiting", queue="expert.a.interactive", expert="a", step="generating") > 0
    assert value(after, "torouter_queue_waiting", queue="expert.b.bulk") == 0
    assert value(after, "torouter_usage_answers_total", expert="a", outcome="done") == 52
    assert value(after, "torouter_usage_quality_total", expert="a") == pytest.approx(52 * 0.75)
    assert value(after, "torouter_prompts_open", **{"class": "interactive"}) > 0
    assert value(after, "torouter_engine_deaths_total", expert="a") == 1


def test_every_sample_was_declared_with_its_labels(before_and_after: tuple[Told, Told]):
    declared = {one.name: one for one in metrics.DECLARED}

    for name, samples in before_and_after[1].items():
        if name.startswith("torouter_"):
            base = name if name in declared else re.sub(r"_(bucket|sum|count)$", "", name)
            labels = set(declared[base].labels) | ({"le"} if name.endswith("_bucket") else set())
            assert all(set(had) == labels for had, _ in samples), name


def test_no_metric_is_told_by_batch_prompt_key_or_owner():
    labels = {label for one in metrics.DECLARED for label in one.labels}

    assert not labels & {"batch", "prompt", "key", "owner", "tenant", "id", "user"}
    assert all(one.help.endswith(".") for one in metrics.DECLARED)


def queries() -> Iterator[tuple[str, str, set[str]]]:
    """Where each query stands, the query, and the labels that its legend or summary names."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"].replace("$__rate_interval", "5m")
            yield f"{panel['title']}: {target['refId']}", query, set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            summary = rule["annotations"]["summary"]
            yield rule["alert"], rule["expr"], set(re.findall(r"\$labels\.(\w+)", summary))


def test_every_query_asks_for_what_there_is(before_and_after: tuple[Told, Told], subtests: pytest.Subtests):
    told = {name: set().union(*(had for had, _ in samples)) | ADDED for name, samples in before_and_after[1].items()}
    asked = set()
    for where, query, named in queries():
        with subtests.test(where):
            nodes = nodes_of(query)
            selectors = [node for node in nodes if isinstance(node, promql_parser.VectorSelector)]
            labels = set().union(*(told.get(node.name, set()) for node in selectors))
            asked |= {node.name for node in selectors}
            assert selectors
            for node in selectors:
                assert node.name in told, node.name
                assert {one.name for one in node.matchers.matchers} <= told[node.name], node.name
            assert grouped_by(nodes) <= labels
            assert named <= labels
    families = {one.name for one in metrics.DECLARED if not any(name.startswith(one.name) for name in asked)}
    assert families == set()  # all of them are seen somewhere


def nodes_of(query: str) -> list[Any]:
    found: list[Any] = []
    promql_parser.walk(promql_parser.parse(query), found.append)
    # The selector within a range is not walked to.
    return found + [node.vector_selector for node in found if isinstance(node, promql_parser.MatrixSelector)]


def grouped_by(nodes: list[Any]) -> set[str]:
    """Labels that aggregations keep and that sides are matched by."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            found |= set(node.modifier.labels)
    return found


def test_an_alert_says_what_to_read(subtests: pytest.Subtests):
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            with subtests.test(rule["alert"]):
                assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
                assert rule["labels"]["severity"] in {"critical", "warning", "info"}


def test_panels_of_the_dashboard_do_not_overlap():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    taken = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_gauges_that_nobody_has_set_are_no_number():
    assert math.isnan(metrics._unknown("test_unknown", told="Nothing.").collect()[0].samples[0].value)  # type: ignore[index]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_port_that_is_taken_is_told_with_the_cure(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"TOROUTER_METRICS_PORT={port}.*port of its own"):
            metering.serve(Settings(home=tmp_path, metrics_port=port), "api")


def test_a_process_tells_its_metrics_at_its_port(tmp_path: Path):
    port = free_port()
    system = System(Settings(home=tmp_path, metrics_port=port, sweep_s=0.1), [expert("a")])

    def told() -> Told:
        return told_by(httpx.get(f"http://127.0.0.1:{port}/metrics").text)

    try:
        system.start("recovery")
        until(lambda: value(told(), "torouter_recovery_sweep_seconds_count") > 1, "it has swept twice")
        found = told()
    finally:
        system.stop_all()

    assert value(found, "torouter_process_info", process="recovery") == 1
    assert value(found, "process_resident_memory_bytes") > 0
    assert "torouter_queue_waiting" not in found  # which is the API's to tell
