"""Text to tokens to batches: truncation, and length-sorted batches cut by their padded size. Knows no model."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from router.device import Placement
from router.predictions import IntArray

#: Characters looked at per token kept. English has 4 to 5 a token; more only costs time on very long prompts.
_CHARACTERS_PER_TOKEN: Final = 24

#: The tokens of each text (b, t) and its mask (b, t), to one row per text (b, …).
Forward = Callable[[Tensor, Tensor], Tensor]


class Tokenizer:
    """A Hugging Face tokenizer that keeps at most `max_tokens` of a text.

    A longer text keeps its head (three quarters) and its tail (a quarter): instructions stand at the start and the
    question often at the end. Training and serving both truncate here.
    """

    def __init__(self, tokenizer: Any, max_tokens: int) -> None:  # Any: transformers ships no types
        self._tokenizer = tokenizer
        self.max_tokens = max_tokens

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text with its special tokens, at most `max_tokens` of them."""
        if not texts:
            return []
        shortened = [self._shorten(text) for text in texts]
        # verbose=False: it warns of texts longer than the model takes, which are cut below.
        found = self._tokenizer(shortened, truncation=False, return_attention_mask=False, verbose=False)
        return [self._cut(ids) for ids in found["input_ids"]]

    def pad(self, ids: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
        """Ids (b, t) filled up on the right to the longest, and the mask (b, t) that is 1 on real tokens."""
        longest = max(map(len, ids))
        filler = self._tokenizer.pad_token_id or 0
        padded = torch.tensor([[*row, *[filler] * (longest - len(row))] for row in ids], device=device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids], device=device)
        return padded, mask

    def save(self, folder: Path) -> None:
        self._tokenizer.save_pretrained(folder)

    def _shorten(self, text: str) -> str:
        """The text without a middle that could not leave a token behind."""
        half = self.max_tokens * _CHARACTERS_PER_TOKEN
        return text if len(text) <= 2 * half else text[:half] + text[-half:]

    def _cut(self, ids: list[int]) -> list[int]:
        if len(ids) <= self.max_tokens:
            return ids
        tail = self.max_tokens // 4
        return ids[: self.max_tokens - tail] + ids[len(ids) - tail :]


def batches(lengths: Sequence[int], tokens_per_batch: int) -> Iterator[IntArray]:
    """Indices of texts in batches of similar length, longest first, whose padded size stays within the budget.

    A text longer than the budget is a batch of its own. Sorting by length doubles the speed at mixed lengths, and
    the longest come first so that memory runs out at once or never.
    """
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    start = 0
    while start < len(order):
        size = max(1, tokens_per_batch // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size


def run(texts: Sequence[str], tokenizer: Tokenizer, forward: Forward, place: Placement) -> list[Tensor]:
    """What `forward` makes of each text, in the order of the texts, on the CPU in float32; one entry per text."""
    ids = tokenizer.ids(texts)
    rows: list[Tensor] = [torch.empty(0)] * len(ids)
    with torch.inference_mode():
        for batch in batches([len(row) for row in ids], place.tokens_per_batch):
            results = forward(*tokenizer.pad([ids[i] for i in batch], place.device)).float().cpu()
            for i, result in zip(batch, results, strict=True):
                rows[i] = result
    return rows
