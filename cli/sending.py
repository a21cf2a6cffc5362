"""The thread that publishes what the gateway has spooled."""

from __future__ import annotations

import threading

from producers.gateway.intake import ReadingIntake, send_until_told
from runtime.logs import Logger

STOP_S = 2.0


class SendingThread:
    """Runs until it is stopped; what it could not publish stays in the spool."""

    def __init__(self, intake: ReadingIntake, log: Logger) -> None:
        self._intake = intake
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
        send_until_told(self._intake, lambda: not self._told.is_set(), self._report)

    def _report(self, error: Exception) -> None:
        self._log.warning("readings wait in the spool", cause=str(error))
