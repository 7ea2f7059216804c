"""The small tables of a page: of curves, of two experts, of training; and the sentence at its top."""

from collections.abc import Mapping

from api.reports import numbers
from api.reports.tables import Cell, Group, Row, Table, verdict
from api.reports.titles import best_single, title
from router.reports import MethodReport, Report

VERDICTS = {"better": "better than", "worse": "worse than", "same": "not told apart from"}


def headline(report: Report) -> list[str]:
    """What the default router is worth, in sentences; without a router, the best expert."""
    if report.default is None:
        return [_reached(f"The best single expert, {best_single(report)},", report.baselines["best_single"], report)]
    sentences = [_reached(report.default, report.routers[report.default], report)]
    if found := report.differences.get(report.default, {}).get("best_single"):
        other = f"the best single expert, {best_single(report)}" if best_single(report) else "the best single expert"
        sentences.append(
            f"It is {VERDICTS[verdict(found)]} {other}: {numbers.signed(found.difference)} "
            f"(95 % interval {numbers.interval(found.ci95, '{:+.3f}')}, on the same {found.n} prompts)."
        )
    return sentences


def _reached(who: str, method: MethodReport, report: Report) -> str:
    """Over data sets; over prompts where it has nothing of one of them."""
    sets, macro = len(report.data.datasets), method.macro.quality is not None
    found = method.macro if macro else method.micro
    where = "on one data set" if sets == 1 else f"the mean over {sets} data sets" if macro else "the mean over prompts"
    within = f" (95 % interval {numbers.interval(found.ci95)}, n = {found.n})" if found.ci95 else ""
    return f"{who} reaches a {report.data.quality} of {numbers.thousandths(found.quality)}{within}, {where}."


def curves(report: Report) -> Table | None:
    """What sums up each cost-quality curve; None where there is no curve."""
    cells = {
        name: (
            Cell(numbers.thousandths(curve.aiq)),
            Cell(numbers.percent(curve.cost_save)),
            Cell(numbers.ABSENT if curve.perf_gain is None else numbers.signed(curve.perf_gain)),
            Cell(numbers.percent(curve.qnc)),
        )
        for name, curve in report.curves.items()
    }
    return _table(
        "The curves in numbers",
        ("AIQ", "CostSave", "PerfGain", "QNC"),
        report,
        cells,
        "AIQ: mean quality of the hull between the cheapest and the dearest expert. CostSave: share of the best single "
        "expert's cost that is saved at no less than its quality. PerfGain: best quality minus the best single "
        "expert's. QNC: least cost that matches the best single expert's quality, as a share of its cost.",
    )


def two_experts(report: Report) -> Table | None:
    """APGR, CPT and AUROC of each router; None unless there are two experts."""
    if report.two_experts is None:
        return None
    cells = {
        name: (
            Cell(numbers.thousandths(found.apgr)),
            Cell(numbers.percent(found.cpt50)),
            Cell(numbers.percent(found.cpt80)),
            Cell(numbers.thousandths(found.auroc)),
        )
        for name, found in report.two_experts.routers.items()
    }
    return _table(
        f"From {report.two_experts.weak} to {report.two_experts.strong} in numbers",
        ("APGR", "CPT(50 %)", "CPT(80 %)", "AUROC"),
        report,
        cells,
        "APGR: the share of the quality gap that is recovered, averaged over all shares of strong calls; chance is "
        "0.5. CPT: the share of strong calls at which half, or 80 %, of the gap is recovered. AUROC: how well the "
        "router tells where the weak expert is enough.",
    )


def training(report: Report) -> Table | None:
    """Prompts, time and the entropy of the labels of each router; None where nothing is known."""
    cells = {
        name: (
            Cell(numbers.whole(found.train)),
            Cell(numbers.whole(found.validation)),
            Cell(numbers.figures(found.seconds)),
            Cell(numbers.thousandths(found.label_entropy)),
            Cell(numbers.thousandths(found.label_entropy_maximum)),
        )
        for name, found in report.training.items()
    }
    return _table(
        "How the routers were made",
        ("Training prompts", "Validation prompts", "Time, s", "Label entropy, nats", "Its maximum, nats"),
        report,
        cells,
        "Entropy is that of the soft labels: near its maximum they hardly tell the experts apart, and there is "
        "nothing to learn.",
    )


def data(report: Report) -> list[tuple[str, str]]:
    """What was measured on, and what is needed to make the numbers again; name and value."""
    known = report.data
    sets = ", ".join(f"{name} ({n})" for name, n in known.datasets.items())
    found: list[tuple[str, str | None]] = [
        *_batch(report),
        ("Prompts", str(known.n)),
        ("Left out", f"{known.left_out}, repeated or in the training rows" if known.left_out else None),
        ("Data sets", sets),
        ("Quality", known.quality),
        ("Fingerprint", known.fingerprint),
        ("Of the training rows", known.train_fingerprint),
        ("Seed", str(known.seed)),
        ("Bootstrap resamples", str(known.resamples)),
        ("Commit", known.commit),
        ("Versions", ", ".join(f"{name} {version}" for name, version in known.versions.items()) or None),
    ]
    return [(name, value) for name, value in found if value is not None]


def _batch(report: Report) -> list[tuple[str, str | None]]:
    """Which batch, and what became of its lines."""
    batch = report.batch
    if batch is None:
        return []
    sampled = report.data.n < batch.answered
    return [
        ("Batch", batch.id),
        ("Lines with a reference", f"{batch.references}, of which {batch.answered} were answered"),
        ("Measured", f"{report.data.n} of these, by a hash of their ids: a fair sample" if sampled else None),
    ]


def _table(
    heading: str, columns: tuple[str, ...], report: Report, cells: Mapping[str, tuple[Cell, ...]], note: str
) -> Table | None:
    """A row for each method; None where there is none."""
    rows = tuple(Row(title(name, report), found, strong=name == report.default) for name, found in cells.items())
    return Table(heading, "Router", columns, (Group(rows),), note) if rows else None
