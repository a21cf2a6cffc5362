"""Takes what plants send: readings and the answer become durable in one transaction, and are published after it.

A request has a key that the plant chooses. The same key again is answered from its receipt and adds nothing, also after
a restart; the readings keep the identities that the spool gave them, so that what was published twice counts once. A
lost spool begins a new epoch and knows no keys: that is the one case in which a repeat is taken as new.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from producers.errors import SpoolWriteError
from producers.flow_ends import SeriesName, flow_ends
from producers.gateway.problems import Cause, SubmissionError
from producers.reading import Reading
from producers.spool import Receipt, Spool
from runtime.clock import US_PER_S, Clock
from runtime.log import OutRecord, TopicMissingError, TopicPartition
from runtime.publisher import Publisher, PublishError
from schemas.events import Availability
from schemas.routing import partition_for
from schemas.topic_files import AVAILABILITY
from synergy.balance.terms import microseconds, moment

MOST_UNSENT: Final = 200_000
KEPT_US: Final = 30 * 86_400 * US_PER_S
"""How long a key is remembered."""
LATEST_KEYS: Final = 10_000
"""So many keys are remembered whatever the clock says: one that was ahead for a while forgets none of use."""
AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Submission:
    """One request: the sender's name, its key, and the body's bytes."""

    sender: str
    key: str
    content: bytes

    @property
    def receipt_key(self) -> str:
        """Keys of different senders are different."""
        return f"{self.sender}\n{self.key}"

    @property
    def fingerprint(self) -> bytes:
        """Tells two bodies apart."""
        return hashlib.sha256(self.content).digest()


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer to a request; `repeated` when it was given before."""

    answer: Mapping[str, Any]
    repeated: bool


class ReadingIntake:
    """Owns the spool. Any thread may call; one at a time is served."""

    def __init__(self, spool: Spool, publisher: Publisher, clock: Clock) -> None:
        self._spool = spool
        self._publisher = publisher
        self._clock = clock
        self._ends = spool.flow_ends()
        self._turn = threading.Lock()
        self._news = threading.Event()

    def ended(self, series: SeriesName) -> datetime | None:
        """Return where the latest flow of a source and series ends."""
        end_us = self._ends.get(series)
        return None if end_us is None else moment(end_us)

    def earlier(self, submission: Submission) -> Kept | None:
        """Return what the key was answered, if it has been. Raises SubmissionError for another body."""
        with self._turn:
            receipt = self._spool.receipt(submission.receipt_key)
        return None if receipt is None else _repeat(receipt, submission)

    def keep(self, submission: Submission, readings: Sequence[Reading]) -> Kept:
        """Make the readings durable, and the answer with them; they are published after that.

        Raises:
            SubmissionError: the key has another body, or too much waits for the broker.
        """
        now_us = self._clock.now_us()

        kept: list[Availability] = []

        def receipt(events: Sequence[Availability]) -> Receipt:
            kept.extend(events)
            told = {**_answer(submission, events), "warnings": list(_overlaps(events, self._ends))}
            answer = json.dumps(told, ensure_ascii=False)
            return Receipt(submission.receipt_key, submission.fingerprint, answer, now_us)

        with self._turn:
            known = self._spool.receipt(submission.receipt_key)
            if known is not None:
                return _repeat(known, submission)
            if self._spool.unsent_at_most() > MOST_UNSENT:
                raise _full()
            try:
                self._spool.forget_receipts(now_us - KEPT_US, LATEST_KEYS)
                given = self._spool.append_with_receipt(readings, receipt)
            except SpoolWriteError as error:
                raise _unwritable(error) from error
            for name, end_us in flow_ends(kept).items():
                self._ends[name] = max(self._ends.get(name, end_us), end_us)
        self._news.set()
        return Kept(json.loads(given.answer), repeated=False)

    def send(self) -> int:
        """Publish what waits and note that the broker has it; return how many that were.

        Raises:
            PublishError, TopicMissingError, SpoolWriteError: call again, nothing is lost.
        """
        partitions = self._publisher.partitions(AVAILABILITY)
        with self._turn:
            rows = self._spool.unsent(0, AT_ONCE)
        for row in rows:
            tp = TopicPartition(AVAILABILITY, partition_for(row.facility, partitions))
            self._publisher.publish(OutRecord(tp, row.key, row.value))
        self._publisher.flush()
        if rows:
            with self._turn:
                self._spool.acknowledge(rows[-1].place)
        return len(rows)

    def waiting(self) -> int:
        """Return how many readings the broker has not acknowledged, or somewhat more."""
        with self._turn:
            return self._spool.unsent_at_most()

    def close(self) -> None:
        """Close the spool; nothing may be asked afterwards."""
        with self._turn:
            self._spool.close()

    def wait(self, seconds: float) -> None:
        """Wait until something was kept, at most so long."""
        self._news.wait(seconds)
        self._news.clear()

    def wake(self) -> None:
        """End a wait."""
        self._news.set()


def send_until_told(
    intake: ReadingIntake, going: Callable[[], bool], on_error: Callable[[Exception], None]
) -> None:
    """Publish what is kept until `going` says no, and once more after that. Blocks the thread."""
    while True:
        last = not going()
        try:
            while intake.send():
                pass
        except (PublishError, TopicMissingError, SpoolWriteError) as error:
            on_error(error)
        if last:
            return
        intake.wait(1.0)


def _repeat(receipt: Receipt, submission: Submission) -> Kept:
    if receipt.fingerprint != submission.fingerprint:
        raise SubmissionError(
            Cause.KEY_REUSED,
            "idempotency-key",
            "another request was sent with this key",
            "Choose a new key for new readings; repeat a request exactly.",
        )
    return Kept(json.loads(receipt.answer), repeated=True)


def _full() -> SubmissionError:
    return SubmissionError(
        Cause.FULL,
        "readings",
        f"more than {MOST_UNSENT:,} readings wait for the broker",
        "Send the same request again later; /api/v1/status and the store's log say what is wrong.",
    )


def _unwritable(error: SpoolWriteError) -> SubmissionError:
    return SubmissionError(
        Cause.UNWRITABLE,
        "readings",
        f"the gateway's disk does not take them, and nothing was kept: {error}",
        "Send the same request again once there is room on the disk.",
    )


def _answer(submission: Submission, events: Sequence[Availability]) -> dict[str, Any]:
    return {
        "accepted": len(events),
        "key": submission.key,
        "durable": "spool",
        "readings": [
            {
                "id": str(event.id),
                "source": event.source,
                "facility": event.facility,
                "epoch": event.epoch,
                "sequence": event.sequence,
                "material": event.material,
                "direction": event.direction.value,
                "form": event.form.value,
                "quantity": event.quantity,
                "unit": event.unit,
                "period_start": event.period_start.isoformat().replace("+00:00", "Z"),
                "period_end": event.period_end.isoformat().replace("+00:00", "Z"),
                "basis": event.basis.value,
                "data_kind": event.data_kind.value,
            }
            for event in events
        ],
    }


def _overlaps(
    events: Sequence[Availability], ends: Mapping[SeriesName, int]
) -> Iterator[dict[str, Any]]:
    """Yield a warning for each flow that begins before a former one of its source and series has ended."""
    reached: dict[SeriesName, int] = {}
    for index, event in enumerate(events):
        for name, end_us in flow_ends([event]).items():
            before = max(reached.get(name, 0), ends.get(name, 0))
            if microseconds(event.period_start) < before:
                yield {
                    "index": index,
                    "field": "period_start",
                    "message": f"flow of this source was sent up to {moment(before):%Y-%m-%d %H:%M} UTC, "
                    "and this period begins before: both count",
                    "fix": "If it takes the place of a reading, send the difference and name that one in corrects.",
                }
            reached[name] = max(before, end_us)
