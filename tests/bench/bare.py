"""What the whole path is held against: `vllm.LLM.chat` with the engine arguments of an expert, over standard input."""

import json
import sys
import time
from pathlib import Path

from experts import catalogue
from experts.device import prepare_environment
from experts.vllm_engine import VllmEngine
from experts.weights import prepare


def main(cache: str, expert: str) -> None:
    prepare_environment(offline=True)
    from vllm import LLM, SamplingParams  # noqa: PLC0415  # reads the environment on import

    spec = next(spec for spec in catalogue.load(catalogue.SHIPPED) if spec.name == expert)
    folder = prepare(spec, Path(cache)).model
    llm = LLM(**VllmEngine([spec], Path(cache))._arguments(str(folder)))
    for line in sys.stdin:
        asked = json.loads(line)
        chats = [[{"role": "user", "content": text}] for text in asked["texts"]]
        started = time.perf_counter()
        outputs = llm.chat(chats, SamplingParams(temperature=0, max_tokens=asked["max_tokens"]), use_tqdm=False)
        seconds = time.perf_counter() - started
        sys.stdout.write(
            json.dumps({"tokens": sum(len(o.outputs[0].token_ids) for o in outputs), "seconds": seconds}) + "\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
