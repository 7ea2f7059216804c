"""What changes with labels, training size and unknown domains, on prompts whose topic gives the best expert away."""

from pathlib import Path

import pytest

from core.errors import InvalidInputError
from router.ablation import Ablation, AblationReport, Study, ablate
from router.config import TrainConfig
from tests.router_factories import EXPERTS, topic_rows

pytestmark = pytest.mark.usefixtures("one_thread", "by_torch")

TRAIN, TEST = topic_rows(150), topic_rows(60, seed=1)


@pytest.fixture
def config(tiny_encoder: Path) -> TrainConfig:
    return TrainConfig(encoder=str(tiny_encoder), max_tokens=48, clusters=3, epochs=1)


def test_both_readings_and_hard_labels_are_tried_and_a_scale_is_trained_once(config: TrainConfig, tmp_path: Path):
    temperatures = (0.1, 10.0)
    report = ablate(TRAIN, TEST, Ablation(("mlp", "knn"), config, tmp_path, (Study.LABELS,), temperatures))

    mlp = {(cell.setting, cell.value): cell for cell in report.cells if cell.router == "mlp"}
    assert mlp.keys() == {(reading, t) for reading in ("multiply", "divide") for t in temperatures} | {("hard", None)}
    assert mlp["multiply", 10].result == mlp["divide", 0.1].result
    assert mlp["multiply", 0.1].label_entropy > mlp["multiply", 10].label_entropy > mlp["hard", None].label_entropy
    assert len(list((tmp_path / "routers").glob("mlp-*"))) == 2 + 1  # .1 and 10 in both readings, and hard
    (knn,) = (cell for cell in report.cells if cell.router == "knn")
    assert (knn.setting, knn.label_entropy) == ("any", None)
    assert knn.result.n == len(TEST)


def test_shares_of_the_training_prompts_grow_and_too_few_are_left_out(config: TrainConfig, tmp_path: Path):
    report = ablate(TRAIN, TEST, Ablation(("knn",), config, tmp_path, (Study.SIZE,)))

    assert [cell.value for cell in report.cells] == [0.25, 0.5, 1.0]
    prompts = [cell.prompts for cell in report.cells]
    assert prompts == sorted(prompts)
    assert prompts[-1] == len(TRAIN)


def test_a_router_does_worse_on_a_data_set_that_it_has_never_seen(config: TrainConfig, tmp_path: Path):
    report = ablate(TRAIN, TEST, Ablation(("blend",), config, tmp_path, (Study.DOMAINS,)))

    found = {(cell.dataset, cell.setting): cell.result.quality for cell in report.cells}
    assert found.keys() == {(name, setting) for name in EXPERTS for setting in ("with", "without")}
    for name in EXPERTS:
        assert found[name, "without"] < found[name, "with"] == pytest.approx(0.8)


def test_a_report_is_read_as_it_was_written(config: TrainConfig, tmp_path: Path):
    report = ablate(TRAIN, TEST, Ablation(("knn",), config, tmp_path, (Study.SIZE,)))

    assert AblationReport.model_validate_json(report.to_json()) == report


def test_a_single_data_set_cannot_be_left_out(config: TrainConfig, tmp_path: Path):
    one = [row.model_copy(update={"dataset": "all"}) for row in TRAIN]

    with pytest.raises(InvalidInputError, match="one data set"):
        ablate(one, TEST, Ablation(("knn",), config, tmp_path, (Study.DOMAINS,)))


def test_nothing_but_training_prompts_is_refused(config: TrainConfig, tmp_path: Path):
    with pytest.raises(InvalidInputError, match="nothing to test on"):
        ablate(TRAIN, TRAIN, Ablation(("knn",), config, tmp_path))
