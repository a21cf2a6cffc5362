"""The market stage: positions, facts and commands in, matches, outcomes and alerts out. Partitioned by programme."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from runtime.log import Batch, OutRecord, Record
from runtime.stage import Begun, Changes, Job, Past
from schemas.errors import DecodeError
from schemas.event_blocks import EventBlocks
from schemas.events import Alert, Command, Coordinates, Event, FacilityFacts, Position, Tick
from schemas.topic_files import topic_files
from stream_processors.market_past import MarketPast
from stream_processors.outbox import Outbox
from stream_processors.rejection import (
    MOST_BYTES,
    Fault,
    coordinates,
    failure,
    misplaced,
    rejected,
    too_large,
    undecodable,
)
from stream_processors.sizes import fitting
from synergy.catalogue import Catalogue
from synergy.market import FailedSolve, MarketState, Received, SolveResult

STAGE = "market"


@dataclass(slots=True)
class MarketPartition:
    """One partition: the pure state, and the rejections that the next commit writes."""

    market: MarketState
    rejections: list[OutRecord] = field(default_factory=list[OutRecord])


class MarketStage:
    """Implements `runtime.stage.Stage`."""

    def __init__(self, catalogue: Catalogue, blocks: EventBlocks, outbox: Outbox) -> None:
        self._catalogue = catalogue
        self._blocks = blocks
        self._codec = blocks.codec
        self._outbox = outbox

    def restore(self, partition: int, parts: Mapping[bytes, bytes]) -> MarketPartition:
        """See `runtime.stage.Stage.restore`: a fold; nothing is solved or published."""
        market = MarketState.restore(self._catalogue, parts.items(), self._blocks.decode)
        return MarketPartition(market)

    def begin(self, partition: int, past: Past) -> Begun[MarketPartition]:
        """See `runtime.stage.Stage.begin`: a fold of what was published; the inputs go on where that ends."""
        begun = MarketPast.of(past, partition, self._codec, self._catalogue).begun(STAGE)
        return Begun(MarketPartition(begun.state), begun.next)

    def apply(self, state: MarketPartition, batch: Batch, now_us: int) -> None:
        """See `runtime.stage.Stage.apply`."""
        belonging = topic_files()[batch.tp.topic].records
        read = self._blocks.decode(batch.records.values)
        for record, event in zip(batch.records, read, strict=True):
            value = record.value
            if event is None or value is None:
                continue  # a series or facility left; its facts said so before
            if isinstance(event, DecodeError):
                self._reject(state, batch, record, undecodable(event))
            elif type(event).__name__ not in belonging:
                self._reject(state, batch, record, misplaced(type(event).__name__, batch.tp))
            elif isinstance(event, Command) and (size := len(value)) > MOST_BYTES:
                self._reject(state, batch, record, too_large(size))
            else:
                _take(state.market, event, coordinates(batch.tp, record.offset), value)

    def tell_time(self, state: MarketPartition, now_us: int) -> None:
        """See `runtime.stage.Stage.tell_time`: commands that wait are answered before anything expires."""
        state.market.tell_time(now_us)

    def tick(self, state: MarketPartition, now_us: int) -> bool:
        """See `runtime.stage.Stage.tick`: matches of live programmes may have expired."""
        state.market.clock(now_us)
        return True

    def reject(self, state: MarketPartition, batch: Batch, error: BaseException) -> None:
        """See `runtime.stage.Stage.reject`. A command has an outcome too."""
        record = batch.records[0]
        self._reject(state, batch, record, failure(STAGE, error))
        with suppress(DecodeError):
            event = None if record.value is None else self._codec.decode(record.value)
            if isinstance(event, Command):
                state.market.refuse_command(event, coordinates(batch.tp, record.offset))

    def _reject(self, state: MarketPartition, batch: Batch, record: Record, fault: Fault) -> None:
        event = rejected(STAGE, batch.tp, record, fault)
        state.rejections.append(self._outbox.rejected(event))

    def changed(self, state: MarketPartition) -> int:
        """See `runtime.stage.Stage.changed`."""
        return state.market.changed + len(state.rejections)

    def freeze(self, state: MarketPartition, applied: Mapping[str, int]) -> Changes:
        """See `runtime.stage.Stage.freeze`."""
        outputs = (*self._outbox.records(state.market.take_events()), *state.rejections)
        state.rejections.clear()
        return fitting(Changes(state.market.take_parts(), outputs))

    def job(self, state: MarketPartition) -> Job | None:
        """See `runtime.stage.Stage.job`: the solve of one dirty market."""
        solve = state.market.job()
        return None if solve is None else Job(solve)

    def absorb(self, state: MarketPartition, result: object, now_us: int) -> None:
        """See `runtime.stage.Stage.absorb`."""
        assert isinstance(result, SolveResult | FailedSolve)
        state.market.absorb(result)


def _take(market: MarketState, event: Event, at: Coordinates, value: bytes) -> None:
    match event:
        case Position():
            market.apply_position(Received(event, at, value))
        case FacilityFacts():
            market.apply_facts(event, at)
        case Command():
            market.apply_command(event, at)
        case Alert():
            market.apply_alert(event)
        case Tick():
            market.apply_tick(event)
        case _:
            raise AssertionError  # the topic files name no other record
