"""What importing the package costs: the modules that routing's callers read must not bring torch."""

import subprocess
import sys

LIGHT = [
    "baselines", "bertsim", "bootstrap", "bounds", "checkpoints", "config", "datasets", "evaluation", "labels",
    "manifest", "outcomes", "policies", "pool", "predictions", "registry", "reports", "training",
]  # fmt: skip
HEAVY = {"torch", "transformers", "celery", "sqlmodel", "fastapi"}


def test_everything_but_the_models_is_imported_without_torch():
    imports = "; ".join(f"import router.{name}" for name in LIGHT)

    code = f"import sys; {imports}; sys.exit(str({HEAVY} & set(sys.modules)) if {HEAVY} & set(sys.modules) else 0)"

    found = subprocess.run([sys.executable, "-c", code], check=False, timeout=60, capture_output=True, text=True)
    assert found.stderr == ""
