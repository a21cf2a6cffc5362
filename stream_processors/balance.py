"""The balance stage: readings and facilities in, positions, facility facts and alerts out. Partitioned by facility."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import compress

import numpy as np
import numpy.typing as npt
import polars as pl

from runtime.log import Batch, OutRecord
from runtime.stage import Begun, Changes, Job, Past
from schemas import topic_files
from schemas.block import BlockReaders, Group, decode_batch
from schemas.errors import DecodeError
from schemas.events import Facility, FacilityFacts, Tick
from schemas.routing import partition_for
from stream_processors.outbox import Outbox
from stream_processors.rebuild import KEY, Rebuild
from stream_processors.rejection import (
    MOST_BYTES,
    Fault,
    failure,
    misplaced,
    rejected,
    too_large,
    undecodable,
)
from stream_processors.sizes import fitting
from stream_processors.told_rejections import PREFIX, ToldRejections
from synergy.balance import MaterialRule, PartitionBalances
from synergy.balance.enrolment import BAD_FACILITY, flaw_of
from synergy.balance.errors import PartError
from synergy.balance.terms import arrival_us
from synergy.balance.validation import REASONS
from synergy.catalogue import Catalogue

STAGE = "balance"
_NO_TOMBSTONES = Fault("tombstone", None, "availability has no tombstones: send a reading")
UNITS = b"\x00units"
_BALANCE_KEYS = b"\x01"  # a key of the balances is larger than this, one of the stage smaller
_MICROSECOND = timedelta(microseconds=1)


def material_rules(catalogue: Catalogue) -> Mapping[str, MaterialRule]:
    """Return what the stage has to know of each material."""
    return {
        material.id: MaterialRule(
            material.base_unit, material.max_per_day, material.stale_after // _MICROSECOND
        )
        for material in catalogue.materials.values()
    }


@dataclass(slots=True)
class BalanceState:
    """One partition: the pure state, and the rejections that the next commit writes.

    `units` are the base units of materials in which the sums were made, as the changelog has them.
    """

    partition: int
    balances: PartitionBalances
    told: ToldRejections = field(default_factory=ToldRejections)
    rebuild: Rebuild = field(default_factory=Rebuild)
    rejections: list[OutRecord] = field(default_factory=list[OutRecord])
    units: dict[str, str] = field(default_factory=dict[str, str])


class BalanceStage:
    """Implements `runtime.stage.Stage`; `draw_token` gives a random number of 63 bits for each batch."""

    def __init__(
        self,
        rules: Mapping[str, MaterialRule],
        readers: BlockReaders,
        outbox: Outbox,
        partitions: int,
        draw_token: Callable[[], int],
    ) -> None:
        self._rules = rules
        self._readers = readers
        self._outbox = outbox
        self._partitions = partitions
        self._draw_token = draw_token

    def restore(self, partition: int, parts: Mapping[bytes, bytes]) -> BalanceState:
        """See `runtime.stage.Stage.restore`."""
        first = [key for key in parts if key < _BALANCE_KEYS]
        own = {key: parts[key] for key in first if key in {KEY, UNITS} or key.startswith(PREFIX)}
        if own:
            parts = {key: value for key, value in parts.items() if key not in own}
        told = {key: value for key, value in own.items() if key.startswith(PREFIX)}
        rebuild = Rebuild.restore(own.get(KEY))
        units = self._same_units(own.get(UNITS))
        balances = PartitionBalances.restore(
            topic_files.AVAILABILITY,
            partition,
            self._rules,
            parts,
            lambda facility: partition_for(facility, self._partitions),
        )
        return BalanceState(partition, balances, ToldRejections.restore(told), rebuild, units=units)

    def _same_units(self, part: bytes | None) -> dict[str, str]:
        """Return the units of the sums. Raises PartError where this catalogue counts a material in another one."""
        units: dict[str, str] = {} if part is None else json.loads(part)
        for material, unit in units.items():
            rule = self._rules.get(material)
            if rule is not None and rule.unit != unit:
                raise PartError(
                    UNITS,
                    f"{material} was counted in {unit}, and the catalogue has {rule.unit} for it: they can't be added",
                )
        return units

    def begin(self, partition: int, past: Past) -> Begun[BalanceState]:
        """See `runtime.stage.Stage.begin`: everything follows from the input, so it is read from its start.

        What follows from the part that a former state had applied was published then, and is not published again.
        """
        inputs = (topic_files.AVAILABILITY, topic_files.FACILITIES)
        state = self.restore(partition, {})
        state.told = ToldRejections.of(past, self._readers.codec, STAGE, inputs)
        state.rebuild = Rebuild.of(past, inputs)
        return Begun(state, {topic: past.bounds(topic)[0] for topic in inputs})

    def apply(self, state: BalanceState, batch: Batch, now_us: int) -> None:
        """See `runtime.stage.Stage.apply`. Time is that of the readings: who is behind knows of nothing after them."""
        if batch.tp.topic == topic_files.FACILITIES:
            for row in range(len(batch.records)):
                self._apply_facility(state, batch, row)
                if state.rebuild.is_told(batch.tp.topic, batch.records.offsets[row]):
                    state.balances.facilities_are_told()
            return
        state.balances.clock(min(now_us, max(batch.records.appended_ms) * 1_000))
        decoded = decode_batch(batch.records.values, self._readers, self._draw_token())
        for bad in decoded.bad:
            self._reject(state, batch, bad.row, undecodable(bad.error))
        for row in decoded.tombstones.tolist():
            self._reject(state, batch, row, _NO_TOMBSTONES)
        for group in decoded.groups:
            self._apply_group(state, batch, group)

    def _apply_group(self, state: BalanceState, batch: Batch, group: Group) -> None:
        if group.record == "Tick":
            for value in group.values:
                tick = self._readers.codec.decode(value)
                assert isinstance(tick, Tick)
                state.balances.apply_tick(tick)
            return
        if group.record != "Availability":
            for row in group.rows.tolist():
                self._reject(state, batch, row, misplaced(group.record, batch.tp))
            return
        group = self._without_refused(state, batch, group)
        group = self._without_large(state, batch, group)
        offsets = np.array(batch.records.offsets, np.int64)
        arrived = arrival_us(np.array(batch.records.appended_ms, np.int64))
        refusals = state.balances.apply_readings(
            group.frame, offsets[group.rows], arrived[group.rows]
        )
        for refusal in refusals:
            fault = Fault(
                refusal.code, refusal.field, refusal.message, refusal.facility, refusal.source
            )
            self._reject(state, batch, int(group.rows[refusal.row]), fault)

    def _without_refused(self, state: BalanceState, batch: Batch, group: Group) -> Group:
        """Leave out what the former state refused: the ledger does, and it was sent anew if somebody cared."""
        refused = state.told.among(batch.tp.topic, batch.records.offsets)
        return group if not refused else _only(group, ~np.isin(group.rows, refused))

    def _without_large(self, state: BalanceState, batch: Batch, group: Group) -> Group:
        """Reject readings whose texts would swell the state and every position of their series."""
        sizes = np.fromiter(map(len, group.values), np.int64, len(group.values))
        large = sizes > MOST_BYTES
        if not large.any():
            return group
        for place in np.flatnonzero(large).tolist():
            self._reject(state, batch, int(group.rows[place]), too_large(int(sizes[place])))
        return _only(group, ~large)

    def _apply_facility(self, state: BalanceState, batch: Batch, row: int) -> None:
        record = batch.records[row]
        if record.value is None:
            facility = (record.key or b"").decode(errors="replace")
            state.balances.drop_facility(facility, record.offset)
            return
        try:
            event = self._readers.codec.decode(record.value)
        except DecodeError as error:
            self._reject(state, batch, row, undecodable(error))
            return
        if not isinstance(event, Facility):
            self._reject(state, batch, row, misplaced(type(event).__name__, batch.tp))
        elif len(record.value) > MOST_BYTES:
            self._reject(state, batch, row, too_large(len(record.value)))
        elif fault := self._enrolment_fault(state, event, record.key):
            self._reject(state, batch, row, fault)
        else:
            state.balances.put_facility(event, record.offset)

    def _enrolment_fault(
        self, state: BalanceState, facility: Facility, key: bytes | None
    ) -> Fault | None:
        flaw = flaw_of(facility, key)
        if flaw is not None:
            return Fault(BAD_FACILITY, flaw.field, flaw.message, facility.id, facility.source)
        if partition_for(facility.id, self._partitions) == state.partition:
            return None
        _, text = REASONS["wrong_partition"]
        message = text.format(facility=facility.id)
        return Fault("wrong_partition", "id", message, facility.id, facility.source)

    def tell_time(self, state: BalanceState, now_us: int) -> None:
        """See `runtime.stage.Stage.tell_time`."""
        self.tick(state, now_us)

    def tick(self, state: BalanceState, now_us: int) -> bool:
        """See `runtime.stage.Stage.tick`: positions of live programmes may have become stale."""
        if state.rebuild.until:
            return False
        state.balances.clock(now_us)
        return True

    def reject(self, state: BalanceState, batch: Batch, error: BaseException) -> None:
        """See `runtime.stage.Stage.reject`."""
        self._reject(state, batch, 0, failure(STAGE, error))

    def _reject(self, state: BalanceState, batch: Batch, row: int, fault: Fault) -> None:
        topic, offset = batch.tp.topic, batch.records.offsets[row]
        if state.told.has(topic, offset) or state.rebuild.is_told(topic, offset):
            return
        event = rejected(STAGE, batch.tp, batch.records[row], fault)
        state.rejections.append(self._outbox.rejected(event))

    def changed(self, state: BalanceState) -> int:
        """See `runtime.stage.Stage.changed`."""
        return state.balances.changed + len(state.rejections)

    def freeze(self, state: BalanceState, applied: Mapping[str, int]) -> Changes:
        """See `runtime.stage.Stage.freeze`."""
        next_offset = applied[topic_files.AVAILABILITY]
        published = state.rebuild.is_told(topic_files.AVAILABILITY, next_offset - 1)
        events = state.balances.take_events(next_offset)
        alerts = state.balances.take_gap_alerts(published=published)
        if published:
            events = tuple(one for one in events if isinstance(one, FacilityFacts))
        outputs = (*self._outbox.records([*events, *alerts]), *state.rejections)
        state.rejections.clear()
        own = {**state.told.take_parts(applied), **state.rebuild.take_part(applied)}
        parts = {**state.balances.take_parts(), **own}
        return fitting(Changes({**parts, **(self._units(state) if parts else {})}, outputs))

    def _units(self, state: BalanceState) -> dict[bytes, bytes]:
        """Return what the next commit has to write of the units: a material that left the catalogue may come back."""
        units = {**state.units, **{material: rule.unit for material, rule in self._rules.items()}}
        if units == state.units:
            return {}
        state.units = units
        return {UNITS: json.dumps(units).encode()}

    def job(self, state: BalanceState) -> Job | None:
        """The stage has no long work."""
        return None

    def absorb(self, state: BalanceState, result: object, now_us: int) -> None:
        """The stage has no long work."""
        raise NotImplementedError


def _only(group: Group, kept: npt.NDArray[np.bool_]) -> Group:
    return replace(
        group,
        rows=group.rows[kept],
        values=list(compress(group.values, kept.tolist())),
        frame=group.frame.filter(pl.Series(kept)),
    )
