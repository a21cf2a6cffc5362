"""The rolling state of one partition of the balance stage.

Pure: no clock, no I/O, no threads (gate: import-linter). Time comes in as an argument, in microseconds since 1970.

A commit takes, in this order and with nothing in between, `take_events`, `take_gap_alerts` and `take_parts`.
What the first two give is noted as published; `restore` from all parts taken so far then gives an object that behaves
like the one they were taken from. Nothing depends on how the input was cut into batches.

Refusals come before duplicates: a reading that breaks a rule is refused whether or not its sequence was seen, and does
not use its sequence up. Mended and sent again with the same identity it is accepted. What comes for a gap that was
declared lost is refused too, so that this stage and the ledger, which leaves out what was refused, count the same.

A reading of quality BAD is accepted and counts in the shares of quality, the flags and the kinds of its day. It adds
nothing to any sum and doesn't move `as_of`: moving the window without a quantity would make bad quality look like no
supply. A source that sends only bad readings leaves its series stale in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Self

import numpy as np
import polars as pl

from schemas.events import Alert, Facility, FacilityFacts, Position, Tick
from synergy.balance.columns import TextColumn
from synergy.balance.gap_alerts import take_gap_alerts
from synergy.balance.parts import take_parts
from synergy.balance.plans import PlanLine
from synergy.balance.positions import take_positions
from synergy.balance.readings import ReadingColumns, Readings
from synergy.balance.restoring import restore, sort_parts
from synergy.balance.spreading import day, quarter
from synergy.balance.state import PartitionState
from synergy.balance.terms import BAD, FLOW, PLAN, Bools, Int64s, MaterialRule, Refusal
from synergy.balance.validation import DECLARED_LOST, Limits, examine, explain, unit_number


class PartitionBalances:
    """All series of one partition, from accepted readings to positions and changelog parts.

    Attributes:
        applied: readings accepted since this object was made (late and bad ones included).
        duplicates: readings whose identity had been seen.
        late: accepted flows that fitted no window.
        refused: refused readings by reason code.
    """

    __slots__ = (
        "_columns",
        "_formula",
        "_source",
        "_state",
        "applied",
        "duplicates",
        "late",
        "refused",
    )

    def __init__(self, state: PartitionState) -> None:
        self._state = state
        pool = f"{state.topic}-{state.partition}"
        self._columns = ReadingColumns(
            facility=TextColumn(f"{pool}-facility", state.facilities.number),
            material=TextColumn(f"{pool}-material", state.limits.number),
            unit=TextColumn(f"{pool}-unit", unit_number),
        )
        self._source = TextColumn(f"{pool}-source", state.texts.number)
        self._formula = TextColumn(f"{pool}-formula", state.texts.number)
        self.applied = 0
        self.duplicates = 0
        self.late = 0
        self.refused: dict[str, int] = {}

    @classmethod
    def restore(
        cls,
        topic: str,
        partition: int,
        rules: Mapping[str, MaterialRule],
        parts: Mapping[bytes, bytes],
        partition_of: Callable[[str], int],
    ) -> Self:
        """Make the state from the latest changelog parts; without parts, an empty state.

        Args:
            topic: input topic, named in the coordinates of positions.
            partition: input partition.
            rules: rule of every material of the catalogue.
            parts: the latest value of every key; their order says nothing.
            partition_of: partition to which a facility belongs.

        Raises:
            PartError: a part is of another format version or damaged.
            ValueError: a rule has a unit that is no base unit.
        """
        kinds = sort_parts(parts)
        limits = Limits.of(rules)
        state = PartitionState(
            topic=topic,
            partition=partition,
            limits=limits,
            materials=sorted(rules),
            belongs=lambda facility: partition_of(facility) == partition,
        )
        restore(state, kinds)
        return cls(state)

    def apply_readings(
        self, frame: pl.DataFrame, offsets: Int64s, arrived_us: Int64s
    ) -> tuple[Refusal, ...]:
        """Take decoded readings in; return the refused ones, in the order of the rows.

        Args:
            frame: columns of `availability.avsc` as `schemas.block` gives them: enums by place.
            offsets: Kafka offset of each row, ascending.
            arrived_us: when the log took each row, microseconds since 1970. It judges what lies in the future, so
                that the same log gives the same state whenever and by whomever it is read.

        Raises:
            polars.exceptions.ColumnNotFoundError: a column is missing.
            ValueError: the offsets do not fit the rows.
        """
        refusals: list[Refusal] = []
        start = 0
        while start < frame.height:
            rest = frame[start:] if start else frame
            refused, done = self._apply(rest, offsets[start:], arrived_us[start:])
            refusals += (replace(refusal, row=refusal.row + start) for refusal in refused)
            start += done
        for refusal in refusals:
            self.refused[refusal.code] = self.refused.get(refusal.code, 0) + 1
        return tuple(refusals)

    def apply_tick(self, tick: Tick) -> None:
        """Move the time of a replay programme; from its first tick on a programme is no longer live."""
        self._state.times.tick(tick)

    def clock(self, now_us: int) -> None:
        """Tell the time of the live programmes, once per commit."""
        self._state.times.clock(now_us)

    def put_facility(self, facility: Facility, offset: int) -> None:
        """Enrol a facility or change its facts. An offset below the known one is passed over."""
        self._state.facilities.put(facility, offset)
        self._columns.facility.forget()

    def drop_facility(self, facility_id: str, offset: int) -> None:
        """Take a facility out of its programme: its readings are refused from now on."""
        self._state.facilities.drop(facility_id, offset)
        self._columns.facility.forget()

    def facilities_are_told(self) -> None:
        """Take what would be published of facilities as published."""
        self._state.facilities.are_told()

    @property
    def changed(self) -> int:
        """How many series and facilities changed since their parts were taken."""
        state = self._state
        series = np.count_nonzero(state.series.unsaved[: state.series.size])
        return int(series) + len(state.facilities.changed)

    def take_events(self, next_offset: int) -> tuple[Position | FacilityFacts, ...]:
        """Return what has to be published now, facts before positions, and note it as published.

        Args:
            next_offset: first offset of the input that is not included yet; every position carries it.
        """
        state, facts = self._state, self._state.facilities.take_news()
        if state.facilities.restated:
            restated = np.array(sorted(state.facilities.restated))
            facility = state.series.facility[: state.series.size]
            state.told.forget(np.flatnonzero(np.isin(facility, restated)))
            state.facilities.restated.clear()
        return (*facts, *take_positions(state, next_offset))

    def take_gap_alerts(self, *, published: bool = False) -> list[Alert]:
        """Return what people have to be told of missing readings; see `gap_alerts.take_gap_alerts`."""
        return take_gap_alerts(self._state, published=published)

    def take_parts(self) -> dict[bytes, bytes | None]:
        """Return the changelog parts that changed since the last call; None deletes a part."""
        return take_parts(self._state)

    def _apply(
        self, frame: pl.DataFrame, offsets: Int64s, arrived_us: Int64s
    ) -> tuple[tuple[Refusal, ...], int]:
        """Take in what can be decided at once; return the refusals and the number of rows done."""
        state = self._state
        readings = self._columns.read(frame, offsets)
        reasons = examine(readings, state.limits, frame, arrived_us)
        done = state.series.mark_mixed(readings, reasons)
        if done < frame.height:
            frame, reasons = frame[:done], reasons[:done]
            readings = readings.where(readings.row < done)
        readings = readings.where(reasons == 0)
        if len(readings):
            sources = self._source.numbers(_rows(frame["source"], readings))
            found = state.identities.accept(
                sources, readings.facility, readings.epoch, readings.sequence
            )
            reasons[readings.row[found.too_late]] = DECLARED_LOST
            readings = readings.where(found.new)
            self.applied += len(readings)
            self.duplicates += int((~found.new & ~found.too_late).sum())
            if len(readings):
                self._count(frame, readings, sources[found.new], arrived_us)
        return explain(frame, reasons, state.limits), done

    def _count(
        self, frame: pl.DataFrame, readings: Readings, sources: Int64s, arrived_us: Int64s
    ) -> None:
        """Count accepted readings."""
        state = self._state
        series = state.series.enter(readings)
        state.reserve()
        until = np.minimum(readings.end, arrived_us[readings.row])
        state.series.note(series, readings, sources, until)
        good = readings.quality != BAD
        self._count_flows(series, readings, good & (readings.form != PLAN))
        formulas = frame["formula"]
        if formulas.null_count() < len(formulas):
            self._note_formulas(series, _rows(formulas, readings), good)
        if frame["flags"].list.len().max():
            state.flags.note(series, day(until), _rows(frame["flags"], readings), state.texts)
        if frame["properties"].list.len().max():
            properties = _rows(frame["properties"], readings).filter(pl.Series(good))
            state.analyses.note(series[good], readings.end[good], properties)
            flows = good & (readings.form == FLOW)
            state.means.note(
                series[flows],
                day(until)[flows],
                readings.quantity[flows],
                _rows(frame["properties"], readings).filter(pl.Series(flows)),
            )
        planned = good & (readings.form == PLAN)
        if planned.any():
            self._count_plans(frame, series[planned], readings.where(planned))

    def _count_flows(self, series: Int64s, readings: Readings, measured: Bools) -> None:
        windows = self._state.windows
        if not measured.all():
            series, readings = series[measured], readings.where(measured)
        if not len(series):
            return
        late = windows.advance(series, quarter(readings.end))
        late &= readings.form == FLOW
        if late.any():
            self.late += int(late.sum())
            self._state.series.count_late(series[late])
        flows = (readings.form == FLOW) & ~late
        if not flows.all():
            series, readings = series[flows], readings.where(flows)
        if len(series):
            windows.add(series, readings.quantity, readings.start, readings.end)

    def _note_formulas(self, series: Int64s, formulas: pl.Series, good: Bools) -> None:
        named = formulas.is_not_null().to_numpy() & good
        numbers = self._formula.numbers(formulas.filter(pl.Series(named)))
        self._state.series.rows["formula"][series[named]] = numbers + 1

    def _count_plans(self, frame: pl.DataFrame, series: Int64s, readings: Readings) -> None:
        named = frame.select("source", "document", "revision")[readings.row.tolist()]
        columns = zip(
            series.tolist(),
            named.iter_rows(),
            readings.epoch.tolist(),
            readings.sequence.tolist(),
            readings.start.tolist(),
            readings.end.tolist(),
            readings.quantity.tolist(),
            readings.data_kind.tolist(),
            strict=True,
        )
        for number, (source, document, revision), epoch, sequence, *numbers in columns:
            start, end, quantity, kind = numbers
            line = PlanLine(
                document=f"#{source}/{epoch}/{sequence}" if document is None else document,
                revision=1 if revision is None else revision,
                start=start,
                end=end,
                quantity=quantity,
                data_kind=kind,
            )
            self._state.plans.put(number, line)


def _rows(column: pl.Series, readings: Readings) -> pl.Series:
    """Return the values of a column of the frame for these readings."""
    if len(column) == len(readings):
        return column
    return column.gather(readings.row)
