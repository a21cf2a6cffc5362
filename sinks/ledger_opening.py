"""Where a partition of the ledger goes on, decided from what Kafka and the tables say. Pure.

The tables are the truth about what was written; the group's note says what may have been under way. When the two
contradict each other in a way that a crash can't cause, the ledger stops and says which command mends it: going on
would lose rows or double them.
"""

from __future__ import annotations

from dataclasses import dataclass

from runtime.log import RecordsDamagedError, TopicPartition
from runtime.sink_source import Position, TakenOverError
from sinks.ledger_protocol import Note, OffsetRange, read_note

MAX_RANGE = 500_000
"""The largest number of offsets that one range spans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known about one partition before it is opened.

    `start` and `end` bound what Kafka still has; `last` is the largest offset in any table under this topic id;
    `other_topic_id` is set when the tables know the topic under another id only.
    """

    tp: TopicPartition
    topic_id: str
    start: int
    end: int
    committed: Position | None
    last: int | None
    other_topic_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What the operator has allowed, each by a flag of `synergy store`."""

    resume_from_table: bool = False
    accept_gap: bool = False
    accept_new_topic: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """Read from `next` on. `recover` is a range that may be in the tables, whole or in part.

    It begins at `next`, or before it where a gap was accepted. `last` is the largest offset that is known to be in the
    tables, or None.
    """

    next: int
    last: int | None
    recover: OffsetRange | None = None


class LedgerStoppedError(Exception):
    """A person has to decide how to go on. `reason` is stable, `command` mends it; `tp` is None when it is all."""

    def __init__(self, tp: TopicPartition | None, reason: str, message: str, command: str) -> None:
        what = "all topics" if tp is None else f"{tp.topic}[{tp.partition}]"
        super().__init__(f"{what}: {reason}: {message}. To go on: {command}")
        self.tp = tp
        self.reason = reason
        self.command = command


def decide(evidence: Evidence, permissions: Permissions) -> Opening:
    """Return where to go on.

    Raises:
        LedgerStoppedError: `topic_recreated`, `table_behind_group`, `gap` or `log_cut`.
    """
    note = read_note(evidence.committed.note) if evidence.committed else None
    if _recreated(evidence, note):
        if not permissions.accept_new_topic:
            raise _stopped_recreated(evidence, note)
        return Opening(evidence.start, None)
    opening = _continued(evidence, note, permissions)
    if opening.next < evidence.start:
        if not permissions.accept_gap:
            raise _stopped_gap(evidence, opening)
        return _behind_gap(evidence.start, opening)
    highest = opening.recover.last + 1 if opening.recover else opening.next
    if highest > evidence.end:
        raise LedgerStoppedError(
            evidence.tp,
            "log_cut",
            f"the ledger has read to offset {highest}, the topic ends at {evidence.end}: the log lost records",
            "restore the topic, or make a new one and run `synergy store --accept-new-topic`",
        )
    return opening


def _recreated(evidence: Evidence, note: Note | None) -> bool:
    if note is not None:
        return note.topic_id != evidence.topic_id
    return evidence.other_topic_id is not None and evidence.last is None


def _continued(evidence: Evidence, note: Note | None, permissions: Permissions) -> Opening:
    committed, last = evidence.committed, evidence.last
    if committed is None:
        return _from_table(evidence)
    known = note.last if note is not None else committed.next - 1
    if known is not None and known >= 0 and (last is None or last < known):
        if not permissions.resume_from_table:
            raise _stopped_behind(evidence, known)
        return _from_table(evidence)
    if note is not None and note.pending is not None:
        pending = note.pending
        end = pending.last if last is None else max(pending.last, last)
        return Opening(committed.next, note.last, OffsetRange(pending.first, end))
    if last is not None and last >= committed.next:
        return Opening(
            committed.next, note.last if note else None, OffsetRange(committed.next, last)
        )
    return Opening(committed.next, last)


def _from_table(evidence: Evidence) -> Opening:
    """The group has nothing to say: only the last range can be there in part, so that one is looked at again."""
    if evidence.last is None:
        return Opening(evidence.start, None)
    first = max(evidence.start, evidence.last + 1 - MAX_RANGE)
    if first > evidence.last:
        return Opening(evidence.last + 1, evidence.last)
    return Opening(first, None, OffsetRange(first, evidence.last))


def _behind_gap(start: int, opening: Opening) -> Opening:
    """Go on behind the gap. A range that it cuts into keeps its name: its insert may still be under way."""
    recover = opening.recover
    return Opening(start, opening.last, recover if recover and recover.last >= start else None)


def _stopped_recreated(evidence: Evidence, note: Note | None) -> LedgerStoppedError:
    former = note.topic_id if note is not None else evidence.other_topic_id
    return LedgerStoppedError(
        evidence.tp,
        "topic_recreated",
        f"the topic was deleted and made again (id {former} before, {evidence.topic_id} now)",
        "run `synergy store --accept-new-topic`: the rows of the former topic stay, those of the new one are added",
    )


def _stopped_behind(evidence: Evidence, known: int) -> LedgerStoppedError:
    has = "no row" if evidence.last is None else f"rows up to offset {evidence.last}"
    return LedgerStoppedError(
        evidence.tp,
        "table_behind_group",
        f"the group says that offset {known} is in the ledger, the tables have {has}: a ledger was lost or restored",
        "restore the ledger, or run `synergy store --resume-from-table` to read again what the tables lack",
    )


def stopped_taken_over(error: TakenOverError) -> LedgerStoppedError:
    """Return why nothing more may be written: two sinks would write every record twice."""
    return LedgerStoppedError(
        None,
        "taken_over",
        f"another store has opened the ledger of this Kafka and goes on alone ({error})",
        "run one store only, it serves all readers; if there is no other, start this one again",
    )


def stopped_damaged(error: RecordsDamagedError) -> LedgerStoppedError:
    """Return why the ledger can't read on: what is behind the damage would be read as if nothing were missing."""
    return LedgerStoppedError(
        error.tp,
        "records_damaged",
        f"records are not what was written: {error}",
        "restore the partition from another replica; or delete the records up to the last one of that batch, which "
        "kafka-dump-log names, with kafka-delete-records and run `synergy store --accept-gap`",
    )


def _stopped_gap(evidence: Evidence, opening: Opening) -> LedgerStoppedError:
    return LedgerStoppedError(
        evidence.tp,
        "gap",
        f"offsets {opening.next} to {evidence.start - 1} were deleted from Kafka before the ledger had read them",
        "run `synergy store --accept-gap`: the ledger goes on behind the gap, and the gap stays visible in it",
    )
