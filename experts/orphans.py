"""End vLLM's processes when the process that started them is gone, however it went.

vLLM's EngineCore outlives a killed parent and keeps its memory, or its GPU. pyproject.toml names `end_with_parent` as a
`vllm.general_plugins` entry point, which vLLM calls in every process of its own. Knows nothing of vLLM itself.
"""

import multiprocessing
import multiprocessing.process
import os
import threading
from multiprocessing.connection import wait

THREAD = "end-with-parent"


def end_with_parent() -> None:
    """Watch the parent from a thread where multiprocessing started this process; else, and called again, do nothing."""
    parent = multiprocessing.parent_process()
    if parent is None or any(thread.name == THREAD for thread in threading.enumerate()):
        return
    threading.Thread(target=_watch, args=(parent,), name=THREAD, daemon=True).start()


def _watch(parent: multiprocessing.process.BaseProcess) -> None:
    wait([parent.sentinel])
    # Hard, since an orderly exit would wait for requests that nobody will collect, and can hang on closed sockets.
    os._exit(1)
