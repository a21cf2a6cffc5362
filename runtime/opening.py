"""Opening one partition: fence the former owner, read its state, measure the inputs. Blocks: run it in a thread."""

from __future__ import annotations

from runtime.log import Log, TopicPartition, Writer
from runtime.partition_actions import Opened, TaskSettings


def open_partition(log: Log, settings: TaskSettings) -> tuple[Writer, Opened]:
    """Return the new writer and what was found.

    The writer comes first: it ends the former owner's transaction, so that the end of the changelog measured next is
    the end of what that owner will ever have written.
    """
    writer = log.open_writer(settings.transactional_id)
    start, end = log.bounds(settings.changelog_tp)
    parts: dict[bytes, bytes] = {}
    for record in log.read(settings.changelog_tp, start, end):
        key = record.key or b""
        if record.value is None:
            parts.pop(key, None)
        else:
            parts[key] = record.value
    tps = [TopicPartition(topic, settings.partition) for topic in settings.inputs]
    opened = Opened(
        parts=parts,
        topics={topic: log.describe(topic) for topic in settings.inputs},
        bounds={tp.topic: log.bounds(tp) for tp in tps},
        group_committed=bool(log.group_positions(settings.group, tps)),
    )
    return writer, opened
