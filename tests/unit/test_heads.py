"""What each head on a frozen encoder makes of vectors whose best expert is known."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize

from router import blend, clusters, nearest, regression
from router.config import TrainConfig
from router.datasets import Part
from router.frozen import HeadKind
from router.labels import Reading, soft_labels
from router.lexical import FEATURES, Lexical
from router.predictions import FloatArray, PredictionKind

pytestmark = pytest.mark.usefixtures("one_thread", "by_torch")

CONFIG = TrainConfig(router="knn", clusters=2)
KINDS = (nearest.ONE, nearest.MEAN, clusters.KIND, regression.KIND, blend.KIND)


def part(qualities: FloatArray, datasets: tuple[str, ...] | None = None) -> Part:
    n = len(qualities)
    names = datasets or ("x",) * n
    texts = tuple(f"{name} {name} prompt {i}" for i, name in enumerate(names))
    labels = soft_labels(np.nan_to_num(qualities), 1.0, Reading.HARD)
    return Part(texts, names, qualities, labels)


@pytest.fixture
def two_groups() -> tuple[Part, FloatArray]:
    """Forty prompts around each of two directions; expert 0 is better around the first, expert 1 around the second."""
    random = np.random.default_rng(0)
    vectors = np.repeat(np.eye(2, 8), 40, axis=0) + 0.05 * random.standard_normal((80, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    first = np.repeat([True, False], 40)
    qualities = np.where(np.stack([first, ~first], axis=1), 0.8, 0.2)
    return part(qualities, tuple(np.where(first, "alpha", "omega"))), vectors


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_head_finds_the_expert_of_each_group(kind: HeadKind, two_groups: tuple[Part, FloatArray]):
    data, vectors = two_groups

    values = kind.fit(data, vectors, CONFIG).predict(data.texts, vectors)

    assert (values.argmax(axis=1) == data.qualities.argmax(axis=1)).all()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_expert_that_was_asked_seldom_does_no_harm(kind: HeadKind, two_groups: tuple[Part, FloatArray]):
    data, vectors = two_groups
    lucky = np.full((80, 1), np.nan)
    lucky[0] = 1.0
    qualities = np.hstack([data.qualities, lucky])

    values = kind.fit(part(qualities, data.datasets), vectors, CONFIG).predict(data.texts, vectors)

    assert (values[1:].argmax(axis=1) == data.qualities[1:].argmax(axis=1)).all()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_head_made_again_from_its_arrays_says_the_same(kind: HeadKind, two_groups: tuple[Part, FloatArray]):
    data, vectors = two_groups
    head = kind.fit(data, vectors, CONFIG)

    again = kind.of(head.arrays())

    assert again.prediction is head.prediction
    assert again.predict(data.texts, vectors) == pytest.approx(head.predict(data.texts, vectors), abs=1e-5)


def test_one_neighbour_shares_between_experts_that_tie():
    head = nearest.ONE.fit(part(np.array([[0.9, 0.9, 0.1]])), np.eye(1, 4), CONFIG)

    assert head.prediction is PredictionKind.PROBABILITIES
    assert head.predict(("?",), np.eye(1, 4)) == pytest.approx(np.array([[0.5, 0.5, 0.0]]))


def test_many_neighbours_are_asked_where_single_ones_mislead():
    random = np.random.default_rng(1)
    first = np.repeat([True, False], 200)
    vectors = np.where(first[:, None], np.eye(1, 16), np.eye(1, 16, 1)) + 0.1 * random.standard_normal((400, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chances = np.where(np.stack([first, ~first], axis=1), 0.6, 0.4)
    lucky = (random.random((400, 2)) < chances).astype(float)

    head = nearest.MEAN.fit(part(lucky), vectors, CONFIG)

    assert head.arrays()["k"][0] >= 50
    assert (head.predict((), vectors).argmax(axis=1) == chances.argmax(axis=1)).mean() > 0.95


def test_a_cluster_of_few_prompts_is_close_to_the_mean_of_all():
    vectors = np.vstack([np.tile(np.eye(1, 4), (50, 1)), np.eye(1, 4, 1)])
    qualities = np.vstack([np.full((50, 2), 0.5), [[1.0, 0.0]]])

    lonely = clusters.fit(part(qualities), vectors, CONFIG).predict(("?",), np.eye(1, 4, 1))

    assert lonely[0] == pytest.approx([0.53, 0.47], abs=0.01)


def test_data_sets_are_recognised_by_their_text_alone():
    data = part(np.tile([[0.8, 0.2], [0.2, 0.8]], (30, 1)), ("alpha", "omega") * 30)
    vectors = np.ones((60, 4)) / 2  # which say nothing

    head = blend.KIND.fit(data, vectors, CONFIG)

    values = head.predict(["alpha alpha prompt 99", "omega omega prompt 99"], vectors[:2])
    assert list(values.argmax(axis=1)) == [0, 1]


def test_without_names_of_data_sets_clusters_take_their_place(two_groups: tuple[Part, FloatArray]):
    data, vectors = two_groups

    head = blend.KIND.fit(part(data.qualities), vectors, CONFIG)

    assert "centres" in head.arrays()
    assert (head.predict(data.texts, vectors).argmax(axis=1) == data.qualities.argmax(axis=1)).all()


def test_lexical_rows_have_length_one_and_rare_ngrams_weigh_more():
    lexical, rows = Lexical.fit(["the cat", "the dog", "the zebra"])

    assert rows.shape == (3, FEATURES)
    assert np.sqrt(rows.multiply(rows).sum(axis=1)) == pytest.approx(1.0)
    assert (lexical.transform(["the cat"]) != rows[0]).nnz == 0
    (the,), (zebra,) = (lexical.idf[Lexical.fit([word])[1].indices].min(keepdims=True) for word in ("the", "zebra"))
    assert zebra >= the
    assert lexical.transform([]).shape == (0, FEATURES)


def test_ngrams_are_those_that_scikit_learn_counts():
    """Checkpoints hold a weight for each of its columns."""
    texts = ["Two plus TWO", "", " a \n\t b.", "日本語のテキスト " + "語" * 50, "x" * 2500, "Straße İstanbul don't"]
    vectorizer = HashingVectorizer(
        analyzer="char_wb", ngram_range=(1, 4), n_features=FEATURES, alternate_sign=False, norm=None
    )
    wanted = vectorizer.transform([text[:2000] for text in texts])
    wanted.data = 1 + np.log(wanted.data)

    found = Lexical(np.ones(FEATURES)).transform(texts)

    assert abs(found - normalize(wanted)).max() < 1e-12
    assert Lexical(np.ones(FEATURES)).transform([]).shape == (0, FEATURES)
