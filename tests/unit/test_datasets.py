"""From rows to a training set."""

import numpy as np
import pytest

from core.errors import InvalidInputError
from router.config import TrainConfig
from router.datasets import deduplicate, is_held_out, training_set, without
from tests.router_factories import EXPERTS, row, topic_rows

CONFIG = TrainConfig(router="random")


def test_holding_out_depends_on_the_normalised_text_alone():
    texts = [f"What is {i}?" for i in range(2000)]

    held = [is_held_out(text, 0.2) for text in texts]

    assert held == [is_held_out(f"  {text.upper()}\n", 0.2) for text in texts]
    assert 0.17 < np.mean(held) < 0.23


def test_a_larger_share_holds_out_what_a_smaller_one_does():
    texts = [f"text {i}" for i in range(500)]

    assert all(is_held_out(text, 0.3) for text in texts if is_held_out(text, 0.1))


def test_each_purpose_draws_its_own_share():
    held = [text for text in map(str, range(2000)) if is_held_out(text, 0.2)]

    assert 0.1 < np.mean([is_held_out(text, 0.2, "validation") for text in held]) < 0.3


def test_the_first_row_of_a_text_is_kept():
    rows = [row("Hello  there", a=0.1), row("other", a=0.2), row(" hello THERE", a=0.3)]

    assert deduplicate(rows) == rows[:2]


def test_outcomes_of_an_expert_that_was_asked_later_join_the_first_ones():
    rows = [row("one", a=0.1), row("two", a=0.2), row("ONE", b=0.3, a=0.9)]

    merged, other = deduplicate(rows)

    assert {name: outcome.bertsim for name, outcome in merged.outcomes.items()} == {"a": 0.1, "b": 0.3}
    assert other == rows[1]


def test_what_was_trained_on_is_no_test():
    assert without([row("A  b"), row("c")], [row("a B")]) == [row("c")]


def test_training_and_validation_share_no_text_and_lose_none():
    rows = topic_rows(200)

    data = training_set([*rows, *rows[:5]], CONFIG)

    texts = {*data.train.texts, *data.validation.texts}
    assert texts == {one.prompt for one in rows}
    assert len(data.train) + len(data.validation) == 200
    assert data.duplicates == 5
    assert len(data.validation) == pytest.approx(30, abs=15)


def test_experts_are_sorted_whatever_the_order_of_the_rows():
    assert training_set(topic_rows(40)[::-1], CONFIG).experts == EXPERTS


def test_rows_with_one_expert_are_left_out_and_counted():
    data = training_set([*topic_rows(40), row("lonely", math=0.5)], CONFIG)

    assert data.too_few_experts == 1


def test_a_row_that_lacks_one_of_three_experts_is_kept():
    data = training_set(
        [*topic_rows(40), row("partial", math=0.5, code=0.4)], CONFIG.model_copy(update={"validation_share": 0.0})
    )

    assert np.isnan(data.train.qualities[-1]).tolist() == [True, False, False]
    assert data.train.labels[-1, 0] == 0


def test_an_expert_without_any_outcome_is_refused_by_name():
    config = TrainConfig(router="random", experts=("math", "code", "law"))

    with pytest.raises(InvalidInputError, match="no 'bertsim' in any of the 40 rows for law"):
        training_set(topic_rows(40), config)


def test_a_quality_column_that_no_row_carries_is_refused_with_those_they_do():
    with pytest.raises(InvalidInputError, match=r"none of the 40 rows carries the quality 'score': they carry bertsim"):
        training_set(topic_rows(40), TrainConfig(router="random", quality="score"))


def test_one_expert_is_nothing_to_route_between():
    with pytest.raises(InvalidInputError, match="outcomes of 1 experts"):
        training_set([row(f"{i}", math=0.5) for i in range(20)], CONFIG)


def test_too_few_prompts_are_refused_with_the_counts():
    with pytest.raises(InvalidInputError, match=r"\d prompts to train on, besides \d held out.* 0 duplicates"):
        training_set(topic_rows(6), CONFIG)
