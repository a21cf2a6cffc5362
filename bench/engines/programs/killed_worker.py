"""The command line of the product, killed inside its N-th commit: everything is written, the transaction is open.

python -m bench.engines.programs.killed_worker N --set var=... worker balance
"""

from __future__ import annotations

import os
import signal
import sys
import time
from itertools import count

from cli.__main__ import main
from runtime import failpoints

SENT_S = 1.0  # the client sends what it was given after 5 ms


def kill_at(number: int) -> None:
    """Let this process end in its `number`-th commit, counted from 1, when the broker has the records."""
    commits = count(1)

    def reached(place: failpoints.Place) -> None:
        if place == "commit.produced" and next(commits) == number:
            time.sleep(SENT_S)
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.install(reached)


if __name__ == "__main__":
    kill_at(int(sys.argv.pop(1)))
    main()
