"""A first router for a system that has none: every expert answers the shipped prompts, and BERT learns from that."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api import collecting, prompt_files
from api.progress import Bar
from api.promoting import promote
from core.schemas.conversation import Sampling
from core.schemas.views import BatchView, CheckpointView
from core.tables import LOCAL

if TYPE_CHECKING:
    from api.up import Running

#: What the collecting batch says it came from; one that was interrupted is gone on with.
ENDPOINT: Final = "torouter first router"

#: Prompts and references that were written for this, over the domains of the shipped experts.
PROMPTS: Final = Path(__file__).with_name("demo_prompts")

#: As long as the longest reference: what an expert says beyond it takes minutes and tells little.
SAMPLING: Final = Sampling(max_tokens=96)


def make(up: "Running") -> CheckpointView:
    """Collect, train and promote; the checkpoint that routes from now on."""
    from router.outcomes import write_outcomes  # noqa: PLC0415  # numpy

    folder = up.settings.home / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    outcomes, checkpoint = folder / "outcomes.jsonl", folder / f"checkpoint-{time.strftime('%Y%m%d-%H%M%S')}"
    batch = _collecting_batch(up)
    with Bar(up.console, "Collecting: every expert answers every prompt") as bar:

        def progress(seen: BatchView) -> None:
            up.supervisor.poll()
            bar.show(seen.done + seen.failed, seen.total, f"{seen.output_tokens:,} tokens")

        collecting.wait(up.store, batch, progress)
    write_outcomes(outcomes, collecting.outcomes(up.store, batch))
    up.command("train", "--outcomes", str(outcomes), "--out", str(checkpoint), "--router", "bert")
    promoted = promote(up.store, checkpoint)
    up.console.print("Promoted: this router routes from now on.")
    return promoted


def _collecting_batch(up: "Running") -> str:
    """A new batch, or the one that an interrupted run has left behind."""
    left = up.store.batches.unfinished(ENDPOINT, LOCAL)
    if left is not None:
        up.console.print(f"Going on with {left.id}, which an earlier run began.", highlight=False)
        return left.id
    prompts = [line.new_prompt(SAMPLING) for line in prompt_files.read(PROMPTS / "collect.jsonl")]
    experts = collecting.chosen_experts(up.store, "all")
    return collecting.submit(up.store, up.sender, prompts, experts, endpoint=ENDPOINT)
