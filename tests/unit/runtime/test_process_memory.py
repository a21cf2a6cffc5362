"""What a process keeps of the memory that its threads have used."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, sys, threading
from runtime.process_memory import give_memory_back

if sys.argv[1] == "given back":
    give_memory_back()
import cli.run_worker

started, done = threading.Barrier(4), threading.Event()

def work():
    kept = [bytes(10_000) for _ in range(100)]
    started.wait()
    done.wait()

threads = [threading.Thread(target=work) for _ in range(3)]
for one in threads:
    one.start()
started.wait()
ctypes.CDLL(None).malloc_stats()
done.set()
"""

pytestmark = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library has no mallopt"
)


def arenas(how: str) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True
    )
    return ran.stderr.count("Arena ")


def test_threads_of_a_worker_share_one_arena_and_would_not_by_themselves() -> None:
    assert arenas("kept") > 1
    assert arenas("given back") == 1


@pytest.mark.parametrize("stage", ["balance", "market"])
def test_a_worker_says_so_before_anything_starts_threads(stage: str) -> None:
    program = (
        f"import sys\nsys.argv = ['synergy', 'worker', '{stage}']\n"
        "import cli.__main__, cli.worker_commands as commands\n"
        "commands.give_memory_back = lambda: sys.exit(1 if 'polars' in sys.modules else 7)\n"
        "cli.__main__.app()"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 7
