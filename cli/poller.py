"""Reads the store once a second in a thread, so that a slow answer never stops the screen or a signal."""

from __future__ import annotations

import threading
from collections.abc import Callable

from cli.store_client import StoreClient, StoreError
from cli.view import View, programme_names, view_of

PERIOD_S = 1.0
TIMEOUT_S = 2.0
MATCHES = "40"


class Poller:
    """Holds the latest view. `view` may be read from any thread: it is replaced, never changed."""

    def __init__(self, address: str, on_first_match: Callable[[], None]) -> None:
        self.view = View()
        self._client = StoreClient(address, TIMEOUT_S)
        self._on_first_match = on_first_match
        self._matched = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; returns within the time limit of one request."""
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_S):
            self._read()

    def _read(self) -> None:
        try:
            status = self._client.get("/api/v1/status")
            matches = {
                name: self._client.get("/api/v1/matches", programme=name, limit=MATCHES)
                for name in programme_names(status)
            }
        except StoreError:
            return  # it is starting, stopping or busy: the last view stands
        self.view = view_of(status, matches)
        if not self._matched and self.view.open_matches:
            self._matched = True
            self._on_first_match()
