"""The whole evaluation on prompts whose topic gives the best expert away."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import InvalidInputError
from router import training
from router.comparison import Comparison, compare
from router.config import TrainConfig
from router.encoder import Encoder, keeping
from tests.router_factories import EXPERTS, topic_rows

pytestmark = pytest.mark.usefixtures("one_thread", "by_torch")

TRAIN, TEST = topic_rows(150), topic_rows(60, seed=1)


@pytest.fixture
def wanted(tiny_encoder: Path, tmp_path: Path) -> Comparison:
    config = TrainConfig(encoder=str(tiny_encoder), max_tokens=48, clusters=3)
    return Comparison(routers=("blend", "1nn"), config=config, default="blend", cache=tmp_path)


def test_a_router_that_has_learned_beats_every_control(wanted: Comparison):
    report = compare(TRAIN, TEST, wanted)

    assert report.routers.keys() == {"blend", "1nn"}
    assert report.routers["blend"].macro.quality == pytest.approx(0.8)
    assert report.controls.keys() == {"shuffled_shares", "shuffled_labels", "unreadable"}
    for control in ("shuffled_shares", "unreadable"):
        assert report.differences["blend"][control].ci95[0] > 0
    # Mixed within each data set, the labels still say which expert is best there, and no more.
    assert report.controls["shuffled_labels"].shares.keys() == set(EXPERTS)
    assert report.differences["1nn"].keys() == {"best_single", "dataset_oracle", "quality_oracle", "zero", "random"}
    assert [one.batch for one in report.speed["blend"]] == [1, 8, 64, 256]
    assert report.training["1nn"].train + report.training["1nn"].validation == len(TRAIN)
    assert report.training["1nn"].label_entropy < report.training["1nn"].label_entropy_maximum


def test_what_was_trained_on_is_not_measured_and_counted(wanted: Comparison):
    report = compare(TRAIN, [*TEST, *TRAIN[:5], TEST[0]], wanted)

    assert report.data.n == len(TEST)
    assert report.data.left_out == 6


def test_nothing_but_training_prompts_is_refused(wanted: Comparison):
    with pytest.raises(InvalidInputError, match="nothing to evaluate"):
        compare(TRAIN, TRAIN, wanted)


def test_a_second_test_set_trains_nothing(wanted: Comparison, monkeypatch: pytest.MonkeyPatch):
    first = compare(TRAIN, TEST, wanted)
    monkeypatch.setattr(training, "train", lambda *_: pytest.fail("trained again"))

    other = compare(TRAIN, topic_rows(40, seed=2), wanted)

    assert other.data.n == 40
    assert compare(TRAIN, TEST, wanted).routers == first.routers


def test_prompts_are_embedded_once_though_a_router_is_fitted_twice(
    wanted: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    embedded: list[int] = []
    embed = Encoder._embed
    monkeypatch.setattr(Encoder, "_embed", lambda self, texts: embedded.append(len(texts)) or embed(self, texts))

    with keeping(tmp_path):
        trained = training.train(TRAIN, wanted.config.model_copy(update={"router": "clusters"}))

    assert trained.manifest.data is not None
    assert sorted(embedded) == [trained.manifest.data.validation, len(TRAIN)]


def test_progress_is_shown_of_each_training(wanted: Comparison):
    shown: dict[str, list[float]] = {}

    @contextmanager
    def showing(title: str):
        shares = shown.setdefault(title, [])
        yield lambda share, _text: shares.append(share)

    compare(TRAIN, TEST, Comparison(**{**vars(wanted), "showing": showing}))

    assert shown.keys() == {"blend", "1nn", "blend on shuffled labels", "blend on prompts that say nothing"}
    assert all(shares[-1] == 1.0 for shares in shown.values())
