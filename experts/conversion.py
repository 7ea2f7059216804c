"""Make weights: GGUF to safetensors, an adapter into its base. Imports torch and transformers, so import it late."""

from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.utils.logging import disable_progress_bar


def convert(gguf: Path, target: Path) -> None:
    """A GGUF model as safetensors in bf16, with its tokenizer and chat template."""
    disable_progress_bar()  # many lines in a worker's log; who wants progress is told by `prepare_all`
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),  # else it can't be saved as safetensors
        trust_remote_code=False,
    )
    model.save_pretrained(target)
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, trust_remote_code=False)
    tokenizer.save_pretrained(target)


def merge(base: Path, adapter: Path, target: Path) -> None:
    """A LoRA adapter added into a copy of its base: in fp32, since bf16 would round the small differences away."""
    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.float32, trust_remote_code=False, use_safetensors=True
    )
    merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    merged.to(torch.bfloat16).save_pretrained(target)
    AutoTokenizer.from_pretrained(base, trust_remote_code=False).save_pretrained(target)
