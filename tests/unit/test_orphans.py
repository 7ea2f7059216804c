"""What multiprocessing started ends with its parent; the real EngineCore is tried in tests/acceptance."""

import subprocess
import sys
import threading
from pathlib import Path

import psutil

from experts.orphans import THREAD, end_with_parent

PARENT = """
import multiprocessing, time
from experts.orphans import end_with_parent

def child():
    end_with_parent()
    time.sleep(600)

if __name__ == "__main__":
    started = multiprocessing.get_context("spawn").Process(target=child)
    started.start()
    print(started.pid, flush=True)
    time.sleep(600)
"""


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))

        parent.kill()

    _, alive = psutil.wait_procs([child], 20)
    assert alive == []


def test_a_process_that_multiprocessing_did_not_start_is_left_alone():
    end_with_parent()

    assert THREAD not in {thread.name for thread in threading.enumerate()}
