"""A replay with both stages behind it, in memory and in one thread: what a person would see, without Kafka."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np

from producers.programmes import Programme
from producers.replay import AVAILABILITY, COMMANDS, FACILITIES, Pace, Replay, Wiring
from producers.spool import Spool
from runtime.publisher import MemoryPublisher
from schemas.block import BlockReaders, decode_batch
from schemas.codec import Codec
from schemas.events import (
    Alert,
    Coordinates,
    Facility,
    Match,
    MatchState,
    Position,
    Tick,
    Unmatched,
)
from schemas.routing import partition_for
from synergy.balance.partition import PartitionBalances
from synergy.balance.terms import MaterialRule
from synergy.catalogue import load_catalogue
from synergy.market.state import MarketState
from tests.market.values import received

IDS = {"Availability": 1, "Tick": 2, "Facility": 3}
MICROSECOND = timedelta(microseconds=1)
OPEN = (MatchState.PROPOSED, MatchState.ACCEPTED_BY_GIVER, MatchState.ACCEPTED_BY_RECEIVER)
NOW_US = 1_790_000_000_000_000


@dataclass
class Seen:
    """What came out so far."""

    positions: dict[tuple[str, str, str], Position] = field(
        default_factory=dict[tuple[str, str, str], Position]
    )
    unmatched: dict[tuple[str, str, str], Unmatched] = field(
        default_factory=dict[tuple[str, str, str], Unmatched]
    )
    alerts: list[Alert] = field(default_factory=list[Alert])
    refused: Counter[str] = field(default_factory=Counter[str])


class Pipeline:
    """Steps a replay and everything behind it; `seconds` is the time of the replay's clock."""

    def __init__(self, programme: Programme, folder: Path, pace: Pace | None = None) -> None:
        self._codec = Codec(IDS)
        self._readers = BlockReaders(self._codec)
        topics = {AVAILABILITY: 1, FACILITIES: 1, COMMANDS: 1}
        self._publisher = MemoryPublisher(topics)
        self._spool = Spool(folder / f"{programme.id}.spool", self._codec.encode, fresh_epoch=1)
        wiring = Wiring(self._codec.encode, partition_for)
        self.replay = Replay(programme, self._spool, self._publisher, wiring, pace)
        catalogue = load_catalogue()
        rules = {
            name: MaterialRule(m.base_unit, m.max_per_day, m.stale_after // MICROSECOND)
            for name, m in catalogue.materials.items()
        }
        self._balance = PartitionBalances.restore(AVAILABILITY, 0, rules, {}, lambda _: 0)
        self._market = MarketState(catalogue)
        self._programme = programme.id
        self._offset = 0
        self.seconds = 0.0
        self.seen = Seen()
        self.replay.start()
        self._take()

    def close(self) -> None:
        """Close the spool."""
        self._spool.close()

    def open_matches(self) -> list[Match]:
        """Return the proposals that people may answer."""
        return [one for one in self._market.matches(self._programme) if one.state in OPEN]

    def run(self, seconds: float) -> None:
        """Let so many seconds of the replay's clock pass."""
        until = self.seconds + seconds
        while self.seconds < until:
            self.step()

    def step(self) -> None:
        """Let half a second pass."""
        self.replay.step(self.seconds)
        self.seconds += 0.5
        self._take()

    def _take(self) -> None:
        records = [one.value for one in self._publisher.acknowledged if one.tp.topic != COMMANDS]
        self._publisher.acknowledged.clear()
        for value in records:
            event = self._codec.decode(value or b"")
            if isinstance(event, Tick):
                self._balance.apply_tick(event)
                self._market.apply_tick(event)
            elif isinstance(event, Facility):
                self._balance.put_facility(event, self._offset)
        decoded = decode_batch(records, self._readers, token=7)
        for group in decoded.groups:
            if group.record == "Availability":
                offsets = np.arange(self._offset, self._offset + group.frame.height)
                refused = self._balance.apply_readings(
                    group.frame, offsets, np.full(len(offsets), NOW_US)
                )
                self.seen.refused.update(one.code for one in refused)
        self._offset += len(records)
        self._publish()

    def _publish(self) -> None:
        for number, event in enumerate(self._balance.take_events(self._offset)):
            at = Coordinates(topic="synergy.positions.v1", partition=0, offset=number)
            if isinstance(event, Position):
                key = (event.facility, event.material, event.direction.value)
                self.seen.positions[key] = event
                self._market.apply_position(received(event, at))
            else:
                self._market.apply_facts(event, at)
        while (job := self._market.job()) is not None:
            self._market.absorb(job())
        for told in self._market.take_events():
            if isinstance(told, Unmatched):
                key = (told.facility, told.material, told.direction.value)
                self.seen.unmatched[key] = told
            elif isinstance(told, Alert):
                self.seen.alerts.append(told)
