"""The floor: a bare loop of confluent-kafka and polars, in columns; no validation, no identities, no rebalance.

    python -m bench.engines.programs.floor name=value...

`guarantee=exactly-once` writes changed states, outputs and input offsets of a partition in one transaction an interval.
`guarantee=at-least-once` writes them, waits for the acknowledgement, and commits the offsets after that. `kill_at=N`
ends the process with SIGKILL inside the N-th commit, when everything is written and nothing is committed.
"""

from __future__ import annotations

import io
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)

from bench.engines.programs.rolling import FRAME_BYTES, QUARTER_US, QUARTERS, WANTED, arguments

BATCH = 10_000
SYNC = bytes(16)
MOST_SERIES = 1 << 14
TIMEOUT_S = 30.0
SETTLING = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}
Entry = tuple[bytes, bytes]
Int64s = npt.NDArray[np.int64]


class Block:
    """Reads framed values of one schema as a container of Avro: the five bytes of the frame are two more fields."""

    def __init__(self, schema_file: Path) -> None:
        definition = json.loads(schema_file.read_text(encoding="utf-8"))
        frame = [{"name": "_zero", "type": "boolean"}, {"name": "_id", "type": "float"}]
        schema = json.dumps({**definition, "fields": frame + definition["fields"]}).encode()
        entries = {b"avro.schema": schema, b"avro.codec": b"null"}
        parts = [
            text for pair in entries.items() for part in pair for text in (_long(len(part)), part)
        ]
        self._head = b"".join((b"Obj\1", _long(len(entries)), *parts, b"\0", SYNC))

    def read(self, values: Sequence[bytes]) -> tuple[Int64s, Int64s]:
        """Return quarters and quantities, shape (values,)."""
        body = b"".join(values)
        data = b"".join((self._head, _long(len(values)), _long(len(body)), body, SYNC))
        frame = pl.read_avro(io.BytesIO(data), columns=list(WANTED))
        starts = frame["period_start"].to_physical().to_numpy()
        return starts // QUARTER_US, frame["quantity"].to_numpy()


def _long(number: int) -> bytes:
    left, encoded = number << 1, bytearray()
    while left > 0x7F:
        encoded.append(left & 0x7F | 0x80)
        left >>= 7
    encoded.append(left)
    return bytes(encoded)


class Sums:
    """The last 96 quarters of each series of a partition; a slot says of which quarter it is."""

    def __init__(self) -> None:
        self.rows: dict[bytes, int] = {}
        self.newest = np.zeros(MOST_SERIES, np.int64)
        self.of = np.zeros((QUARTERS, MOST_SERIES), np.int64)
        self.quantity = np.zeros((QUARTERS, MOST_SERIES), np.int64)
        self.changed = np.zeros(MOST_SERIES, np.bool_)

    def row(self, series: bytes) -> int:
        """Return the row of a series, a new one for a new series."""
        return self.rows.setdefault(series, len(self.rows))

    def add(self, series: Sequence[bytes], quarters: Int64s, quantities: Int64s) -> None:
        """Count readings, shape (readings,) each."""
        known = self.rows
        rows = np.fromiter(
            (known[one] if one in known else self.row(one) for one in series), np.int64, len(series)
        )
        np.maximum.at(self.newest, rows, quarters)
        for quarter in np.unique(quarters).tolist():
            here = quarters == quarter
            of, quantity = self.of[quarter % QUARTERS], self.quantity[quarter % QUARTERS]
            fresh = rows[here][of[rows[here]] < quarter]
            of[fresh], quantity[fresh] = quarter, 0
            counted = here & (of[rows] == quarter)
            np.add.at(quantity, rows[counted], quantities[counted])
        self.changed[rows] = True

    def take(self) -> list[tuple[bytes, bytes, int]]:
        """Return series, state and sum of what changed since the last call."""
        rows = np.flatnonzero(self.changed)
        self.changed[rows] = False
        inside = self.of[:, rows] > self.newest[rows] - QUARTERS
        kept = np.where(inside, self.quantity[:, rows], 0)
        states = np.vstack([self.newest[rows], kept]).T.copy()
        names = list(self.rows)
        found = zip(rows.tolist(), states, kept.sum(axis=0).tolist(), strict=True)
        return [(names[row], state.tobytes(), total) for row, state, total in found]

    def restore(self, series: bytes, state: bytes) -> None:
        """Take the state of a series in."""
        row, numbers = self.row(series), np.frombuffer(state, np.int64)
        newest = int(numbers[0])
        quarters = np.arange(newest - QUARTERS + 1, newest + 1)
        self.newest[row] = newest
        self.of[quarters % QUARTERS, row] = quarters
        self.quantity[:, row] = numbers[1:]


class Floor:
    """The loop over all partitions of a topic."""

    def __init__(self, task: Mapping[str, str]) -> None:
        self.task = task
        self.exact = task["guarantee"] == "exactly-once"
        self.kill_at = int(task.get("kill_at", "0"))
        self.commits = 0
        self.block = Block(Path(task["schema"]))
        self.frame = b"\0" + int(task["schema_id"]).to_bytes(4, "big")
        self.consumer = self._consumer()
        self.sums = {number: Sums() for number in range(int(task["partitions"]))}
        self.next = dict.fromkeys(self.sums, 0)
        self.applied: set[int] = set()
        self.ended: set[int] = set()
        self.producers = {number: self._producer(number) for number in self.sums}

    def _consumer(self) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self.task["bootstrap"],
                "group.id": self.task["group"],
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.queue.backoff.ms": 10,
                "queued.min.messages": 1_000_000,
            }
        )

    def _producer(self, number: int) -> Producer:
        shared = {
            "bootstrap.servers": self.task["bootstrap"],
            "enable.idempotence": True,
            "linger.ms": 5,
            "compression.type": "lz4",
        }
        if not self.exact:
            return Producer(shared)
        made = Producer({**shared, "transactional.id": f"{self.task['group']}-{number}"})
        made.init_transactions(TIMEOUT_S)
        return made

    def restore(self) -> None:
        """Read the changelog to its end, then start where the group has committed."""
        changelog = [TopicPartition(self.task["changelog"], number, 0) for number in self.sums]
        self.consumer.assign(changelog)
        while len(self.ended) < len(changelog):
            for series, state, number, _ in self._fetch():
                self.sums[number].restore(series, state)
        self.next = self._committed()
        self.consumer.assign(
            [TopicPartition(self.task["topic"], *pair) for pair in self.next.items()]
        )

    def _committed(self) -> dict[int, int]:
        """Return the next offset of each partition; a coordinator that just started is asked again."""
        inputs = [TopicPartition(self.task["topic"], number) for number in self.sums]
        while True:
            try:
                found = self.consumer.committed(inputs, TIMEOUT_S)
            except KafkaException as error:
                if error.args[0].code() not in SETTLING:
                    raise
                time.sleep(0.1)
            else:
                return {tp.partition: max(0, tp.offset) for tp in found}

    def _fetch(self) -> Iterator[tuple[bytes, bytes, int, int]]:
        """Yield key, value, partition and offset of what is there; note the partitions that came to their end."""
        for message in self.consumer.consume(BATCH, 0.05):
            error, number, offset = message.error(), message.partition(), message.offset()
            assert number is not None
            assert offset is not None
            if error is None:
                key, value = message.key(), message.value()
                assert key is not None
                assert value is not None
                yield key, value, number, offset
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 it has no other name
                self.ended.add(number)
            else:
                raise KafkaException(error)

    def take_in(self) -> None:
        """Fetch and count."""
        batches: dict[int, list[Entry]] = {}
        for key, value, number, offset in self._fetch():
            batches.setdefault(number, []).append((key, value))
            self.next[number] = offset + 1
        for number, batch in batches.items():
            self.applied.add(number)
            readings = [one for one in batch if one[1][:FRAME_BYTES] == self.frame]
            if readings:
                series, values = zip(*readings, strict=True)
                self.sums[number].add(series, *self.block.read(values))

    def commit(self) -> None:
        """Write and commit what was applied, partition by partition."""
        for number in sorted(self.applied):
            producer = self.producers[number]
            if self.exact:
                producer.begin_transaction()
            for series, state, total in self.sums[number].take():
                self._produce(producer, self.task["changelog"], number, (series, state))
                self._produce(producer, self.task["output"], number, (series, str(total).encode()))
            producer.flush(TIMEOUT_S)
            self.commits += 1
            if self.commits == self.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            reached = [TopicPartition(self.task["topic"], number, self.next[number])]
            if self.exact:
                group = self.consumer.consumer_group_metadata()
                producer.send_offsets_to_transaction(reached, group, TIMEOUT_S)
                producer.commit_transaction(TIMEOUT_S)
            else:
                self.consumer.commit(offsets=reached, asynchronous=False)
        self.applied.clear()

    def _produce(self, producer: Producer, topic: str, number: int, message: Entry) -> None:
        while True:
            try:
                producer.produce(topic, key=message[0], value=message[1], partition=number)
            except BufferError:
                producer.poll(0.1)
            else:
                return

    def run(self) -> None:
        """Run until SIGTERM."""
        stopped: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
        self.restore()
        interval_s = float(self.task["interval_s"])
        due = time.monotonic() + interval_s
        while not stopped:
            self.take_in()
            if time.monotonic() >= due:
                self.commit()
                due = time.monotonic() + interval_s
        self.commit()
        self.consumer.close()


if __name__ == "__main__":
    Floor(arguments()).run()
