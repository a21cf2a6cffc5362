"""One life of the ledger sink on the embedded engine, ended by SIGKILL from inside after so many milliseconds.

    python tests/crash/ledger_life.py BOOTSTRAP FOLDER SESSION MILLISECONDS

0 milliseconds: it lives until everything is in the ledger. The clock of its death starts with the first step, and a
kill finds the engine in the middle of an insert as often as Python between two of them.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from runtime.clickhouse import EmbeddedEngine, open_database
from runtime.clock import SystemClock
from runtime.kafka_sink_source import KafkaSinkSource, SinkSourceSettings
from runtime.logs import logger
from runtime.metrics import Metrics
from runtime.prefetching_source import PrefetchingSource
from runtime.sink_source import SourceUnavailableError
from schemas.topic_files import AVAILABILITY
from sinks.ledger import LedgerSink, SinkPlan
from sinks.ledger_flush import SinkParts
from sinks.ledger_partition import FlushRules
from sinks.ledger_range import RangeWriter
from sinks.ledger_rows import RowSorter
from sinks.ledger_store import DatabaseStore
from sinks.ledger_tables import read_columns
from sinks.migrate import migrate, shipped
from sinks.writers import Writers
from tests.ledger.samples import registry

PARTITIONS = 4
ROWS_A_RANGE = 40
_POLL_RECORDS = 500


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Live."""
    bootstrap, folder, session, milliseconds = sys.argv[1:]
    database = open_database(EmbeddedEngine(path=Path(folder)))
    migrate(database, shipped())
    columns = read_columns(database)
    settings = SinkSourceSettings(bootstrap=bootstrap, group="ledger", client={"log_level": 0})
    source = KafkaSinkSource(settings)
    sorter = RowSorter(columns, Writers(columns, registry()), lambda: b"8 bytes.")
    parts = SinkParts(
        source=PrefetchingSource(source, _POLL_RECORDS),
        writer=RangeWriter(DatabaseStore(database), sorter, session),
        clock=SystemClock(),
        log=logger("life"),
        metrics=Metrics(),
    )
    rules = FlushRules(linger_s=0.0, spacing_s=0.0, max_rows=ROWS_A_RANGE)
    sink = LedgerSink(parts, SinkPlan(topics=[AVAILABILITY], rules=rules))
    opened = False
    while not opened:
        try:
            sink.open()
            opened = True
        except SourceUnavailableError:
            parts.clock.sleep(0.05)
    if int(milliseconds):
        timer = threading.Timer(int(milliseconds) / 1000, _die)
        timer.daemon = True
        timer.start()
    while sink.status.lag != 0 or any(
        part.phase == "recovering" for part in sink.status.partitions
    ):
        sink.step(0.05)
    sink.finish()
    database.close()
    sys.stdout.write(f"{sink.status.repaired}\n")


if __name__ == "__main__":
    main()
