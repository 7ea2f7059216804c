"""What the methods of a report are called wherever it is shown."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.reports import Report

#: Of baselines and controls; routers and experts have names of their own.
TITLES = {
    "zero": "Zero (mean)",
    "random": "Random",
    "optimal": "Optimal",
    "quality_oracle": "Best per prompt",
    "dataset_oracle": "Best per data set",
    "utility_oracle": "Best per prompt and price",
    "experts": "Mixing single experts",  # the curve of nobody who looks at prompts
    "shuffled_shares": "Control: shares dealt",
    "shuffled_labels": "Control: labels mixed",
    "unreadable": "Control: no text",
}


def title(name: str, report: "Report") -> str:
    """Of a router, baseline or control; a router's is its name."""
    if name in report.routers:
        return name
    if name == "best_single":
        return f"Best single: {best_single(report) or '?'}"
    return TITLES.get(name, name)


def best_single(report: "Report") -> str | None:
    """The expert behind the baseline of that name, where the report says it."""
    method = report.baselines.get("best_single")
    return max(method.queries, key=method.queries.__getitem__) if method and method.queries else None
