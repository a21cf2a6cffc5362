"""What the machine and its processes say: conditions of a measurement, CPU time and memory.

Read from `/proc`: these benchmarks run on Linux.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.results import Condition
from runtime.clock import US_PER_S, SystemClock, process_cpu_s

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
KB_PER_MB = 1024
TRIES, ADDITIONS = 3, 1_000_000


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a process in MB: all resident pages, and with shared pages divided among those who share them."""

    rss_mb: float
    pss_mb: float


def conditions(more: Mapping[str, Condition]) -> dict[str, Condition]:
    """Return the conditions that every figure has, and more. Call it right after the measurement.

    `load_average` is that of the last minute: the measured work is in it, and so is everything else that ran.
    `addition_ns` tells how fast a core is right afterwards: a shared machine changes by a factor of three.
    """
    now = datetime.fromtimestamp(SystemClock().now_us() // US_PER_S, UTC)
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "at": now.isoformat().replace("+00:00", "Z"),
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gb": round(pages / 2**30, 1),
        "load_average": round(os.getloadavg()[0], 1),
        "addition_ns": round(_addition_ns(), 1),
        "python": platform.python_version(),
        **more,
    }


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process so far, user and system, over all its threads, in seconds."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def memory(pid: int) -> Memory:
    """Return what a process holds in memory now."""
    kilobytes: dict[str, int] = {}
    for row in (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]:
        name, _, value = row.partition(":")
        kilobytes[name] = int(value.split()[0])
    return Memory(kilobytes["Rss"] / KB_PER_MB, kilobytes["Pss"] / KB_PER_MB)


def descendants(pid: int) -> Iterator[int]:
    """Yield a process and everything it started, the processes that are there now."""
    children: dict[int, list[int]] = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        children.setdefault(int(fields[1]), []).append(int(folder.name))
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(children.get(one, []))


def size_mb(folder: Path) -> float:
    """Return the disk space of all files below a folder in MB, in allocated blocks."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += 0 if file.is_symlink() else file.stat().st_blocks * 512
        except OSError:
            continue  # a segment that has just been merged or deleted
    return total / 2**20


def _addition_ns() -> float:
    """Return the CPU time of one addition in a loop of Python: how fast a core was, the best of some tries."""
    tries: list[float] = []
    for _ in range(TRIES):
        began = process_cpu_s()
        total = 0
        for number in range(ADDITIONS):
            total += number
        tries.append((process_cpu_s() - began) / ADDITIONS * 1e9)
    return min(tries)


def _processor() -> str:
    for row in (PROC / "cpuinfo").read_text().splitlines():
        if row.startswith("model name"):
            return row.partition(":")[2].strip()
    return platform.machine()
