"""The scoring step on a real store: what can't be scored fails alone."""

from collections.abc import Sequence

from core.settings import Settings
from core.store import Store
from tests.factories import OWNER, claim, prompt, result, route, submit
from workers import scoring
from workers.leasing import Leases


def same(answers: Sequence[str], references: Sequence[str]) -> list[float]:
    if "poison" in answers:
        raise ValueError("no such letters")
    return [float(one == other) for one, other in zip(answers, references, strict=True)]


def test_an_answer_that_cannot_be_scored_fails_alone(sqlite_store: Store):
    submitted = submit(sqlite_store, *(prompt(reference="r") for _ in range(3)))
    items = claim(sqlite_store, route(sqlite_store, submitted))
    answers = ["r", "poison", "other"]
    ids = sqlite_store.generations.finish([result(i.claim, a) for i, a in zip(items, answers, strict=True)])
    using = scoring.Using(sqlite_store, Leases(sqlite_store.scores, 60.0), same, Settings(max_attempts=2))

    for _ in range(2):
        scoring.score(ids, using)

    views = sqlite_store.prompts.get_many(submitted.prompt_ids, OWNER)
    assert [view.generations[0].scores for view in views] == [{"bertsim": 1.0}, {}, {"bertsim": 0.0}]
    assert sqlite_store.batches.get(submitted.batch_id, OWNER).state == "completed"
