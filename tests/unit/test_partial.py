"""Prompts that one expert answered, as production stores them: who learns from them, and who doesn't see them."""

from pathlib import Path

import pytest

from core.errors import InvalidInputError
from core.schemas.outcomes import OutcomeRow
from router import registry
from router.config import TrainConfig
from router.training import train
from tests.router_factories import EXPERTS, topic_rows

pytestmark = pytest.mark.usefixtures("one_thread")


def one_outcome_each(rows: list[OutcomeRow]) -> list[OutcomeRow]:
    kept = [(row, EXPERTS[(i // len(EXPERTS)) % len(EXPERTS)]) for i, row in enumerate(rows)]
    return [row.model_copy(update={"outcomes": {name: row.outcomes[name]}}) for row, name in kept]


def config(kind: str, encoder: Path) -> TrainConfig:
    return TrainConfig(router=kind, encoder=str(encoder), max_tokens=48, epochs=2)


@pytest.mark.parametrize("kind", ["heads", "bert-heads"])
def test_routers_that_fit_each_expert_for_itself_learn_from_one_outcome_a_prompt(kind: str, tiny_encoder: Path):
    trained = train(one_outcome_each(topic_rows(90)), config(kind, tiny_encoder))

    data = trained.manifest.data
    assert data is not None
    assert (data.train + data.validation, data.too_few_experts) == (90, 0)
    assert trained.manifest.labels is None  # nothing says who is better
    assert trained.manifest.metrics == {}


def test_heads_of_partial_outcomes_tell_the_experts_apart(tiny_encoder: Path):
    rows, better = one_outcome_each(topic_rows(300, gap=0.0)), EXPERTS[1]
    rows = [
        row.model_copy(update={"outcomes": {better: row.outcomes[better].model_copy(update={"bertsim": 0.9})}})
        if better in row.outcomes
        else row
        for row in rows
    ]

    router = train(rows, config("heads", tiny_encoder)).router

    assert (router.predict([row.prompt for row in rows]).values.argmax(axis=1) == 1).all()


@pytest.mark.parametrize("kind", ["random", "knn"])
def test_other_routers_leave_partial_outcomes_out_and_count_them(kind: str, tiny_encoder: Path):
    complete, partial = topic_rows(60), one_outcome_each(topic_rows(30, seed=1))

    data = train([*complete, *partial], config(kind, tiny_encoder)).manifest.data

    assert data is not None
    assert (data.train + data.validation, data.too_few_experts) == (60, 30)


def test_an_expert_of_partial_outcomes_alone_is_refused_by_those_who_leave_them_out():
    lonely = [row.model_copy(update={"outcomes": {"law": row.outcomes["math"]}}) for row in topic_rows(20, seed=1)]

    with pytest.raises(InvalidInputError, match="no 'bertsim' in any of the 60 rows for law"):
        train([*topic_rows(60), *lonely], TrainConfig(router="random"))


def test_the_kinds_that_learn_from_partial_outcomes_are_those_of_single_experts():
    assert {name for name in registry.KINDS if registry.kind(name).partial} == {"heads", "bert-heads"}
