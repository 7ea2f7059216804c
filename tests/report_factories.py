"""Reports with everything filled in, so that a test names only what it is about."""

from typing import Any

from router.reports import Report

EXPERTS = ("small", "large")


def report(**fields: Any) -> Report:
    """One router, `ours`, on the data set `maths`; without costs, curves and the rest. `fields` replace parts."""
    return Report.model_validate(
        {
            "routers": {"ours": method(0.71)},
            "baselines": {"best_single": method(0.65, large=5), "zero": method(0.5)},
            "default": "ours",
            "experts": {name: summary(0.6) | {"macro_quality": 0.612} for name in EXPERTS},
            "data": {
                "n": 5,
                "fingerprint": "sha256:abcdef",
                "quality": "bertsim",
                "datasets": {"maths": 5},
                "seed": 11,
                "resamples": 100,
                "versions": {"numpy": "2.0.0"},
                "commit": "0123abc",
            },
            "differences": {"ours": {"best_single": difference(0.06, 0.02, 0.1)}},
        }
        | fields
    )


def full(*, spent: bool = True) -> Report:
    """Everything that a report may hold, for two experts; not `spent`: but for what their calls cost and take."""
    sweep = [{"setting": 1.0, "cost_usd": 1e-6, "quality": 0.6}, {"setting": 0.0, "cost_usd": 9e-6, "quality": 0.7}]
    alone = [{"expert": name, "cost_usd": 1e-6 * 9**i, "quality": 0.6} for i, name in enumerate(EXPERTS)]
    taken = {"cost_usd": 2e-6, "latency_s": 0.3} if spent else {}
    shares = [{"share": share, "quality": 0.6, "pgr": share, **taken} for share in (0.0, 0.5, 1.0)]
    measured = {"nll": 1.234, "cost_usd_per_mtok": 0.456, "throughput_tok_s": 78.9, "output_tokens": 321}
    return report(
        routers={"ours": method(0.71, small=3, large=2, **measured)},
        experts={name: summary(0.6, **measured) for name in EXPERTS},
        curves={"ours": {"points": alone + sweep, "hull": sweep, "aiq": 0.654, "cost_save": 0.321}},
        two_experts={"weak": "small", "strong": "large", "routers": {"ours": {"points": shares, "apgr": 0.567}}},
        speed={"ours": [{"batch": 1, "ms_per_prompt": 3.0}, {"batch": 64, "ms_per_prompt": 0.2}]},
        training={"ours": {"train": 801, "validation": 202, "label_entropy": 0.678, "label_entropy_maximum": 0.693}},
    )


def method(quality: float, *, dataset: str = "maths", **sent: float) -> dict[str, Any]:
    """One way of routing with the prompts sent to each expert; other names are measures of its summary."""
    queries = {name: int(sent.pop(name)) for name in EXPERTS if name in sent}
    found = summary(quality, **sent)
    shares = {name: count / sum(queries.values()) for name, count in queries.items()}
    datasets = {dataset: found}
    return {"n": 5, "macro": found, "micro": found, "datasets": datasets, "shares": shares, "queries": queries}


def summary(quality: float, **measures: float) -> dict[str, Any]:
    return {"n": 5, "quality": quality, "ci95": (quality - 0.05, quality + 0.05), **measures}


def difference(value: float, low: float, high: float) -> dict[str, Any]:
    return {"n": 5, "difference": value, "ci95": (low, high)}
