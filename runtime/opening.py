"""Opening one partition: fence the former owner, read its state or begin one, measure the inputs.

Blocks: run it in a thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from runtime.log import Log, Record, RecordsDamagedError, TopicPartition, Writer
from runtime.partition_actions import Open, Opened, TaskSettings
from runtime.partition_head import HEAD_KEY
from runtime.stage import Begun, Stage, State


@dataclass(frozen=True, slots=True)
class LogPast:
    """Implements `runtime.stage.Past` on a log; `committed` are the positions of the consumer group by topic.

    `parts` are those of the changelog.
    """

    log: Log
    partition: int
    committed: Mapping[str, int]
    parts: Mapping[bytes, bytes]
    measured: dict[str, tuple[int, int]] = field(default_factory=dict[str, "tuple[int, int]"])

    def bounds(self, topic: str) -> tuple[int, int]:
        """See `runtime.stage.Past.bounds`."""
        if topic not in self.measured:
            self.measured[topic] = self.log.bounds(TopicPartition(topic, self.partition))
        return self.measured[topic]

    def reached(self, topic: str) -> int:
        """See `runtime.stage.Past.reached`; a position outside of the log is that of another topic."""
        start, end = self.bounds(topic)
        known = self.committed.get(topic, start)
        return known if start <= known <= end else start

    def read(self, topic: str, start: int, end: int) -> Iterator[Record]:
        """See `runtime.stage.Past.read`."""
        return self.log.read(TopicPartition(topic, self.partition), start, end)

    def part(self, key: bytes) -> bytes | None:
        """See `runtime.stage.Past.part`."""
        return self.parts.get(key)


def open_partition(
    log: Log, settings: TaskSettings, stage: Stage[State], asked: Open
) -> tuple[Writer, Opened[State]]:
    """Return the new writer and what was found.

    The writer comes first: it ends the former owner's transaction, so that the end of the changelog measured next is
    the end of what that owner will ever have written. If a kept state ends there too, nobody has written since. A state
    is begun where nothing was ever counted, or where the operator says so.
    """
    writer = log.open_writer(settings.transactional_id, settings.changelog_tp, settings.outputs)
    start, end = log.bounds(settings.changelog_tp)
    kept = asked.kept_end == end and not asked.rebuild
    parts: dict[bytes, bytes] = {}
    damage: RecordsDamagedError | None = None
    try:
        parts = {} if kept else log.latest(settings.changelog_tp, start, end)
    except RecordsDamagedError as error:
        damage = error
    head = parts.pop(HEAD_KEY, None)
    tps = [TopicPartition(topic, settings.partition) for topic in settings.inputs]
    committed = log.group_positions(settings.group, tps)
    positions = {tp.topic: next_ for tp, next_ in committed.items()}
    past = LogPast(log, settings.partition, positions, parts)
    topics = {topic: log.describe(topic) for topic in settings.inputs}
    bounds = {topic: past.bounds(topic) for topic in settings.inputs}
    new = asked.rebuild or not (kept or head or parts or committed)
    begun: Begun[State] | None = None
    try:
        begun = stage.begin(settings.partition, past) if new and not damage else None
    except RecordsDamagedError as error:
        damage = error
    return writer, Opened(
        parts=parts,
        head=head,
        changelog_end=end,
        kept=kept,
        topics=topics,
        bounds=bounds,
        begun=begun,
        damage=damage,
    )
