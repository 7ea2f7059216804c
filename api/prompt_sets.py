"""The paper's data sets (Ai2-ARC, GSM8K, MBPP, PubMedQA) as prompts with references, and which of their rows to take.

The rows come from files where TOROUTER_DATA names a folder of them, and by name from the Hugging Face hub otherwise.
Which rows are taken depends on their ids and the seed alone: the same question gets the same rows for good.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from api.prompt_files import PromptLine, read_as
from core.errors import InvalidInputError
from core.schemas.conversation import CleanText
from router.hashing import uniform

#: Names, and how the files of each begin; PubMedQA is asked without its abstract, as the paper does.
FILES: Final = {
    "arc_challenge": "arc_challenge",
    "arc_easy": "arc_easy",
    "gsm8k": "gsm8k",
    "mbpp": "mbpp",
    "pubmedqa": "pubmedqa_questiononly",
}
NAMES: Final = tuple(FILES)


class Row(PromptLine):
    """A prompt of a data set; the split is what its source calls it."""

    id: CleanText
    dataset: CleanText
    prompt: CleanText
    split: str

    def to_json(self) -> str:
        """The line of a prompts file."""
        fields = {"id": self.id, "dataset": self.dataset, "prompt": self.prompt, "reference": self.reference}
        return json.dumps({name: value for name, value in fields.items() if value is not None}, ensure_ascii=False)


def load(name: str, splits: Sequence[str], data: Path | None) -> list[Row]:
    """Rows of a data set's splits, from `data` or else from the hub; InvalidInputError says what there is instead."""
    if name not in FILES:
        raise InvalidInputError(f"there is no data set {name!r}: known are {', '.join(NAMES)}")
    if data is not None:
        return _from_files(name, splits, data / "prompts")
    from api import hub_sets  # noqa: PLC0415  # an extra, and only for those who have no files

    return [row for split in splits for row in hub_sets.load(name, split)]


def pick(rows: Iterable[Row], without: Collection[str], count: int | None, seed: int) -> list[Row]:
    """The first `count` rows (all without it), in an order drawn for each id, that are not among the ids `without`."""
    left = {row.id: row for row in rows if row.id not in without}
    return sorted(left.values(), key=lambda row: uniform(str(seed), row.id))[:count]


def read_ids(path: Path) -> frozenset[str]:
    """The ids of a JSON list; InvalidInputError names the file."""
    try:
        ids = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"--without {path}: can't be read as JSON: {error}") from error
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise InvalidInputError(f'--without {path}: want a JSON list of ids, such as ["gsm8k-train-00001", …]')
    return frozenset(ids)


def _from_files(name: str, splits: Sequence[str], folder: Path) -> list[Row]:
    """What a file is called does not matter beyond its beginning: each row says which split it is of."""
    pattern = f"{FILES[name]}_*.jsonl"
    files = sorted(folder.glob(pattern))
    if not files:
        raise InvalidInputError(f"{folder / pattern}: there is no such file: is TOROUTER_DATA={folder.parent} right?")
    known: set[str] = set()
    rows: list[Row] = []
    for row in _rows(files):
        known.add(row.split)
        if row.split in splits:
            rows.append(row)
    for split in splits:
        if split not in known:
            names, there = ", ".join(file.name for file in files), ", ".join(sorted(known))
            raise InvalidInputError(f"{name} has no split {split!r} in {folder} ({names}): it has {there}")
    return rows


def _rows(files: Iterable[Path]) -> Iterator[Row]:
    for file in files:
        yield from read_as(Row, file)
