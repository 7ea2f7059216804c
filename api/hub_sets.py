"""The paper's data sets from the Hugging Face hub through `datasets`, as the very texts that files of them have.

Not run against the hub where this was written, which has no way there: the names and columns are those of the data
sets' cards, and tests run the conversions on made-up rows. The ids and their order are those of the files too, so
that the same seed takes the same rows. One difference: the hub tells PubMedQA's training rows from its test rows
nowhere, so that its only split, `train`, has all 1,000.
"""

from collections.abc import Callable
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, Final

from api.prompt_sets import Row
from core.errors import ConfigError, InvalidInputError

#: A row of the hub's: its columns by name.
Raw = dict[str, Any]  # Any: text, numbers and lists of them


@dataclass(frozen=True)
class Source:
    """Where a data set is on the hub, and how its n-th row of a split becomes ours."""

    path: str
    config: str
    splits: tuple[str, ...]
    convert: Callable[[str, int, Raw], Row]


def load(name: str, split: str) -> list[Row]:
    """Rows of a split as the hub has them; ConfigError where `datasets` or the hub is missing."""
    source = SOURCES[name]
    if split not in source.splits:
        raise InvalidInputError(f"{name} has no split {split!r} on the hub: it has {', '.join(source.splits)}")
    try:
        return [source.convert(split, index, raw) for index, raw in enumerate(_fetched(source, split))]
    except KeyError as error:
        raise InvalidInputError(f"{source.path}: a row has no column {error}: the hub's format has changed") from error


def _fetched(source: Source, split: str) -> Any:  # Any: datasets.Dataset, iterable over rows
    try:
        from datasets import exceptions, load_dataset  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise ConfigError(
            "no data sets: set TOROUTER_DATA to a folder with their files in prompts/, or install the extra that gets "
            "them from the Hugging Face hub: pip install 'torouter[datasets]'"
        ) from error
    try:
        return load_dataset(source.path, source.config, split=split)
    except (OSError, ValueError, exceptions.DatasetsError) as error:
        raise ConfigError(
            f"{source.path} ({source.config}, {split}) can't be had from the hub: {error}; "
            "or set TOROUTER_DATA to a folder with its files in prompts/"
        ) from error


def arc(dataset: str) -> Callable[[str, int, Raw], Row]:
    """The question and its choices, a line each, lettered whatever the source calls them (some rows have numbers)."""

    def convert(split: str, index: int, raw: Raw) -> Row:
        texts = [str(text).strip() for text in raw["choices"]["text"]]
        choices = [f"{letter}. {text}" for letter, text in zip(ascii_uppercase, texts, strict=False)]
        return Row(
            id=f"{dataset}-{split}-{index:04d}",
            dataset=dataset,
            split=split,
            prompt="\n".join([str(raw["question"]).strip(), *choices]),
            reference=choices[list(raw["choices"]["label"]).index(raw["answerKey"])],
        )

    return convert


def gsm8k(split: str, index: int, raw: Raw) -> Row:
    """The question; the worked answer with its `####` line."""
    return Row(
        id=f"gsm8k-{split}-{index:05d}",
        dataset="gsm8k",
        split=split,
        prompt=raw["question"].strip(),
        reference=raw["answer"].strip(),
    )


def mbpp(split: str, _index: int, raw: Raw) -> Row:
    """The task and its tests; the code, whose white space is left as it is."""
    return Row(
        id=f"mbpp-{raw['task_id']:04d}",
        dataset="mbpp",
        split=split,
        prompt=f"{raw['text']} Your code should pass these tests:\n\n" + "\n".join(raw["test_list"]),
        reference=raw["code"],
    )


def pubmedqa(split: str, _index: int, raw: Raw) -> Row:
    """The question alone; the conclusion and the decision."""
    return Row(
        id=f"pubmedqa-{raw['pubid']}",
        dataset="pubmedqa",
        split=split,
        prompt=raw["question"].strip(),
        reference=f"{raw['long_answer'].strip()} Final decision: {raw['final_decision']}",
    )


_ARC: Final = ("train", "validation", "test")

SOURCES: Final = {
    "arc_challenge": Source("allenai/ai2_arc", "ARC-Challenge", _ARC, arc("arc_challenge")),
    "arc_easy": Source("allenai/ai2_arc", "ARC-Easy", _ARC, arc("arc_easy")),
    "gsm8k": Source("openai/gsm8k", "main", ("train", "test"), gsm8k),
    "mbpp": Source("google-research-datasets/mbpp", "full", ("train", "validation", "test"), mbpp),
    "pubmedqa": Source("qiaojin/PubMedQA", "pqa_labeled", ("train",), pubmedqa),
}
