"""`python -m bench [NAME...]`, or `make bench`: measures against the bars and writes var/bench/results.json.

Status 1 when a bar is missed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bench import balance_drain, embedded_stack
from bench.results import Result, write_results

FILE = Path("var/bench/results.json")
BENCHMARKS: Mapping[str, Callable[[], Iterable[Result]]] = {
    "embedded_stack": embedded_stack.measure,
    "balance_drain": balance_drain.measure,
}


def main() -> int:
    """Run the named benchmarks, or all of them; results appear as they come."""
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.stderr.write(f"no benchmark {', '.join(unknown)}: there are {', '.join(BENCHMARKS)}\n")
        return 2
    results: list[Result] = []
    for name in names:
        sys.stderr.write(f"{name}\n")
        for result in BENCHMARKS[name]():
            results.append(result)
            sys.stdout.write(result.line() + "\n")
            sys.stdout.flush()
            write_results(FILE, results)
    return int(any(result.holds is False for result in results))


if __name__ == "__main__":
    sys.exit(main())
