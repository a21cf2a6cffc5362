"""The ledger sink: every record of its topics, once, in ClickHouse.

One thread runs it, and one inserts. What is read waits in memory, bounded, until it is due; then its range is announced
in Kafka, inserted, and declared done together with the next announcement (`sinks.ledger_protocol`). When the database
or Kafka is out of reach the sink stops reading and waits: back-pressure ends at Kafka, which keeps everything. Every
unknown outcome is met by opening the partition again, the same way as after a kill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from runtime.ledger_database import DatabaseUnavailableError, StatementFailedError
from runtime.log import RecordsDamagedError, TopicMissingError, TopicPartition
from runtime.sink_source import (
    ClaimLostError,
    OffsetGoneError,
    SourceUnavailableError,
    TakenOverError,
)
from sinks.ledger_flush import Flusher, SinkParts
from sinks.ledger_opener import Opener
from sinks.ledger_opening import (
    LedgerStoppedError,
    Permissions,
    stopped_damaged,
    stopped_taken_over,
)
from sinks.ledger_partition import FlushRules, LedgerPartition
from sinks.ledger_protocol import Phase
from sinks.ledger_status import LedgerStatus
from sinks.writers import SchemasUnavailableError

_OUT_OF_REACH = (
    DatabaseUnavailableError,
    SourceUnavailableError,
    SchemasUnavailableError,
    TopicMissingError,
)
POLL_RECORDS = 10_000
"""Records of one poll: enough to amortise it, few enough to keep memory bounded."""
_POSITION_AFTER_S = 2.0
_CHECK_TOPICS_S = 30.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkPlan:
    """Which topics are kept, when they are written, and what the operator has allowed."""

    topics: Sequence[str]
    rules: FlushRules = field(default_factory=FlushRules)
    permissions: Permissions = field(default_factory=Permissions)


class LedgerSink:
    """Moves the records of some topics into the ledger. `status` may be read from any thread."""

    def __init__(self, parts: SinkParts, plan: SinkPlan) -> None:
        self.status = LedgerStatus()
        self._parts = parts
        self._plan = plan
        self._opener = Opener(parts.source, parts.writer.store, plan.permissions)
        self._flusher = Flusher(parts, plan.rules)
        self._partitions: dict[TopicPartition, LedgerPartition] = {}
        self._is_open = False
        self._topics_checked_at = 0.0

    def run(self, stopping: Callable[[float], bool]) -> None:
        """Work until `stopping` says so; then write what waits and leave.

        `stopping(seconds)` waits up to that long for the request to stop, and tells whether it came.

        Raises:
            LedgerStoppedError: a person has to decide how to go on.
            StatementFailedError, RepairFailedError: the database does not do what it should.
        """
        pause_s = _FIRST_PAUSE_S
        while not stopping(0.0):
            try:
                if not self._is_open:
                    self.open()
                self.step(0.1)
                pause_s = _FIRST_PAUSE_S
            except TakenOverError as error:
                self._forget()
                raise stopped_taken_over(error) from error
            except _OUT_OF_REACH as error:
                if isinstance(error, ClaimLostError):
                    self._forget()
                self._look_at_ends()
                self._report(str(error))
                self._parts.log.warning("ledger waits", cause=str(error), seconds=pause_s)
                stopping(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        self.finish()

    def open(self) -> None:
        """Find out where every partition goes on and start reading there. Raises LedgerStoppedError.

        Another sink of the same group can't write anything from then on; one that can't open takes nothing over.
        """
        tps = self._opener.partitions(self._plan.topics)
        self._opener.openings(tps)
        self._parts.source.claim(self._plan.topics)
        openings = self._opener.openings(tps)
        self._parts.source.assign({tp: opening.next for tp, opening in openings.items()})
        self._partitions = {
            tp: LedgerPartition.opened(self._opener.place(tp), opening)
            for tp, opening in openings.items()
        }
        self._is_open = True
        self._topics_checked_at = self._parts.clock.monotonic_s()
        recovering = sum(opening.recover is not None for opening in openings.values())
        self._parts.log.info("ledger is open", partitions=len(tps), recovering=recovering)

    def step(self, timeout_s: float) -> None:
        """Write what is due, then read: what can't be written keeps more from being read.

        Raises what `run` handles, and LedgerStoppedError.
        """
        self._flusher.check()
        self._open_again(self._abandoned())
        self._check_topics()
        self._write_due()
        self._read(timeout_s)
        self._report(None)

    def _write_due(self) -> None:
        for partition in self._partitions.values():
            while partition.recovery_due(self._plan.rules):
                self._flusher.recover(partition)
        now, held = self._parts.clock.monotonic_s(), self._held()
        self._flusher.write(list(self._due(now)))
        while self._plan.rules.total_bytes < self._held() < held:
            held = self._held()
            self._flusher.write(list(self._due(now)))
        self._flusher.position(list(self._partitions.values()), _POSITION_AFTER_S)

    def _read(self, timeout_s: float) -> None:
        try:
            fetched = self._parts.source.poll(POLL_RECORDS, timeout_s)
        except OffsetGoneError:
            self._start_over()
            return
        except RecordsDamagedError as error:
            self._write_and_forget()
            raise stopped_damaged(error) from error
        now = self._parts.clock.monotonic_s()
        for tp, part in fetched.items():
            self._partitions[tp].take(part, now)

    def finish(self) -> None:
        """Write what waits and tell Kafka; what can't be written now is read again after the next start."""
        partitions = [part for part in self._partitions.values() if part.recover is None]
        try:
            if self._is_open:
                self._write_waiting()
                self._flusher.position(partitions, 0.0)
        except (*_OUT_OF_REACH, TakenOverError) as error:
            self._parts.log.warning("ledger stops before it is done", cause=str(error))
        self._report("stopped")
        self._flusher.close()
        self._parts.source.close()

    def _write_waiting(self) -> None:
        """Write everything that was fetched, except of partitions that are to be recovered or opened again."""
        while waiting := [
            part
            for part in self._partitions.values()
            if len(part.waiting)
            and part.recover is None
            and part.protocol.phase is not Phase.ABANDONED
        ]:
            self._flusher.write(waiting)
            self._flusher.wait()
        self._flusher.wait()

    def _held(self) -> int:
        return sum(partition.waiting_bytes for partition in self._partitions.values())

    def _due(self, now: float) -> Iterator[LedgerPartition]:
        crowded = self._held() > self._plan.rules.total_bytes
        for partition in self._partitions.values():
            full = crowded and partition.recover is None and len(partition.waiting) > 0
            if full or partition.due(now, self._plan.rules):
                yield partition

    def _abandoned(self) -> Sequence[TopicPartition]:
        return [
            tp
            for tp, partition in self._partitions.items()
            if partition.protocol.phase is Phase.ABANDONED
        ]

    def _open_again(self, tps: Sequence[TopicPartition]) -> None:
        if not tps:
            return
        for tp, opening in self._opener.openings(tps).items():
            self._parts.source.seek(tp, opening.next)
            self._partitions[tp] = LedgerPartition.opened(self._opener.place(tp), opening)
            self._parts.log.info(
                "ledger partition opened again", partition=str(tp), next=opening.next
            )

    def _start_over(self) -> None:
        """Write what waits and open every partition again: what had come of the others may be lost with the error."""
        self._write_and_forget()
        self.open()

    def _write_and_forget(self) -> None:
        try:
            self._write_waiting()
        finally:
            self._is_open = False  # `run` opens again, also when something is out of reach now

    def _forget(self) -> None:
        """Drop what was fetched, once no insert runs: where it goes on is for the next opening to find out."""
        with suppress(*_OUT_OF_REACH, StatementFailedError):
            self._flusher.wait()
        self._is_open = False

    def _check_topics(self) -> None:
        now = self._parts.clock.monotonic_s()
        if now - self._topics_checked_at >= _CHECK_TOPICS_S:
            try:
                self._opener.check_topics()
            except LedgerStoppedError:
                self._write_and_forget()  # a topic that was deleted has no other copy of what was fetched
                raise
            self._topics_checked_at = now

    def _look_at_ends(self) -> None:
        """Ask Kafka where the partitions end now: while nothing is fetched, nothing else says how the lag grows."""
        with suppress(SourceUnavailableError):
            for tp in self._partitions:
                self._parts.source.bounds(tp)

    def _report(self, problem: str | None) -> None:
        self.status = self._flusher.counts.snapshot(
            self._parts.source, self._partitions.values(), problem
        )
