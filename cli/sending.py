"""The thread that publishes what the gateway has spooled."""

from __future__ import annotations

import threading

from producers.gateway.intake import ReadingIntake, send_until_told
from runtime.logs import Logger
from runtime.metrics import Metrics

STOP_S = 2.0


class SendingThread:
    """Runs until it is stopped; what it could not publish stays in the spool."""

    def __init__(self, intake: ReadingIntake, log: Logger, metrics: Metrics) -> None:
        self._intake = intake
        self._waiting = metrics.gauge("synergy_readings_waiting")
        self._log = log
        self._told = threading.Event()
        self._thread = threading.Thread(target=self._run, name="readings", daemon=True)

    def start(self) -> None:
        """Start it."""
        self._thread.start()

    def stop(self) -> None:
        """Let it publish what waits, for at most STOP_S seconds."""
        self._told.set()
        self._intake.wake()
        self._thread.join(STOP_S)
        if not self._thread.is_alive():
            self._intake.close()  # else the end of the process closes it: SQLite is safe either way

    def _run(self) -> None:
        send_until_told(self._intake, self._going, self._report)

    def _going(self) -> bool:
        """Say once a turn how much waits, and whether to go on."""
        self._waiting(self._intake.waiting())
        return not self._told.is_set()

    def _report(self, error: Exception) -> None:
        self._log.warning("readings wait in the spool", cause=str(error))
