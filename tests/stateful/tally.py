"""The smallest stage that counts: sums per key of records `key -> b"id:value"`, each id once.

`boom` makes it raise when it is applied, `late boom` when what it changed is encoded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from runtime.log import Batch, OutRecord, Record, TopicPartition
from runtime.stage import Begun, Changes, Job, Past

INPUT, SETUP, OUTPUT, CHANGELOG = "tally.in", "tally.setup", "tally.out", "tally.changelog"
POISON, LATE_POISON = b"boom", b"late boom"
POISONS = (POISON, LATE_POISON)


@dataclass(slots=True)
class TallyState:
    partition: int
    sums: dict[str, int] = field(default_factory=dict[str, int])
    seen: set[str] = field(default_factory=set[str])
    setup: int = 0
    dirty: set[str] = field(default_factory=set[str])
    rejected: list[OutRecord] = field(default_factory=list[OutRecord])
    cursed: bool = False


def parse(record: Record) -> tuple[str, str, int]:
    """Return key, identity and value of an input record."""
    assert record.key is not None
    assert record.value is not None
    if record.value == POISON:
        raise ZeroDivisionError
    identity, value = record.value.decode().split(":")
    return record.key.decode(), identity, int(value)


@dataclass(frozen=True, slots=True)
class TallyStage:
    """Implements `runtime.stage.Stage`; a log that outlives a test has topics with a prefix of their own."""

    prefix: str = ""

    def restore(self, partition: int, parts: Mapping[bytes, bytes]) -> TallyState:
        state = TallyState(partition)
        for key, value in parts.items():
            if key == b"setup":
                state.setup = int(value)
            else:
                row = json.loads(value)
                state.sums[key.decode()] = row["sum"]
                state.seen.update(row["seen"])
        return state

    def begin(self, partition: int, past: Past) -> Begun[TallyState]:
        inputs = (self.prefix + INPUT, self.prefix + SETUP)
        return Begun(TallyState(partition), {topic: past.bounds(topic)[0] for topic in inputs})

    def apply(self, state: TallyState, batch: Batch, now_us: int) -> None:
        for record in batch.records:
            if batch.tp.topic == self.prefix + SETUP:
                state.setup += 1
                state.dirty.add("setup")
                continue
            if record.value == LATE_POISON:
                state.cursed = True
                state.sums["a"] = state.sums.get("a", 0) + 1_000_000  # must never be seen
                continue
            key, identity, value = parse(
                record
            )  # raises after earlier rows were applied, on purpose
            if f"{key}/{identity}" not in state.seen:
                state.seen.add(f"{key}/{identity}")
                state.sums[key] = state.sums.get(key, 0) + value
                state.dirty.add(key)

    def tell_time(self, state: TallyState, now_us: int) -> None:
        del state, now_us

    def tick(self, state: TallyState, now_us: int) -> bool:
        return False

    def reject(self, state: TallyState, batch: Batch, error: BaseException) -> None:
        [record] = batch.records
        tp = TopicPartition(self.prefix + OUTPUT, state.partition)
        state.rejected.append(OutRecord(tp, b"rejected", str(record.offset).encode()))

    def changed(self, state: TallyState) -> int:
        return len(state.dirty) + len(state.rejected)

    def freeze(self, state: TallyState, applied: Mapping[str, int]) -> Changes:
        if state.cursed:
            raise OverflowError
        parts: dict[bytes, bytes | None] = {}
        outputs = list(state.rejected)
        for key in sorted(state.dirty):
            if key == "setup":
                parts[b"setup"] = str(state.setup).encode()
                continue
            seen = sorted(s for s in state.seen if s.startswith(f"{key}/"))
            parts[key.encode()] = json.dumps({"sum": state.sums[key], "seen": seen}).encode()
            said = {
                "sum": state.sums[key],
                "next": applied[self.prefix + INPUT],
                "setup": state.setup,
            }
            tp = TopicPartition(self.prefix + OUTPUT, state.partition)
            outputs.append(OutRecord(tp, key.encode(), json.dumps(said).encode()))
        state.dirty.clear()
        state.rejected.clear()
        return Changes(parts, tuple(outputs))

    def job(self, state: TallyState) -> Job | None:
        return None

    def absorb(self, state: TallyState, result: object, now_us: int) -> None:
        raise NotImplementedError
