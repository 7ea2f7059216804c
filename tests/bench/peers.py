"""The peers that routing speed is held against, in an environment of their own, where torouter is not installed.

RouteLLM's BERT router and LLMRouter's kNN, by their public classes, with the encoder in the folder MODEL. A line of
JSON on standard input, `{"peer": NAME, "texts": […]}`, is answered by `{"seconds": …}` on standard output.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

#: Routes one prompt: neither of them takes several.
Route = Callable[[str], object]

#: Prompts that kNN looks for neighbours in.
NEIGHBOURS = 400


def main(model: str) -> None:
    os.environ |= {"HF_HUB_OFFLINE": "1", "OPENAI_API_KEY": "none is needed"}  # RouteLLM makes a client on import
    answers = sys.stdout
    peers: dict[str, Route] = {}
    with tempfile.TemporaryDirectory(prefix="torouter-peers-") as folder, redirect_stdout(sys.stderr):
        for line in sys.stdin:
            asked = json.loads(line)
            name, texts = asked["peer"], asked["texts"]
            if name not in peers:
                peers[name] = PEERS[name](model, texts, Path(folder))
            started = time.perf_counter()
            for text in texts:
                peers[name](text)
            answers.write(json.dumps({"seconds": time.perf_counter() - started}) + "\n")
            answers.flush()


def routellm(model: str, _texts: list[str], _folder: Path) -> Route:
    """RouteLLM's BERT router, whose head is made at random here: that takes as long as a trained one."""
    from routellm.routers.routers import BERTRouter  # noqa: PLC0415  # each only for those who ask for it

    return BERTRouter(model, num_labels=3).calculate_strong_win_rate


def llmrouter(model: str, texts: list[str], folder: Path) -> Route:
    """LLMRouter's kNN, fitted by its trainer on the texts asked for first."""
    from llmrouter.models import KNNRouter, KNNRouterTrainer  # noqa: PLC0415  # as above
    from llmrouter.utils import embeddings  # noqa: PLC0415  # as above

    embeddings._MODEL_NAME = model  # it has no setting; its own is a Longformer, which is slower
    router = KNNRouter(str(_described(texts[:NEIGHBOURS], embeddings.get_longformer_embedding, folder)))
    KNNRouterTrainer(router).train()
    return lambda text: router.route_single({"query": text})


def _described(texts: list[str], embed: Callable[[str], object], folder: Path) -> Path:
    """The files that its documentation asks for, with two experts of which each prompt has a better one."""
    import torch  # noqa: PLC0415  # as above

    rows = [
        {"query": text, "model_name": name, "performance": float(i % 2 == j), "embedding_id": i}
        for i, text in enumerate(texts)
        for j, name in enumerate(("small", "large"))
    ]
    (folder / "routing.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    torch.save(torch.stack([embed(text) for text in texts]), folder / "embeddings.pt")
    saved = str(folder / "knn.pkl")
    config = {
        "data_path": {
            "routing_data_train": str(folder / "routing.jsonl"),
            "query_embedding_data": str(folder / "embeddings.pt"),
        },
        "model_path": {"ini_model_path": "", "save_model_path": saved, "load_model_path": saved},
        "hparam": {"n_neighbors": 5, "metric": "cosine"},
    }
    path = folder / "knn.yaml"
    path.write_text(json.dumps(config))  # JSON is YAML
    return path


PEERS = {"RouteLLM's BERT": routellm, "LLMRouter's kNN": llmrouter}

if __name__ == "__main__":
    main(*sys.argv[1:])
