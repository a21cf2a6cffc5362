"""What librdkafka's clients may say in the log, and how clients get over a broker that hung.

Its lines come from native code and in its own form, one for each attempt of each client: a broker that is away for a
minute would fill the log with thousands. So one client of a process speaks, through Python's logging and as often as
`runtime.logs` lets it; it has to be a client that is polled all the time, since that is when it speaks. The others are
silent: what goes wrong in them comes back as an error of the call.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from threading import Thread

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from runtime.logs import LIBRDKAFKA

SILENT: Mapping[str, int] = {"log_level": 2}
"""Properties of a client that does not speak: only what ends the process is critical (2)."""
SPEAKING: Mapping[str, int] = {"log_level": 4}
"""Properties of the client that speaks: warnings and errors."""


def speaker() -> logging.Logger:
    """Return the logger to give to the client that speaks."""
    return logging.getLogger(LIBRDKAFKA)


class Admin:
    """An admin client that is made anew when an answer did not come; see `has_hung`."""

    def __init__(self, config: Mapping[str, str | int | float | bool]) -> None:
        """Connect lazily."""
        self._config = dict(config)
        self.client = AdminClient(self._config)

    def renew(self) -> None:
        """Make the client anew; what the former one was asked ends with an error."""
        self.client = AdminClient(self._config)


def has_hung(error: KafkaException) -> bool:
    """Whether a client should be made anew.

    After a broker that had stood still for half a minute was back, some clients of librdkafka 2.16 waited for their
    controller or coordinator for minutes, while the other clients of the same process went on.
    """
    return bool(error.args[0].code() == KafkaError._TIMED_OUT)  # noqa: SLF001


def leave(consumer: Consumer) -> None:
    """Close a consumer without waiting for it: one that has hung may take its time."""
    Thread(target=consumer.close, name="leave-kafka", daemon=True).start()
