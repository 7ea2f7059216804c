"""What importing costs: the router's light modules bring no torch, and the commands no SQL before one asks for it."""

import subprocess
import sys

import pytest

LIGHT = [
    "baselines", "bertsim", "bootstrap", "bounds", "checkpoints", "config", "datasets", "evaluation", "labels",
    "manifest", "outcomes", "policies", "pool", "predictions", "registry", "reports", "training",
]  # fmt: skip
ROUTER = "; ".join(f"import router.{name}" for name in LIGHT)


@pytest.mark.parametrize(
    ("imports", "heavy"),
    [
        (ROUTER, {"torch", "transformers", "celery", "sqlmodel", "fastapi"}),
        ("import api.cli.main", {"torch", "numpy", "celery", "sqlalchemy", "fastapi", "vllm"}),
    ],
    ids=["router", "commands"],
)
def test_what_is_heavy_is_not_imported(imports: str, heavy: set[str]):
    code = f"import sys; {imports}; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"

    found = subprocess.run([sys.executable, "-c", code], check=False, timeout=60, capture_output=True, text=True)

    assert found.stderr == ""
