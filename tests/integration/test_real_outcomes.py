"""The default router on real outcomes of seven language models: what it is the default for."""

from core.schemas.outcomes import OutcomeRow
from router import bounds, registry
from router.config import TrainConfig
from router.datasets import HELD_OUT_SHARE, is_held_out
from router.outcomes import read_outcomes
from router.policies import choose
from router.pool import Measure, pool_of
from router.training import train
from tests.data import DATA, needs

#: The others of the five are larger, and take a minute more.
FILES = [DATA / "outcomes" / "routerdc" / f"{name}_train.jsonl" for name in ("arc_challenge", "gsm8k", "humaneval")]


@needs(*FILES)
def test_the_default_router_beats_the_best_expert_and_random_on_data_sets_of_routerdc():
    rows = read_outcomes(FILES)
    parts: dict[bool, list[OutcomeRow]] = {True: [], False: []}
    for row in rows:
        parts[is_held_out(row.prompt, HELD_OUT_SHARE)].append(row)
    pool = pool_of(parts[True], "score")

    router = train(parts[False], TrainConfig(router=registry.DEFAULT, quality="score", validation_share=0)).router
    predictions = router.predict(pool.texts)

    assert predictions.experts == pool.experts
    routed = pool.macro(pool.take(choose(predictions))[Measure.QUALITY])
    assert routed > pool.macro(bounds.best_single(pool).values[Measure.QUALITY]) + 0.02
    assert routed > pool.macro(bounds.random(pool, seed=0).values[Measure.QUALITY]) + 0.05
