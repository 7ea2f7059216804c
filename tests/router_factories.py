"""Outcomes and routers with everything filled in, so that a test names only what it is about."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.schemas.outcomes import Outcome, OutcomeRow
from router.predictions import Calibration, PredictionKind, Predictions, Spending

#: Words that give a text's domain away; each domain has an expert of its own name.
TOPICS: Mapping[str, Sequence[str]] = {
    "math": ("sum", "price", "apples", "dollars", "twice", "half", "total", "percent", "hours", "remain"),
    "code": ("function", "list", "python", "return", "string", "loop", "assert", "index", "integer", "sort"),
    "biomed": ("patients", "therapy", "disease", "protein", "clinical", "tumour", "trial", "dose", "cells", "risk"),
}
EXPERTS = tuple(sorted(TOPICS))


def row(
    prompt: str = "two plus two", *, dataset: str = "math", **outcomes: Mapping[str, float] | float | None
) -> OutcomeRow:
    """A row whose outcomes are given by expert, as fields or as the bertsim alone."""
    found = {name: _outcome(value) for name, value in outcomes.items()}
    return OutcomeRow(id=f"id-{prompt}", dataset=dataset, prompt=prompt, outcomes=found)


def topic_rows(count: int, *, gap: float = 0.2, seed: int = 0) -> list[OutcomeRow]:
    """Prompts of a few topical words; the expert of the topic is better by `gap`."""
    random = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        topic = EXPERTS[i % len(EXPERTS)]
        prompt = f"{' '.join(random.choice(TOPICS[topic], size=6))} {seed}-{i}"
        rows.append(row(prompt, dataset=topic, **{name: 0.6 + gap * (name == topic) for name in EXPERTS}))
    return rows


def predictions(
    values: Sequence[Sequence[float]],
    experts: Sequence[str] = ("a", "b", "c"),
    *,
    cost_usd: Sequence[float] | None = None,
    latency_s: Sequence[float] | None = None,
    calibration: Calibration | None = None,
) -> Predictions:
    """Predictions whose costs and times are each expert's own, whatever the prompt."""
    array = np.array(values, dtype=np.float64)
    rows = [
        np.full(array.shape, np.nan) if one is None else np.tile(one, (len(array), 1)) for one in (cost_usd, latency_s)
    ]
    spending = Spending(rows[0], rows[1], np.full(array.shape, np.nan))
    return Predictions(tuple(experts), array, PredictionKind.QUALITIES, spending, calibration)


def write_tiny_encoder(folder: Path, texts: Sequence[str]) -> Path:
    """A BERT of a few thousand random parameters and a tokenizer of the texts' words, as Hugging Face files."""
    import torch  # noqa: PLC0415 - only for tests of routers that need it
    from tokenizers import Tokenizer, models, pre_tokenizers, processors  # noqa: PLC0415 - as above
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast  # noqa: PLC0415 - as above

    words = sorted({word for text in texts for word in text.split()})
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **special).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
        BertModel(BertConfig(vocab_size=len(vocabulary), max_position_embeddings=64, **sizes)).save_pretrained(folder)
    return folder


def _outcome(value: Mapping[str, float] | float | None) -> Outcome:
    return Outcome(**value) if isinstance(value, Mapping) else Outcome(bertsim=value)
