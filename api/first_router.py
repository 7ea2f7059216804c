"""A first router for a system that has none: every expert answers the shipped prompts, and BERT learns from that."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api import collecting, prompt_files
from api.progress import Bar
from api.promoting import promote
from core.schemas.views import BatchView, CheckpointView

if TYPE_CHECKING:
    from api.up import Running

#: Prompts and references that were written for this, over the domains of the shipped experts.
PROMPTS: Final = Path(__file__).with_name("demo_prompts")


def make(up: "Running") -> CheckpointView:
    """Collect, train and promote; the checkpoint that routes from now on."""
    from router.outcomes import write_outcomes  # noqa: PLC0415  # numpy

    folder = up.settings.home / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    outcomes, checkpoint = folder / "outcomes.jsonl", folder / f"checkpoint-{time.strftime('%Y%m%d-%H%M%S')}"
    prompts = [line.new_prompt() for line in prompt_files.read(PROMPTS / "collect.jsonl")]
    batch = collecting.submit(up.store, up.sender, prompts, collecting.chosen_experts(up.store, "all"))
    with Bar(up.console, "Collecting: every expert answers every prompt") as bar:

        def progress(seen: BatchView) -> None:
            up.supervisor.poll()
            bar.show(seen.done + seen.failed, seen.total, f"{seen.output_tokens:,} tokens")

        collecting.wait(up.store, batch, progress)
    write_outcomes(outcomes, collecting.outcomes(up.store, batch))
    up.command("train", "--outcomes", str(outcomes), "--out", str(checkpoint), "--router", "bert")
    return promote(up.store, checkpoint)
