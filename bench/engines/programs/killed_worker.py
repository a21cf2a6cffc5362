"""The command line of the product, killed inside its N-th commit: everything is written, the transaction is open.

python -m bench.engines.programs.killed_worker N --set var=... worker balance
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count

from confluent_kafka import Producer

from cli.__main__ import main
from runtime import kafka_log

WRITTEN_S = 30.0


def doomed_producer(kill_at: int) -> type[Producer]:
    """Return a producer that ends this process instead of its `kill_at`-th commit, counted from 1 over all of them."""
    commits = count(1)

    class DoomedProducer(Producer):
        def commit_transaction(self, timeout: float = WRITTEN_S) -> None:
            if next(commits) == kill_at:
                self.flush(WRITTEN_S)
                os.kill(os.getpid(), signal.SIGKILL)
            super().commit_transaction(timeout)

    return DoomedProducer


if __name__ == "__main__":
    kafka_log.__dict__["Producer"] = doomed_producer(int(sys.argv.pop(1)))
    main()
