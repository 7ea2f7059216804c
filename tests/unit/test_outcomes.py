"""Outcomes files and matrices."""

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import InvalidInputError
from core.schemas.outcomes import OutcomeRow
from router.outcomes import columns_of, experts_of, fingerprint, quality_matrix, read_outcomes, write_outcomes
from tests.router_factories import row


@pytest.fixture
def rows():
    return [
        row("one\u2028line\u0085still", a={"bertsim": 0.5, "cost": 0.1}, b={"bertsim": 0.6}),
        row("another", a={"score": 1.0}),
    ]


def test_rows_come_back_as_written_with_line_separators_inside_prompts(tmp_path: Path, rows: list[OutcomeRow]):
    written = write_outcomes(tmp_path / "outcomes.jsonl", rows)

    assert written == 2
    assert read_outcomes([tmp_path / "outcomes.jsonl"]) == rows


def test_line_separators_that_stand_raw_in_a_file_end_no_line(tmp_path: Path):
    line = {"id": "1", "prompt": "one\u2028two\u0085three", "outcomes": {"a": {"score": 1}}}
    (tmp_path / "raw.jsonl").write_text(json.dumps(line, ensure_ascii=False) + "\n\n", encoding="utf-8")

    assert read_outcomes([tmp_path / "raw.jsonl"])[0].prompt == "one\u2028two\u0085three"


def test_several_files_are_read_in_order(tmp_path: Path, rows: list[OutcomeRow]):
    for name, one in zip("ab", rows, strict=True):
        write_outcomes(tmp_path / name, [one])

    assert read_outcomes([tmp_path / "b", tmp_path / "a"]) == rows[::-1]


def test_what_is_absent_is_left_out_of_the_file(tmp_path: Path, rows: list[OutcomeRow]):
    write_outcomes(tmp_path / "outcomes.jsonl", rows)

    assert "null" not in (tmp_path / "outcomes.jsonl").read_text()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"bad.jsonl, line 2: the line: Invalid JSON"),
        ('{"id": "1", "outcomes": {}}', r"bad.jsonl, line 2: prompt: Field required; want"),
        (
            '{"id": "1", "prompt": "p", "outcomes": {"a": {"score": 2}}}',
            r"line 2: outcomes.a.score: .* less than or equal",
        ),
    ],
)
def test_a_bad_line_is_refused_with_file_line_and_cure(tmp_path: Path, line: str, message: str):
    good = '{"id": "0", "prompt": "p", "outcomes": {}}'
    (tmp_path / "bad.jsonl").write_text(f"{good}\n{line}\n")

    with pytest.raises(InvalidInputError, match=message):
        read_outcomes([tmp_path / "bad.jsonl"])


def test_a_file_that_is_missing_empty_or_no_text_is_refused(tmp_path: Path):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")

    for name, message in (("missing", "No such file"), ("empty", "no outcomes in it"), ("binary", "UTF-8")):
        with pytest.raises(InvalidInputError, match=message):
            read_outcomes([tmp_path / name])


def test_the_fingerprint_ignores_order_and_notices_content(rows: list[OutcomeRow]):
    assert fingerprint(rows) == fingerprint(rows[::-1])
    assert fingerprint(rows) != fingerprint(rows[:1])
    assert fingerprint([row(a=0.5)]) != fingerprint([row(a=0.6)])


def test_experts_and_columns_are_what_the_rows_name(rows: list[OutcomeRow]):
    assert experts_of(rows) == ("a", "b")
    assert columns_of(rows) == ("bertsim", "cost", "score")


def test_an_absent_quality_is_nan_and_never_zero(rows: list[OutcomeRow]):
    values = quality_matrix(rows, ["b", "a"])

    assert np.array_equal(values, [[0.6, 0.5], [np.nan, np.nan]], equal_nan=True)


def test_any_numeric_column_can_be_the_quality():
    assert quality_matrix([row(a={"exact": 0.25})], ["a"], "exact").tolist() == [[0.25]]


def test_a_value_outside_zero_to_one_is_no_quality():
    with pytest.raises(InvalidInputError, match=r"1 values of 'cost' are outside 0..1, the first 3 of 'a'"):
        quality_matrix([row(a={"cost": 3})], ["a"], "cost")


def test_a_value_that_is_not_finite_is_absent():
    assert np.isnan(quality_matrix([row(a=float("nan"))], ["a"])).all()
