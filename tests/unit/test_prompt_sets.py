"""The paper's data sets as prompts: which rows are taken, and what the hub's rows become."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from api import hub_sets, prompt_sets
from api.prompt_sets import Row
from core.errors import ConfigError, InvalidInputError
from tests.data import DATA, needs

#: Those that keep what they were made of.
NAMES = ("arc_challenge_train", "arc_challenge_validation", "arc_easy_train", "mbpp_extra", "mbpp_train")
FILES = [DATA / "prompts" / f"{name}.jsonl" for name in (*NAMES, "mbpp_validation")]


def rows(count: int) -> list[Row]:
    return [
        Row(id=f"gsm8k-train-{i:05d}", dataset="gsm8k", prompt=f"question {i}", split="train") for i in range(count)
    ]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of made-up files: MBPP in two files, of which one has a name that is no split's."""
    (tmp_path / "prompts").mkdir()
    for name, split in (("mbpp_train", "train"), ("mbpp_extra", "test")):
        line = {"id": f"mbpp-{split}", "dataset": "mbpp", "split": split, "prompt": "a\u2028b", "reference": "c\n "}
        (tmp_path / "prompts" / f"{name}.jsonl").write_text(json.dumps(line, ensure_ascii=False) + "\n")
    return tmp_path


def test_which_rows_are_picked_depends_on_ids_and_seed_alone():
    picked = [row.id for row in prompt_sets.pick(rows(9), (), 4, seed=0)]

    assert picked == [f"gsm8k-train-0000{i}" for i in (8, 5, 3, 6)]
    assert [row.id for row in prompt_sets.pick(rows(9)[::-1], (), 4, seed=0)] == picked
    assert [row.id for row in prompt_sets.pick(rows(9), (), 4, seed=1)] != picked


def test_more_rows_begin_with_the_fewer_and_those_left_out_move_nobody():
    all_of_them = prompt_sets.pick(rows(30), (), None, seed=0)

    assert prompt_sets.pick(rows(30), (), 10, seed=0) == all_of_them[:10]
    assert prompt_sets.pick(rows(30), {all_of_them[0].id}, 10, seed=0) == all_of_them[1:11]


def test_rows_are_of_the_split_that_they_name(data: Path):
    (row,) = prompt_sets.load("mbpp", ["test"], data)

    assert json.loads(row.to_json()) == {
        "id": "mbpp-test",
        "dataset": "mbpp",
        "prompt": "a\u2028b",
        "reference": "c\n ",
    }
    assert {row.split for row in prompt_sets.load("mbpp", ["train", "test"], data)} == {"train", "test"}


@pytest.mark.parametrize(
    ("name", "split", "says"),
    [
        ("mmlu", "train", "no data set 'mmlu': known are arc_challenge, arc_easy, gsm8k, mbpp, pubmedqa"),
        ("mbpp", "validation", r"no split 'validation' in .*mbpp_extra.jsonl, mbpp_train.jsonl\): it has test, train"),
        ("gsm8k", "train", r"gsm8k_\*.jsonl: there is no such file: is TOROUTER_DATA=.* right"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(data: Path, name: str, split: str, says: str):
    with pytest.raises(InvalidInputError, match=says):
        prompt_sets.load(name, [split], data)


@pytest.mark.parametrize("content", ["{", '{"ids": []}', "[1]"])
def test_ids_that_are_no_list_are_refused_by_file(tmp_path: Path, content: str):
    (tmp_path / "ids.json").write_text(content)

    with pytest.raises(InvalidInputError, match=r"--without .*ids\.json: "):
        prompt_sets.read_ids(tmp_path / "ids.json")


def test_without_files_and_without_the_library_both_cures_are_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "datasets", None)

    with pytest.raises(ConfigError, match=r"set TOROUTER_DATA .* pip install 'torouter\[datasets\]'"):
        prompt_sets.load("gsm8k", ["train"], None)


def test_without_files_the_hub_is_asked_and_its_absence_told(monkeypatch: pytest.MonkeyPatch):
    def away(path: str, config: str, *, split: str) -> None:
        raise ConnectionError(f"{path}/{config}/{split}")

    exceptions = SimpleNamespace(DatasetsError=RuntimeError)
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=away, exceptions=exceptions))

    with pytest.raises(ConfigError, match="can't be had from the hub: allenai/ai2_arc/ARC-Easy/test; or set TOROUTER"):
        prompt_sets.load("arc_easy", ["test"], None)
    with pytest.raises(InvalidInputError, match="no split 'test' on the hub: it has train"):
        prompt_sets.load("pubmedqa", ["test"], None)


def test_rows_of_the_hub_that_have_other_columns_are_refused(monkeypatch: pytest.MonkeyPatch):
    found = SimpleNamespace(load_dataset=lambda *_, **__: [{"q": "a"}], exceptions=SimpleNamespace())
    monkeypatch.setitem(sys.modules, "datasets", found)

    with pytest.raises(InvalidInputError, match="openai/gsm8k: a row has no column 'question'"):
        prompt_sets.load("gsm8k", ["train"], None)


def test_choices_are_lettered_whatever_the_hub_calls_them():
    raw = {
        "question": "Which is wet? ",
        "choices": {"text": ["sand", "water", "air"], "label": ["1", "2", "3"]},
        "answerKey": "2",
    }

    row = hub_sets.arc("arc_easy")("train", 7, raw)

    assert (row.id, row.dataset) == ("arc_easy-train-0007", "arc_easy")
    assert row.prompt == "Which is wet?\nA. sand\nB. water\nC. air"
    assert row.reference == "B. water"


def test_a_worked_answer_keeps_its_last_line():
    row = hub_sets.gsm8k("train", 12, {"question": "Two and two?", "answer": "2+2=<<2+2=4>>4\n#### 4"})

    assert (row.id, row.prompt, row.reference) == ("gsm8k-train-00012", "Two and two?", "2+2=<<2+2=4>>4\n#### 4")


def test_a_task_is_followed_by_its_tests():
    raw = {"task_id": 7, "text": "Write f.", "test_list": ["assert f(1)", "assert f(2)"], "code": "def f(x):\r\n  1 "}

    row = hub_sets.mbpp("test", 0, raw)

    assert row.id == "mbpp-0007"
    assert row.prompt == "Write f. Your code should pass these tests:\n\nassert f(1)\nassert f(2)"
    assert row.reference == "def f(x):\r\n  1 "


def test_a_conclusion_is_followed_by_its_decision():
    raw = {"pubid": 123, "question": "Is it?", "long_answer": "It seems so.", "final_decision": "maybe"}

    row = hub_sets.pubmedqa("train", 0, raw)

    assert (row.id, row.prompt, row.reference) == ("pubmedqa-123", "Is it?", "It seems so. Final decision: maybe")


@needs(*FILES)
def test_converted_rows_are_those_of_the_files():
    for path in FILES:
        counts: dict[str, int] = {}
        with path.open(encoding="utf-8", newline="\n") as lines:
            for given in map(json.loads, lines):
                index = counts[given["split"]] = counts.get(given["split"], -1) + 1
                row = hub_sets.SOURCES[given["dataset"]].convert(given["split"], index, as_on_the_hub(given))
                assert row == Row.model_validate(given)


def as_on_the_hub(given: dict[str, object]) -> dict[str, object]:
    """ARC's and MBPP's files keep what they were made of."""
    meta = given["meta"]
    assert isinstance(meta, dict)
    if given["dataset"] == "mbpp":
        return {**meta, "code": given["reference"]}
    labels = list("ABCDE"[: len(meta["choices"])])
    choices = {"text": meta["choices"], "label": labels}
    return {"question": meta["stem"], "choices": choices, "answerKey": meta["answer_key"]}
