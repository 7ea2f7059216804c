"""The tables of a page: text in cells, laid out by nobody yet."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from api.reports import numbers
from api.reports.titles import title
from router.reports import Difference, ExpertSummary, Interval, MethodReport, Report, Summary


@dataclass(frozen=True)
class Cell:
    """A value, and under it in small what belongs to it: its interval. `kind` colours it (better, same, worse)."""

    text: str
    detail: str | None = None
    kind: str | None = None


@dataclass(frozen=True)
class Row:
    """One line; `strong` marks the one that the page is about."""

    name: str
    cells: tuple[Cell, ...]
    note: str | None = None
    strong: bool = False


@dataclass(frozen=True)
class Group:
    """Rows under a heading of their own, or under none."""

    rows: tuple[Row, ...]
    title: str | None = None


@dataclass(frozen=True)
class Table:
    """`columns` name the cells; `corner` says what the rows are."""

    title: str
    corner: str
    columns: tuple[str, ...]
    groups: tuple[Group, ...]
    note: str | None = None


@dataclass(frozen=True)
class Column:
    """One measure of a summary. `times` turns its unit into the heading's."""

    measure: str
    heading: str
    form: Callable[[float | None], str] = numbers.figures
    times: float = 1

    def cell(self, summary: Summary) -> Cell:
        """The mean with its interval, or a dash."""
        value: float | None = getattr(summary, self.measure)
        if value is None:
            return Cell(numbers.ABSENT)
        bounds = summary.ci95_of.get(self.measure)
        return Cell(self.form(value * self.times), self._bounds(bounds) if bounds else None)

    def _bounds(self, bounds: Interval) -> str:
        return " to ".join(self.form(bound * self.times) for bound in bounds)


#: Of every summary, beside quality; those that no row has are left out.
COLUMNS = (
    Column("nll", "NLL"),
    Column("cost_usd_per_mtok", "Cost, US$ per 1M tokens"),
    Column("cost_usd", "Cost, US$ per 1,000 prompts", times=1000),
    Column("throughput_tok_s", "Throughput, tokens/s"),
    Column("latency_s", "Time, s per answer"),
    Column("output_tokens", "Output tokens", numbers.whole),
    Column("truncated", "Cut off", numbers.percent),
)


#: Of experts that were chosen for what they answered.
APART = "Each has answered other prompts, as many as n says, so these numbers do not tell who is better."


def methods(report: Report) -> Table:
    """Routers, baselines and controls with every measure that any of them has."""
    found = {"Routers": report.routers, "Baselines": report.baselines, "Controls": report.controls}
    every = [method for group in found.values() for method in group.values()]
    columns = _known([method.micro for method in every])
    distances = any(method.shares_to_oracle is not None for method in every)

    def row(name: str, method: MethodReport) -> Row:
        cells = [_quality(method.macro), _quality(method.micro), *(column.cell(method.micro) for column in columns)]
        if distances:
            cells.append(Cell(numbers.thousandths(method.shares_to_oracle)))
        cells.append(Cell(numbers.whole(method.n)))
        return Row(title(name, report), tuple(cells), method.note, strong=name == report.default)

    quality = f"Quality ({report.data.quality})"
    heading = "Routers beside what they have to beat" if report.routers else "What a router has to beat"
    headings = [f"{quality}, macro", f"{quality}, micro", *(column.heading for column in columns)]
    headings += [*(["Distance to the oracle's shares"] if distances else []), "n"]
    return Table(
        title=heading if report.baselines else "What was measured",
        corner="Way of routing",
        columns=tuple(headings),
        groups=_groups({name: [row(*item) for item in group.items()] for name, group in found.items()}),
        note="Macro is the unweighted mean over data sets; all else are means over prompts (micro). "
        "Under a mean stands its 95 % interval, and n is the number of prompts with a quality.",
    )


def experts(report: Report) -> Table:
    """Every expert on all prompts, or on its own, and how many of them each router sent it."""
    columns = _known(report.experts.values())

    def row(name: str, summary: ExpertSummary) -> Row:
        counts = [summary.n, *([report.batch.unanswered.get(name, 0)] if report.batch else [])]
        counts += [method.queries.get(name, 0) for method in report.routers.values()]
        cells = [Cell(numbers.thousandths(summary.macro_quality)), _quality(summary)]
        return Row(name, (*cells, *(Cell(str(one)) for one in counts), *(column.cell(summary) for column in columns)))

    quality = f"Quality ({report.data.quality})"
    counted = ["n", *(["Not answered"] if report.batch else [])]
    counted += [f"Prompts sent by {name}" for name in report.routers]
    return Table(
        title="Each expert alone, on the same prompts" if report.baselines else "Each expert, on what it answered",
        corner="Expert",
        columns=(f"{quality}, macro", f"{quality}, micro", *counted, *(column.heading for column in columns)),
        groups=(Group(tuple(row(*item) for item in report.experts.items())),),
        note=None if report.baselines or len(report.experts) == 1 else APART,
    )


def differences(report: Report) -> Table | None:
    """Each router minus each baseline and control, on the prompts that both answered; None without any."""
    against = list(dict.fromkeys(name for others in report.differences.values() for name in others))
    if not against:
        return None
    rows = [
        Row(name, tuple(_difference(others.get(other), report) for other in against), strong=name == report.default)
        for name, others in report.differences.items()
    ]
    return Table(
        title="Paired differences of macro quality",
        corner="Router minus …",
        columns=tuple(title(name, report) for name in against),
        groups=(Group(tuple(rows)),),
        note="Bootstrap over the same prompts, with its 95 % interval. Where the interval holds 0, the two are not "
        "told apart.",
    )


def verdict(found: Difference) -> str:
    """better, worse, or same where the interval holds 0."""
    low, high = found.ci95
    return "better" if low > 0 else "worse" if high < 0 else "same"


def _difference(found: Difference | None, report: Report) -> Cell:
    if found is None:
        return Cell(numbers.ABSENT)
    fewer = f", n = {found.n}" if found.n != report.data.n else ""
    return Cell(numbers.signed(found.difference), f"{numbers.interval(found.ci95, '{:+.3f}')}{fewer}", verdict(found))


def _quality(summary: Summary) -> Cell:
    return Cell(numbers.thousandths(summary.quality), numbers.interval(summary.ci95))


def _known(summaries: Iterable[Summary]) -> list[Column]:
    every = list(summaries)
    return [column for column in COLUMNS if any(getattr(one, column.measure) is not None for one in every)]


def _groups(rows: Mapping[str, list[Row]]) -> tuple[Group, ...]:
    return tuple(Group(tuple(found), name) for name, found in rows.items() if found)
