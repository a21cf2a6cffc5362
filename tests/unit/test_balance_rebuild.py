"""A balance that is rebuilt from its input ends with the same state and publishes only what is new."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace

import pytest

from runtime.log import Batch, Record, Records, TopicPartition
from schemas import topic_files
from schemas.block import BlockReaders
from schemas.events import Availability, Event, Facility, FacilityFacts, Position, Rejected
from schemas.topic_files import AVAILABILITY, FACILITIES, REJECTED
from stream_processors.balance import UNITS, BalanceStage, BalanceState
from stream_processors.outbox import Outbox
from synergy.balance import PartError
from synergy.balance.terms import DAY_US, VERSION
from tests.market.values import CODEC
from tests.property.balance_input import NOW_2024, RULES, facility, reading
from tests.unit.test_told_rejections import Kept

INPUTS = (FACILITIES, AVAILABILITY)
STAGE = BalanceStage(
    RULES,
    BlockReaders(CODEC),
    Outbox("balance", CODEC, dict.fromkeys(topic_files.topic_files(), 1)),
    1,
    lambda: 7,
)


@dataclass(frozen=True)
class Committed(Kept):
    """A past whose group has committed something."""

    positions: dict[str, int] = field(default_factory=dict[str, int])
    parts: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])

    def reached(self, topic: str) -> int:
        return self.positions.get(topic, self.bounds(topic)[0])

    def part(self, key: bytes) -> bytes | None:
        return self.parts.get(key)


class Plant:
    """Its records in Kafka, and a stage that reads them in commits of a given size."""

    def __init__(self) -> None:
        self.topics: dict[str, list[Record]] = {FACILITIES: [], AVAILABILITY: []}

    def write(self, topic: str, *events: Event) -> None:
        log = self.topics[topic]
        for event in events:
            key = event.id.encode() if isinstance(event, Facility) else b"k"
            log.append(Record(len(log), key, CODEC.encode(plain(event)), NOW_2024 // 1_000))

    def read(
        self,
        state: BalanceState,
        applied: dict[str, int],
        size: int,
        parts: dict[bytes, bytes],
        now_us: int = NOW_2024,
    ) -> list[Event]:
        """Let the stage read the rest; return what it published, and keep its changelog in `parts`."""
        published: list[Event] = []
        for topic in INPUTS:
            log = self.topics[topic]
            while applied[topic] < len(log):
                some = log[applied[topic] : applied[topic] + size]
                STAGE.apply(state, _batch(topic, some), now_us)
                applied[topic] += len(some)
                changes = STAGE.freeze(state, dict(applied))
                for key, value in changes.parts.items():
                    parts.pop(key, None)
                    if value is not None:
                        parts[key] = value
                published += [CODEC.decode(one.value or b"") for one in changes.outputs]
        return published

    def rebuilt(
        self, reached: dict[str, int], given_up: dict[bytes, bytes] | None = None
    ) -> tuple[BalanceState, dict[str, int]]:
        begun = STAGE.begin(0, Committed(self.topics, reached, given_up or {}))
        return begun.state, dict(begun.next)

    def refused(self, events: Iterable[Event]) -> None:
        """Keep the rejections among what was published."""
        found = [one for one in events if isinstance(one, Rejected)]
        self.topics[REJECTED] = [
            Record(offset, b"k", CODEC.encode(one), NOW_2024 // 1_000 + 1)
            for offset, one in enumerate(found)
        ]


def plain(event: Event) -> Event:
    """The samples' readings are of a class that prints in one line, which no codec knows."""
    if not isinstance(event, Availability):
        return event
    return Availability(**{one.name: getattr(event, one.name) for one in fields(Availability)})


def _batch(topic: str, some: list[Record]) -> Batch:
    first, last = some[0].offset, some[-1].offset
    return Batch(TopicPartition(topic, 0), first, last + 1, 0, Records.of(some))


def _later(state: BalanceState, applied: dict[str, int]) -> list[Event]:
    """Let two days pass; return what is published then."""
    STAGE.tick(state, NOW_2024 + 2 * DAY_US)
    outputs = STAGE.freeze(state, dict(applied)).outputs
    return [CODEC.decode(one.value or b"") for one in outputs]


def _codes(events: Iterable[Event]) -> list[str]:
    return [one.code for one in events if isinstance(one, Rejected)]


def _amounts(events: Iterable[Event]) -> list[int]:
    return [one.quantity_24h for one in events if isinstance(one, Position)]


def test_what_was_published_before_is_not_published_again() -> None:
    plant, parts = Plant(), dict[bytes, bytes]()
    plant.write(FACILITIES, facility("a", "live"))
    plant.write(AVAILABILITY, *(reading(sequence=n, quantity=n * 1_000_000) for n in range(1, 9)))
    state, applied = plant.rebuilt({})
    first = plant.read(state, applied, 3, parts)
    assert sum(isinstance(one, FacilityFacts) for one in first) == 1
    assert _amounts(first) == [6_000_000, 21_000_000, 36_000_000]

    plant.write(AVAILABILITY, reading(sequence=9, quantity=50_000_000))
    again: dict[bytes, bytes] = {}
    state, now = plant.rebuilt({FACILITIES: 1, AVAILABILITY: 8})
    assert _amounts(plant.read(state, now, 4, again)) == [86_000_000]
    plant.read(STAGE.restore(0, parts), applied, 3, parts)
    assert plant.read(state, now, 4, again) == []
    assert again == parts


def test_a_rebuild_that_is_interrupted_goes_on_without_a_word() -> None:
    plant, parts = Plant(), dict[bytes, bytes]()
    plant.write(FACILITIES, facility("a", "live"))
    plant.write(AVAILABILITY, *(reading(sequence=n, quantity=n * 1_000_000) for n in range(1, 9)))
    whole = plant.topics[AVAILABILITY]
    plant.topics[AVAILABILITY] = whole[:4]
    begun = STAGE.begin(
        0, Committed({**plant.topics, AVAILABILITY: whole}, {FACILITIES: 1, AVAILABILITY: 7})
    )
    applied = dict(begun.next)
    assert plant.read(begun.state, applied, 2, parts) == []
    plant.topics[AVAILABILITY] = whole
    restored = STAGE.restore(0, parts)
    published = plant.read(restored, applied, 1, parts)
    assert _amounts(published) == [36_000_000]


def test_a_rebuild_that_is_begun_anew_before_its_end_publishes_nothing_old() -> None:
    """A worker that rebuilds tells the group how far it is, which is less than what was published."""
    plant, parts = Plant(), dict[bytes, bytes]()
    plant.write(FACILITIES, facility("a", "live"))
    plant.write(AVAILABILITY, *(reading(sequence=n, quantity=n * 1_000_000) for n in range(1, 9)))
    whole = plant.topics[AVAILABILITY]
    begun = STAGE.begin(0, Committed(plant.topics, {FACILITIES: 1, AVAILABILITY: 8}))
    applied = dict(begun.next)
    plant.topics[AVAILABILITY] = whole[:2]
    assert plant.read(begun.state, applied, 1, parts) == []
    plant.topics[AVAILABILITY] = whole
    again, now = plant.rebuilt(applied, parts)
    assert plant.read(again, now, 3, {}) == []


def test_how_far_a_former_topic_was_read_says_nothing_of_the_present_one() -> None:
    plant, parts = Plant(), dict[bytes, bytes]()
    plant.write(FACILITIES, facility("a", "live"))
    plant.write(AVAILABILITY, *(reading(sequence=n) for n in range(1, 9)))
    begun = STAGE.begin(0, Committed(plant.topics, {FACILITIES: 1, AVAILABILITY: 8}))
    STAGE.apply(begun.state, _batch(FACILITIES, plant.topics[FACILITIES]), NOW_2024)
    changes = STAGE.freeze(begun.state, {FACILITIES: 1, AVAILABILITY: 0})
    parts = {key: value for key, value in changes.parts.items() if value is not None}
    plant.topics[AVAILABILITY] = plant.topics[AVAILABILITY][:3]  # made anew since
    again, now = plant.rebuilt({}, parts)
    assert _amounts(plant.read(again, now, 3, {})) == [3_000_000]


def test_what_was_refused_does_not_count_in_a_rebuild_either() -> None:
    """The ledger leaves it out, and its sender has sent it anew with another sequence."""
    plant, parts = Plant(), dict[bytes, bytes]()
    plant.write(AVAILABILITY, reading(sequence=1, quantity=1_000_000))
    state, applied = plant.rebuilt({})
    said = plant.read(state, applied, 5, parts)
    assert _codes(said) == ["unknown_facility"]
    plant.write(FACILITIES, facility("a", "live"))
    plant.write(AVAILABILITY, reading(sequence=2, quantity=1_000_000))
    said += plant.read(state, applied, 5, parts)
    assert _amounts(said) == [1_000_000]
    plant.write(AVAILABILITY, reading(sequence=3, quantity=5_000_000))
    plant.refused(said)
    again, now = plant.rebuilt({FACILITIES: 1, AVAILABILITY: 2})
    assert _amounts(plant.read(state, applied, 5, parts)) == [6_000_000]
    assert _amounts(plant.read(again, now, 5, {})) == [6_000_000]


def test_what_had_counted_is_not_refused_when_its_facility_has_left() -> None:
    plant, parts = Plant(), dict[bytes, bytes]()
    plant.write(FACILITIES, facility("a", "live"))
    plant.write(AVAILABILITY, reading(sequence=1))
    state, applied = plant.rebuilt({})
    said = plant.read(state, applied, 5, parts)
    plant.topics[FACILITIES].append(Record(1, b"a", None, NOW_2024 // 1_000))
    said += plant.read(state, applied, 5, parts)
    assert _codes(said) == []
    again, now = plant.rebuilt({FACILITIES: 2, AVAILABILITY: 1})
    assert _codes(plant.read(again, now, 5, {})) == []


def test_what_went_stale_while_nobody_worked_is_told_after_a_rebuild_too() -> None:
    plant, parts = Plant(), dict[bytes, bytes]()
    plant.write(FACILITIES, facility("a", "live"))
    plant.write(AVAILABILITY, reading(sequence=1))
    state, applied = plant.rebuilt({})
    first = plant.read(state, applied, 5, parts)
    assert [one.stale for one in first if isinstance(one, Position)] == [False]
    restarted = _later(STAGE.restore(0, parts), applied)
    again, now = plant.rebuilt({FACILITIES: 1, AVAILABILITY: 1})
    assert plant.read(again, now, 5, {}, NOW_2024 + 2 * DAY_US) == []
    rebuilt = _later(again, now)
    for told in (restarted, rebuilt):
        assert [one.stale for one in told if isinstance(one, Position)] == [True]


def test_a_facility_that_came_after_the_former_state_is_told() -> None:
    plant, parts = Plant(), dict[bytes, bytes]()
    plant.write(FACILITIES, facility("a", "live"), facility("b", "live"))
    plant.write(AVAILABILITY, reading(sequence=1), reading(sequence=2))
    state, applied = plant.rebuilt({FACILITIES: 1, AVAILABILITY: 2})
    published = plant.read(state, applied, 1, parts)
    assert [one.facility for one in published if isinstance(one, FacilityFacts)] == ["b"]
    assert _amounts(published) == []


@pytest.mark.parametrize("key", [b"", b"\x00unknown"])
def test_a_part_that_nobody_knows_is_refused(key: bytes) -> None:
    with pytest.raises(PartError, match="unknown kind"):
        STAGE.restore(0, {key: bytes([VERSION])})


def _with_units(**units: str) -> BalanceStage:
    rules = {name: replace(rule, unit=units.get(name, rule.unit)) for name, rule in RULES.items()}
    outbox = Outbox("balance", CODEC, dict.fromkeys(topic_files.topic_files(), 1))
    return BalanceStage(rules, BlockReaders(CODEC), outbox, 1, lambda: 7)


def test_sums_of_another_base_unit_stop_the_partition_with_the_command_that_rebuilds_it() -> None:
    plant, parts = Plant(), dict[bytes, bytes]()
    plant.write(FACILITIES, facility("a", "live"))
    plant.write(AVAILABILITY, reading(sequence=1))
    plant.read(STAGE.restore(0, {}), {FACILITIES: 0, AVAILABILITY: 0}, 10, parts)
    STAGE.restore(0, parts)
    material = reading(sequence=1).material
    with pytest.raises(PartError, match=f"{material} was counted in GRM"):
        _with_units(**{material: "LTR"}).restore(0, parts)


def test_the_units_of_the_sums_are_written_once() -> None:
    plant, parts = Plant(), dict[bytes, bytes]()
    plant.write(FACILITIES, facility("a", "live"))
    state = STAGE.restore(0, {})
    plant.read(state, {FACILITIES: 0, AVAILABILITY: 0}, 10, parts)
    assert UNITS in parts
    again = STAGE.restore(0, parts)
    assert STAGE.freeze(again, {FACILITIES: 1, AVAILABILITY: 0}).empty
