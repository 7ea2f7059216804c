"""BERTSim's rules, with an encoder that looks texts up."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import InvalidInputError
from router.bertsim import bertsim


class Lookup:
    """Unit vectors by text; remembers what it was asked."""

    vectors = {"right": [1.0, 0.0], "wrong": [-1.0, 0.0], "half": [0.6, 0.8], "": [1.0, 0.0]}  # noqa: RUF012

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.extend(texts)
        return np.array([self.vectors[text] for text in texts], dtype=np.float32).reshape(len(texts), 2)


def test_it_is_the_cosine_clipped_at_zero():
    assert bertsim(["right", "half", "wrong"], ["right"] * 3, Lookup()) == pytest.approx([1, 0.6, 0])


def test_an_empty_answer_scores_zero_whatever_its_embedding():
    assert bertsim([""], ["right"], Lookup()).tolist() == [0]


def test_each_text_is_embedded_once():
    encoder = Lookup()

    bertsim(["half", "half", "right"], ["right"] * 3, encoder)

    assert sorted(encoder.asked) == ["half", "right"]


def test_no_answers_have_no_scores():
    assert bertsim([], [], Lookup()).shape == (0,)


def test_an_empty_reference_is_refused():
    with pytest.raises(InvalidInputError, match="1 references are empty, the first at 1"):
        bertsim(["right", "right"], ["right", " "], Lookup())


def test_a_reference_for_each_answer_is_wanted():
    with pytest.raises(InvalidInputError, match="2 answers and 1 references"):
        bertsim(["right", "right"], ["right"], Lookup())
