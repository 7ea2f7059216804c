"""Measure ways of routing on outcomes: numbers only, no printing and no plots.

The paper's criteria (arXiv 2408.12320): quality (BERTSim by default), NLL, cost and throughput, beside Zero, Random,
the best single expert and Optimal, all on the same prompts and the same pool of experts. Cost per 1M tokens and
throughput are means of each call's own ratio, so a prompt counts once whatever its length; `cost_usd` is the bill.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.errors import InvalidInputError
from core.schemas.outcomes import Outcome, OutcomeRow
from router import bounds, curves
from router.bootstrap import RESAMPLES, Bootstrap, Estimate
from router.bounds import Measured
from router.outcomes import fingerprint
from router.policies import NOBODY
from router.pool import Measure, Pool, pool_of, values_of
from router.predictions import FloatArray, IntArray, Predictions, Spending
from router.reports import (
    BatchReport,
    DataReport,
    Difference,
    ExpertSummary,
    MethodReport,
    Report,
    Speed,
    Summary,
    Training,
)

#: The baselines that a router's differences are given to.
COMPARED = ("best_single", "dataset_oracle", "quality_oracle", "zero", "random")


@dataclass(frozen=True)
class Routed:
    """What a method did with each prompt of the rows, in their order.

    `choices` names the expert, None where the prompt was not answered. `outcomes` is what the routed run itself
    measured, None again where it has nothing; without it the chosen expert's outcome is looked up in the rows.
    """

    choices: Sequence[str | None]
    outcomes: Sequence[Outcome | None] | None = None
    note: str | None = None
    predictions: Predictions | None = None  # what was chosen by, for the curves


@dataclass(frozen=True)
class Evaluation:
    """What to measure: the quality column, the router that the headline is about, and how to resample."""

    quality: str
    default: str | None  # None: there is no router, only experts and baselines
    seed: int = 0
    resamples: int = RESAMPLES
    train: Sequence[OutcomeRow] = field(default=())  # what the data-set oracle picks on; none without them
    controls: Mapping[str, Routed] = field(default_factory=dict)  # what the default is compared with besides
    left_out: int = 0  # rows that were not measured on: duplicates, or trained on
    speed: Mapping[str, list[Speed]] = field(default_factory=dict)  # of the routers
    training: Mapping[str, Training] = field(default_factory=dict)  # of the routers
    batch: BatchReport | None = None  # that the rows come from
    notes: Sequence[str] = ()  # what a reader must know besides


def evaluate(rows: Sequence[OutcomeRow], methods: Mapping[str, Routed], wanted: Evaluation) -> Report:
    """The report of each named method beside the baselines, on the rows' prompts and experts.

    Where no prompt has the quality of two experts, nothing can be compared: no baselines, differences and curves.
    InvalidInputError where that leaves nothing, where a method does not fit the rows (their number, an expert they
    don't know) or has no quality at all, and where the default is none of the methods.
    """
    if (methods or wanted.default is not None) and wanted.default not in methods:
        raise InvalidInputError(
            f"the default {wanted.default!r} is none of the routers: {', '.join(methods) or 'none'}"
        )
    pool = pool_of(rows, wanted.quality)
    if not methods and not pool.compares:
        raise InvalidInputError(f"no router, and the {wanted.quality!r} of one expert at most for each prompt")
    bootstrap = Bootstrap(pool.datasets, wanted.seed, wanted.resamples)
    routers = {name: measure(pool, routed, wanted.quality, name) for name, routed in methods.items()}
    controls = {name: measure(pool, routed, wanted.quality, name) for name, routed in wanted.controls.items()}
    baselines = _baselines(pool, wanted) if pool.compares else {}
    compared = {name: {other: baselines[other] for other in COMPARED if other in baselines} for name in routers}
    predictions = {name: _aligned(one.predictions, pool) for name, one in methods.items() if one.predictions}
    if wanted.default is not None:
        compared[wanted.default] |= controls
    return Report(
        routers={name: method_report(measured, pool, bootstrap) for name, measured in routers.items()},
        baselines={name: method_report(measured, pool, bootstrap) for name, measured in baselines.items()},
        default=wanted.default,
        experts={expert: _expert(pool, j, bootstrap) for j, expert in enumerate(pool.experts)},
        data=_data(rows, pool, wanted),
        controls={name: method_report(measured, pool, bootstrap) for name, measured in controls.items()},
        differences={name: _differences(routers[name], others, bootstrap) for name, others in compared.items()},
        curves=curves.curves(pool, predictions) if pool.compares else {},
        two_experts=curves.two_experts(pool, predictions) if pool.compares else None,
        speed=dict(wanted.speed),
        training=dict(wanted.training),
        batch=wanted.batch,
        notes=list(wanted.notes),
    )


def measure(pool: Pool, routed: Routed, quality: str, name: str) -> Measured:
    """A method's values per prompt, looked up in the pool or taken from its own outcomes; errors as `evaluate`'s."""
    given = [routed.choices, *([routed.outcomes] if routed.outcomes is not None else [])]
    if any(len(part) != len(pool) for part in given):
        raise InvalidInputError(
            f"{name}: {len(routed.choices)} choices or outcomes for {len(pool)} prompts: want one for each"
        )
    unknown = sorted({choice for choice in routed.choices if choice is not None} - set(pool.experts))
    if unknown:
        raise InvalidInputError(
            f"{name} chose {', '.join(unknown)}, which the rows don't know: {', '.join(pool.experts)}"
        )
    column = {expert: j for j, expert in enumerate(pool.experts)}
    columns = np.array([NOBODY if c is None else column[c] for c in routed.choices], dtype=np.int64)
    values = pool.take(columns) if routed.outcomes is None else values_of(routed.outcomes, quality)
    if np.isnan(values[Measure.QUALITY]).all():
        raise InvalidInputError(
            f"{name}: no {quality!r} for any of its {len(pool)} choices, so there is nothing to report"
        )
    return Measured(values, columns, routed.note)


def method_report(measured: Measured, pool: Pool, bootstrap: Bootstrap) -> MethodReport:
    """Every mean of one method with its n and interval."""
    found = {name: bootstrap.estimate(values) for name, values in measured.values.items()}
    datasets = sorted(set(pool.datasets))
    columns = measured.columns if measured.columns is not None else np.empty(0, dtype=np.int64)
    queries = _queries(columns, pool)
    oracle = _queries(bounds.quality_oracle(pool).columns, pool)
    answered = sum(queries.values())
    return MethodReport(
        n=found[Measure.QUALITY].micro.n,
        macro=_summary({name: one.macro for name, one in found.items()}),
        micro=_summary({name: one.micro for name, one in found.items()}),
        datasets={d: _summary({name: one.datasets[d] for name, one in found.items()}) for d in datasets},
        shares={expert: queries[expert] / answered for expert in pool.experts} if answered else {},
        queries={expert: queries[expert] for expert in pool.experts} if answered else {},
        unanswered=len(columns) - answered,
        shares_to_oracle=_distance(queries, oracle) if answered and pool.compares else None,
        note=measured.note,
    )


def difference(one: Measured, other: Measured, bootstrap: Bootstrap) -> Difference | None:
    """Macro quality of `one` minus `other`, a paired bootstrap on the prompts that both have.

    None where a data set has no such prompt: the mean would be over other data sets.
    """
    gaps: FloatArray = one.values[Measure.QUALITY] - other.values[Measure.QUALITY]
    found = bootstrap.estimate(gaps)
    if any(not part.n for part in found.datasets.values()):
        return None
    return Difference(n=found.macro.n, difference=found.macro.value, ci95=found.macro.ci95)


def _differences(one: Measured, others: Mapping[str, Measured], bootstrap: Bootstrap) -> dict[str, Difference]:
    found = {name: difference(one, other, bootstrap) for name, other in others.items()}
    return {name: known for name, known in found.items() if known is not None}


def _queries(columns: IntArray | None, pool: Pool) -> Counter[str]:
    return Counter() if columns is None else Counter(pool.experts[j] for j in columns if j != NOBODY)


def _distance(one: Counter[str], other: Counter[str]) -> float:
    """Total variation between two distributions of prompts over experts, 0..1."""
    names = one.keys() | other.keys()
    return sum(abs(one[name] / one.total() - other[name] / other.total()) for name in names) / 2


def _aligned(predictions: Predictions, pool: Pool) -> Predictions:
    """The predictions in the pool's order of experts; an expert that the router does not know has none."""
    known = {name: j for j, name in enumerate(predictions.experts)}
    columns = np.array([known.get(name, -1) for name in pool.experts])

    def reordered(array: FloatArray) -> FloatArray:
        return np.where(columns >= 0, array[:, columns], np.nan)

    spent = predictions.spending
    spending = spent and Spending(*map(reordered, (spent.cost_usd, spent.latency_s, spent.output_tokens)))
    return Predictions(pool.experts, reordered(predictions.values), predictions.kind, spending)


def _baselines(pool: Pool, wanted: Evaluation) -> dict[str, Measured]:
    found = {
        "best_single": bounds.best_single(pool),
        "zero": bounds.zero(pool),
        "random": bounds.random(pool, wanted.seed),
        "optimal": bounds.optimal(pool),
        "quality_oracle": bounds.quality_oracle(pool),
    }
    if wanted.train:
        train = pool_of(wanted.train, wanted.quality)
        found["dataset_oracle"] = bounds.dataset_oracle(pool, train)
        found["majority"] = bounds.majority(pool, train)
    return found


def _expert(pool: Pool, column: int, bootstrap: Bootstrap) -> ExpertSummary:
    found = {name: bootstrap.estimate(values[:, column]) for name, values in pool.values.items()}
    micro = _summary({name: one.micro for name, one in found.items()})
    macro = _summary({name: one.macro for name, one in found.items()})
    return ExpertSummary(**micro.model_dump(), macro_quality=macro.quality)


def _summary(found: Mapping[Measure, Estimate]) -> Summary:
    """What is known, by name; a mean over nothing is left out."""
    known = {name: one for name, one in found.items() if not np.isnan(one.value)}
    quality = found[Measure.QUALITY]
    return Summary(
        n=quality.n,
        ci95=quality.ci95 if Measure.QUALITY in known else None,
        n_of={name.value: one.n for name, one in known.items()},
        ci95_of={name.value: one.ci95 for name, one in known.items() if name is not Measure.QUALITY},
        **{name.value: one.value for name, one in known.items()},
    )


def _data(rows: Sequence[OutcomeRow], pool: Pool, wanted: Evaluation) -> DataReport:
    return DataReport(
        n=len(rows),
        fingerprint=fingerprint(rows),
        quality=wanted.quality,
        datasets=dict(sorted(Counter(pool.datasets).items())),
        seed=wanted.seed,
        resamples=wanted.resamples,
        left_out=wanted.left_out,
        train_fingerprint=fingerprint(wanted.train) if wanted.train else None,
    )
