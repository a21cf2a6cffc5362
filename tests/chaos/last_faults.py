"""What needs a person's decision: records that were deleted before they were read, and a topic that was made anew.

The reader refuses, says which command goes on, and skips nothing until then. Each is the last thing that happens to a
stand: what was deleted can't be had back, so nothing could be compared after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from runtime.log import OutRecord, TopicPartition
from schemas import topic_files
from tests.chaos.damage import delete_everything, published, recreate, refusals, run_by_hand
from tests.chaos.stand import WORKERS, Stand
from tests.end_to_end.pipeline import PARTITIONS

LastFault = Callable[[Stand, str], None]
LEDGER: Final = "store"


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader and one of its inputs that no other one needs; `arguments` start it by hand.

    `passed` and `recreated` are what its refusals are called, and the command that they say.
    """

    topic: str
    arguments: Sequence[str]
    passed: tuple[str, str]
    recreated: tuple[str, str]


READERS: Final[Mapping[str, Reader]] = {
    LEDGER: Reader(
        topic=topic_files.MATCHES,
        arguments=("store",),
        passed=("gap", "synergy store --accept-gap"),
        recreated=("topic_recreated", "synergy store --accept-new-topic"),
    ),
    **{
        stage: Reader(
            topic=topic,
            arguments=("worker", stage),
            passed=("retention_passed", f"synergy worker {stage} --rebuild"),
            recreated=("topic_recreated", f"synergy worker {stage} --rebuild"),
        )
        for stage, topic in (
            ("market", topic_files.COMMANDS),
            ("balance", topic_files.AVAILABILITY),
        )
    },
}


def retention_passed(stand: Stand, name: str) -> None:
    """Delete records that a reader has not read: a loss that it must not pass over."""
    reader = READERS[name]
    _stop_all(stand)
    _unread(stand, reader.topic)
    delete_everything(stand, reader.topic)
    _refuses(stand, reader, *reader.passed)


def topic_recreated(stand: Stand, name: str) -> None:
    """Delete a topic and create it anew: its offsets mean something else."""
    reader = READERS[name]
    _stop_all(stand)
    recreate(stand, reader.topic)
    _refuses(stand, reader, *reader.recreated)


LAST_FAULTS: Final[Mapping[str, LastFault]] = {
    one.__name__: one for one in (retention_passed, topic_recreated)
}


def _stop_all(stand: Stand) -> None:
    for name in (*WORKERS["balance"], *WORKERS["market"], LEDGER):
        stand.pipeline.stack.stop_part(name)


def _unread(stand: Stand, topic: str) -> None:
    """Publish a record in each partition while nobody reads."""
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    stand.pipeline.publish(OutRecord(tp, b"unread", b"unread") for tp in places)


def _reached(stand: Stand) -> object:
    """Return how far everybody has come: what the stages publish, what they and the ledger have committed."""
    pipeline = stand.pipeline
    inputs = [
        TopicPartition(reader.topic, number)
        for reader in READERS.values()
        for number in range(PARTITIONS)
    ]
    return (
        published(stand, *WORKERS),
        [pipeline.heads(stage) for stage in WORKERS],
        pipeline.log.group_positions("synergy.ledger", inputs),
    )


def _refuses(stand: Stand, reader: Reader, code: str, command: str) -> None:
    """Start the reader: the ledger refuses as a whole, a worker for every partition of which it has a state."""
    before = _reached(stand)
    stage = reader.arguments[-1]
    count = len(stand.pipeline.heads(stage)) if stage in WORKERS else 1
    with run_by_hand(stand, *reader.arguments) as log:
        refused = refusals(stand, log, count)
    assert {found for found, _ in refused.values()} == {code}, refused
    assert all(reader.topic in text and command in text for _, text in refused.values()), refused
    assert _reached(stand) == before, "it went on in spite of its refusal"
