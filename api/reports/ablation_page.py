"""`ablation.html`: what `torouter ablate` found, as one page."""

from pathlib import Path

from api import output_files
from api.reports import layout, numbers
from api.reports.layout import Page, Plot, Section
from api.reports.plots import ablation, style
from api.reports.tables import Cell as TableCell
from api.reports.tables import Group, Row, Table
from router.ablation import AblationReport, Cell, Study

#: Measures of the temperature's plots: column, name, label of the axis.
MEASURES = (
    ("quality", "Quality", "Quality, mean over data sets"),
    ("cost_usd_per_mtok", "Cost", "Cost, US$ per 1M tokens"),
    ("throughput_tok_s", "Throughput", "Throughput, tokens/s of one answer"),
)
TITLES = {Study.LABELS: "Labels", Study.SIZE: "Training size", Study.DOMAINS: "Unknown data sets"}


def write(report: AblationReport, folder: Path) -> None:
    """`ablation.json` and the page beside it, `ablation.html`; the same report gives the same files."""
    output_files.write(folder / "ablation.json", report.to_json())
    output_files.write(folder / "ablation.html", page(report))


def page(report: AblationReport) -> str:
    """The page's HTML."""
    with style.styled():
        plots = {Study.LABELS: _temperatures(report), Study.SIZE: (_sizes(report),), Study.DOMAINS: (_domains(report),)}
        sections = [Section(TITLES[study], plots[study], (_table(report, study),)) for study in Study]
    trials = len(report.cells)
    headline = [f"{trials} trainings, each with one thing changed, measured on the same test prompts."]
    return layout.html(Page("What routers owe to their labels and data", headline, sections, _data(report)))


def _temperatures(report: AblationReport) -> tuple[Plot | None, ...]:
    caption = (
        "T · q sharpens the labels as T grows, q / T flattens them. Level lines: hard labels (dotted), "
        "and routers that learn no labels (dash-dotted)."
    )
    return tuple(
        Plot.of(ablation.temperature(report, measure, label), f"{name} against the temperature", caption)
        for measure, name, label in MEASURES
    )


def _sizes(report: AblationReport) -> Plot | None:
    caption = "Bands are 95 % bootstrap intervals. Each training set holds the smaller ones."
    return Plot.of(ablation.sizes(report), "Quality against the number of training prompts", caption)


def _domains(report: AblationReport) -> Plot | None:
    caption = "Each data set, routed by a router that has seen others of its prompts and by one that has seen none."
    return Plot.of(ablation.domains(report), "Quality with and without the data set in training", caption)


def _table(report: AblationReport, study: Study) -> Table | None:
    cells = [cell for cell in report.cells if cell.study is study]
    if not cells:
        return None
    groups = tuple(
        Group(tuple(_row(cell) for cell in cells if cell.router == router), router)
        for router in dict.fromkeys(cell.router for cell in cells)
    )
    columns = (report.quality, "NLL", "US$ per 1M tokens", "tokens/s", "label entropy, nats", "trained on")
    return Table(f"{TITLES[study]}, in numbers", "setting", columns, groups)


def _row(cell: Cell) -> Row:
    value = f" {cell.value:g}" if cell.value is not None and cell.study is Study.LABELS else ""
    name = f"{cell.dataset}, {cell.setting}" if cell.dataset else f"{cell.setting}{value}"
    result = cell.result
    return Row(
        name,
        (
            TableCell(numbers.thousandths(result.quality), numbers.interval(result.ci95)),
            *(
                TableCell(numbers.figures(one))
                for one in (result.nll, result.cost_usd_per_mtok, result.throughput_tok_s)
            ),
            TableCell(numbers.thousandths(cell.label_entropy)),
            TableCell(numbers.whole(cell.prompts)),
        ),
    )


def _data(report: AblationReport) -> list[tuple[str, str]]:
    return [
        ("Quality", report.quality),
        ("Seed", str(report.seed)),
        ("Training outcomes", report.train),
        ("Test outcomes", report.test),
        ("Commit", report.commit or numbers.ABSENT),
        ("Versions", ", ".join(f"{name} {version}" for name, version in report.versions.items())),
    ]
