"""`report.html`: one file that needs no other, and shows what the report holds and nothing else."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from api.reports.numbers import ABSENT, figures
from api.reports.page import page, write
from router.reports import Report
from tests import report_factories as factories

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Seen(HTMLParser):
    """What a page is made of. A tag that closes another than the last opened one fails."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(" ".join(data.split()))


def read(report: Report) -> Seen:
    seen = Seen()
    seen.feed(page(report))
    seen.close()
    assert seen.open == []
    return seen


def text(report: Report) -> str:
    return " ".join(word for word in read(report).words if word)


def headings(report: Report) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", page(report))


def test_the_page_is_one_file_without_scripts_and_without_anything_from_elsewhere():
    seen = read(factories.full())

    assert not {"script", "link", "img", "iframe", "object", "foreignobject"} & set(seen.tags)
    fetched = [value for name, value in seen.attributes if name in {"src", "href", "xlink:href", "srcset", "data"}]
    assert [value for value in fetched if not value.startswith("#")] == []
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert "url(h" not in page(factories.full())
    assert "@import" not in page(factories.full())


def test_what_the_plots_refer_to_is_there_once():
    seen = read(factories.full())

    identities = [value for name, value in seen.attributes if name == "id"]
    wanted = {value[1:] for name, value in seen.attributes if name == "href"}
    wanted |= {found for _, value in seen.attributes for found in re.findall(r"url\(#([^)]+)\)", value)}
    assert len(identities) == len(set(identities))
    assert wanted
    assert wanted <= set(identities)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["<b>bold</b>", "</svg><script>alert(1)</script>", "$x^{", '" onload="x', "数学 & 🧮"])
def test_a_name_is_text_whatever_it_holds(name: str):
    named = factories.report(
        routers={name: factories.method(0.7, dataset=name, small=5)},
        default=name,
        differences={},
        experts={name: factories.summary(0.6, cost_usd=1e-6), "small": factories.summary(0.5, cost_usd=2e-6)},
        data=factories.report().data.model_dump() | {"datasets": {name: 5}, "quality": name},
    )

    seen = read(named)

    assert not {"b", "script"} & set(seen.tags)
    assert not [attribute for attribute, _ in seen.attributes if attribute.startswith("on")]
    assert name in seen.words


def test_sections_stand_there_only_with_something_to_show():
    assert headings(factories.report()) == ["Quality", "Who answers", "Data, and how to make these numbers again"]
    assert headings(factories.full()) == [
        "Quality",
        "Who answers",
        "What it costs",
        "What more money buys",
        "A weak and a strong expert",
        "The routers themselves",
        "Data, and how to make these numbers again",
    ]


def test_there_is_a_plot_for_each_thing_that_was_measured():
    assert read(factories.report()).tags.count("svg") == 1
    assert read(factories.full()).tags.count("svg") == 6


def test_a_measure_that_nobody_has_has_no_column():
    assert "NLL" not in text(factories.report())
    assert "tokens/s" not in text(factories.report())
    assert "NLL" in text(factories.full())


def test_the_numbers_are_the_reports():
    shown = text(factories.full())

    for number in ("0.710 0.660 to 0.760", "1.23", "0.456", "78.9", "321", "0.654", "32.1 %", "0.567", "801", "0.678"):
        assert number in shown
    for known in ("sha256:abcdef", "maths (5)", "numpy 2.0.0", "0123abc"):
        assert known in shown


def test_what_one_method_lacks_and_another_has_is_a_dash():
    shown = page(factories.full())

    zero = shown[shown.index("Zero (mean)</th>") :]
    assert zero[: zero.index("</tr>")].count(f"<td>{ABSENT}</td>") == 4


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.02, 0.1, "better than"), (-0.1, -0.02, "worse than"), (-0.02, 0.1, "not told apart from")],
)
def test_the_headline_says_what_the_interval_says(low: float, high: float, said: str):
    found = factories.report(differences={"ours": {"best_single": factories.difference(0.01, low, high)}})

    assert f"It is {said} the best single expert, large: +0.010" in text(found)


def test_the_headline_compares_nothing_that_was_not_compared():
    shown = text(factories.report(differences={}))

    assert "ours reaches a bertsim of 0.710 (95 % interval 0.660 to 0.760, n = 5), on one data set." in shown
    assert "It is" not in shown
    assert "Paired differences" not in shown


def test_the_same_report_gives_the_same_file(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(factories.full(), tmp_path / name)

    for file in ("report.html", "report.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_two_experts_show_what_strong_calls_take_where_it_is_known():
    with_it, without_it = page(factories.full()), page(factories.full(spent=False))

    assert "Gap recovered by a share of strong calls, and what it takes" in with_it
    assert "Inference, s per prompt" in with_it
    assert "Gap recovered by a share of strong calls" in without_it
    assert "and what it takes" not in without_it
    assert "Inference, s per prompt" not in without_it


def test_many_routers_experts_and_data_sets_with_long_names_fit():
    names = [f"a quite long name of something, number {i}" for i in range(15)]
    sets = {name: factories.summary(0.5) for name in names[:14]}
    routed = factories.method(0.6, cost_usd=1e-6) | {"datasets": sets, "shares": dict.fromkeys(names, 1 / 15)}
    crowd = factories.report(
        routers=dict.fromkeys(names[:12], routed),
        default=names[0],
        differences={},
        experts={name: factories.summary(0.6, cost_usd=1e-6) for name in names},
        data=factories.report().data.model_dump() | {"datasets": dict.fromkeys(sets, 5)},
    )

    assert read(crowd).tags.count("svg") == 3


@pytest.mark.parametrize(
    ("value", "written"), [(0.09996, "0.100"), (1.234, "1.23"), (0.0000123, "0.0000123"), (12345, "12300"), (0, "0")]
)
def test_a_number_has_three_figures_and_no_exponent(value: float, written: str):
    assert figures(value) == written


def routed_only(**fields: Any) -> Report:
    """A report of prompts that only the chosen expert answered."""
    answered = {"small": factories.summary(0.8) | {"n": 3}, "large": factories.summary(0.6) | {"n": 2}}
    return factories.report(
        routers={"ours": factories.method(0.71, small=3, large=2, cost_usd=2e-6)},
        baselines={},
        differences={"ours": {}},
        experts=answered,
        batch={"id": "batch_1", "references": 8, "answered": 6, "unanswered": {"large": 2}},
        notes=["Only <what> was chosen."],
        **fields,
    )


def test_without_baselines_the_page_compares_nothing():
    shown = text(routed_only())

    assert "ours reaches a bertsim of 0.710" in shown
    assert "Each expert, on what it answered" in shown
    assert "Each has answered other prompts, as many as n says" in shown
    for absent in ("Best single", "Zero", "Random", "Baselines", "Paired differences", "beat", "baselines' means"):
        assert absent not in shown
    assert headings(routed_only())[:2] == ["Quality", "Who answers"]


def test_a_batch_shows_what_was_asked_and_not_answered():
    shown = page(routed_only())

    assert "<dt>Batch</dt><dd>batch_1</dd>" in shown
    assert "8, of which 6 were answered" in shown
    assert "5 of these, by a hash of their ids: a fair sample" in shown
    assert '<p class="note">Only &lt;what&gt; was chosen.</p>' in shown
    large = shown[shown.index(">large</th>") :]
    assert re.findall(r"<td>(\d+)</td>", large[: large.index("</tr>")]) == ["2", "2", "2"]  # n, not answered, sent


def test_without_a_router_the_page_is_about_the_experts():
    found = factories.full().model_dump(exclude={"routers", "default", "differences", "speed", "training", "curves"})
    best = factories.method(0.65, large=5)
    experts = Report.model_validate(found | {"routers": {}, "baselines": {"best_single": best}, "two_experts": None})

    shown = text(experts)

    assert "Routing report: every expert" in shown
    assert "The best single expert, large, reaches a bertsim of 0.650" in shown
    assert "What a router has to beat" in shown
    assert "There is no router; lines through a data set are the baselines' means." in shown
    assert "Prompts sent by" not in shown


def test_the_headline_is_over_prompts_where_a_data_set_has_nothing():
    known = factories.method(0.71)
    lacking = known | {"macro": {"n": 5}, "datasets": {"maths": known["micro"], "law": {"n": 0}}}
    data = factories.report().data.model_dump() | {"datasets": {"maths": 5, "law": 2}}

    shown = text(factories.report(routers={"ours": lacking}, data=data, differences={}))

    assert "ours reaches a bertsim of 0.710 (95 % interval 0.660 to 0.760, n = 5), the mean over prompts." in shown
