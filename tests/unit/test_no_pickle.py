"""Nothing that torouter reads can run code: no pickle, no evaluated text, no code that comes with a model."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import Settings
from workers.app import create

ROOT = Path(__file__).parents[2]

PRODUCT = sorted(
    path for folder in ("api", "core", "experts", "router", "workers") for path in (ROOT / folder).rglob("*.py")
)

#: Modules that make objects out of bytes.
FORBIDDEN = frozenset({"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml"})

#: Functions that run text, and such as read what may be a pickle.
RUN_TEXT = frozenset({"eval", "exec", "compile", "__import__"})
LOAD = frozenset({"torch.load", "torch.jit.load", "torch.hub.load"})

#: What has to be said wherever a model, a tokenizer or a configuration of Hugging Face's is loaded.
LOADERS = frozenset({"from_pretrained", "from_config"})


def calls(tree: ast.AST) -> Iterator[tuple[str, dict[str, ast.expr], int]]:
    """Name as it is written, keywords and line of every call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            keywords = {one.arg: one.value for one in node.keywords if one.arg}
            yield ast.unparse(node.func), keywords, node.lineno


def faults(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (f"line {node.lineno}: imports {name}" for name in names if name.partition(".")[0] in FORBIDDEN)
        if isinstance(node, ast.Dict):
            yield from _unsafe(dict(zip(map(_text, node.keys), node.values, strict=True)), node.lineno)
    for name, keywords, line in calls(tree):
        if name in RUN_TEXT | LOAD:
            yield f"line {line}: calls {name}"
        owner, _, method = name.rpartition(".")
        if method in LOADERS and owner.startswith("Auto") and "trust_remote_code" not in keywords:
            yield f"line {line}: {name} without trust_remote_code=False"
        if (
            name.startswith("AutoModel")
            and method == "from_pretrained"
            and not keywords.keys() & {"gguf_file", "use_safetensors"}
        ):
            yield f"line {line}: {name} without use_safetensors=True"
        if name in {"np.load", "numpy.load", "np.save"} and "allow_pickle" not in keywords:
            yield f"line {line}: {name} without allow_pickle=False"
        yield from _unsafe(keywords, line)


def _unsafe(keywords: dict[str, ast.expr], line: int) -> Iterator[str]:
    wanted = {"trust_remote_code": False, "allow_pickle": False, "use_safetensors": True, "shell": False}
    for name, value in keywords.items():
        if name in wanted and not (isinstance(value, ast.Constant) and value.value is wanted[name]):
            yield f"line {line}: {name}={ast.unparse(value)}"


def _text(key: ast.expr | None) -> str:
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""


def test_no_module_reads_what_could_run():
    found = {path: list(faults(path.read_text())) for path in PRODUCT}

    assert {path: told for path, told in found.items() if told} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "torch.load(path, weights_only=True)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "AutoModel.from_pretrained(path, trust_remote_code=False)",
        "AutoTokenizer.from_pretrained(path)",
        "AutoConfig.from_pretrained(path, trust_remote_code=trusted)",
        "arguments = {'trust_remote_code': True}",
        "subprocess.run(command, shell=True)",
    ],
)
def test_what_could_run_would_be_found(source: str):
    assert list(faults(source))


def test_vllm_is_told_to_load_no_pickle_and_no_code():
    text = (ROOT / "experts" / "vllm_engine.py").read_text()

    assert '"trust_remote_code": False' in text
    assert '"load_format": "safetensors"' in text


def test_celery_sends_and_takes_json_alone(tmp_path: Path):
    conf = create(Settings(home=tmp_path)).conf

    assert [conf.task_serializer, conf.result_serializer, conf.event_serializer] == ["json"] * 3
    assert conf.accept_content == conf.result_accept_content == ["json"]
