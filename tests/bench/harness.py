"""An unmodified lm-eval against the whole path: `python -m tests.bench.harness LM_EVAL`, the path of its command.

It must be in an environment of its own (`pip install 'lm-eval[api]'`). Two small tasks made here, so that nothing is
fetched: sums with four answers to choose from, by log-likelihood through `/v1/completions` (`local-completions`), and
opposites to be written, through `/v1/chat/completions` (`local-chat-completions`).
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from rich.table import Table

from core.settings import Settings
from experts import catalogue
from experts.weights import prepare
from tests.bench.one_expert import EXPERT, address, console, whole_path

OPPOSITES = {"hot": "cold", "up": "down", "big": "small", "day": "night", "open": "closed", "left": "right"}

SUMS = """
task: torouter_sums
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/sums.jsonl}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{answer}}}}"
metric_list: [{{metric: acc}}]
"""

WORDS = """
task: torouter_opposites
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/opposites.jsonl}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["\\n\\n"], max_gen_toks: 16, temperature: 0}}
filter_list:
  - name: last_word
    filter: [{{function: regex, regex_pattern: '(\\w+)\\W*$'}}, {{function: take_first}}]
metric_list: [{{metric: exact_match, ignore_case: true}}]
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.harness", description=__doc__)
    parser.add_argument("lm_eval", type=Path, help="the harness's command, e.g. /tmp/lmeval-venv/bin/lm_eval")
    parser.add_argument("--port", type=int, default=2350, help="a free port for the API")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="torouter-harness-") as home:
        folder = Path(home) / "tasks"
        write_tasks(folder)
        with whole_path(Settings(home=Path(home), port=given.port)) as running:
            spec = next(spec for spec in catalogue.load(catalogue.SHIPPED) if spec.name == EXPERT)
            tokenizer = prepare(spec, running.settings.cache).model
            url = f"{address(running)}/v1"
            whole = f"base_url={url}/completions,tokenizer={tokenizer},tokenized_requests=False"
            chats = f"base_url={url}/chat/completions"
            table = Table("model of lm-eval", "task", "requests", "metric", "seconds", title="lm-eval")
            run(given.lm_eval, folder, table, ("local-completions", "torouter_sums", whole))
            run(given.lm_eval, folder, table, ("local-chat-completions", "torouter_opposites", chats))
            console.print(table)


def write_tasks(folder: Path) -> None:
    folder.mkdir()
    sums = [
        {"question": f"{a} + {b} =", "choices": [f" {a + b + d}" for d in (0, 1, 2, 5)], "answer": 0}
        for a in range(1, 5)
        for b in range(1, 6)
    ]
    words = [
        {"question": f"What is the opposite of {one}? One word.", "answer": other} for one, other in OPPOSITES.items()
    ]
    for name, rows, task in (("sums", sums, SUMS), ("opposites", words, WORDS)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / f"{name}.yaml").write_text(task.format(folder=folder))


def run(lm_eval: Path, folder: Path, table: Table, wanted: tuple[str, str, str]) -> None:
    """One task through the harness, whose own output is shown where it fails."""
    model, task, where = wanted
    out = folder / task
    command = [str(lm_eval), "--model", model, "--model_args", f"model={EXPERT},num_concurrent=8,{where}",
               "--tasks", task, "--include_path", str(folder), "--output_path", str(out), "--log_samples"]  # fmt: skip
    if model == "local-chat-completions":
        command.append("--apply_chat_template")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(folder / "cache")}
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    [results] = out.rglob("results_*.json")
    [samples] = out.rglob("samples_*.jsonl")
    found = json.loads(results.read_text())["results"][task]
    metric = next(f"{name} {value:.2f}" for name, value in found.items() if name.startswith(("acc,", "exact_match,")))
    requests = sum(len(json.loads(one)["arguments"]) for one in samples.read_text().strip().split("\n"))
    table.add_row(model, task, str(requests), metric, f"{time.perf_counter() - started:.0f}")


if __name__ == "__main__":
    main()
