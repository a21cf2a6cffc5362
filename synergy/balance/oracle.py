"""The balance stage once more: slow, in plain Python, over a list of readings, and meant to be obviously right.

Pure: no clock, no I/O, no threads (gate: import-linter). `judgement.judge` decides what becomes of each reading;
`recompute` makes the position of one series from its accepted readings. Neither knows rings, batches or state. Tests
drive this and `PartitionBalances` with the same input; published positions can be verified with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from schemas.events import Basis, DataKind, Form, Property, PropertyMean, Quality
from synergy.balance.judgement import Arrival
from synergy.balance.plans import KEPT_US
from synergy.balance.terms import (
    DATA_KINDS,
    DAY_US,
    HISTORY_DAYS,
    NO_DATA_IN_CHAPTER,
    QUALITIES,
    QUARTER_US,
    WINDOW_QUARTERS,
    MaterialRule,
    microseconds,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """The fields of a position that follow from the readings; see `schemas.events.Position` for their meaning."""

    as_of: int
    quantity_24h: int
    days_seen: int
    firm_per_day: int
    interruptible_per_day: int
    stock: int | None
    stock_at: int | None
    plan_per_day: int | None
    shares: tuple[float, float, float]
    stale: bool
    late: int
    latest: Arrival
    data_kind: DataKind
    basis: Basis
    formula: str | None
    flags: tuple[str, ...]
    properties: tuple[Property, ...]
    means: tuple[PropertyMean, ...]


@dataclass(frozen=True, slots=True)
class ProgrammeMoment:
    """A programme's time and, after a jump, the time at which its present chapter began (0 before any jump)."""

    time_us: int
    chapter_start_us: int = 0


def sum_24h(readings: Iterable[Arrival], as_of: int) -> int:
    """Return the exact sum of counted flows in the 96 quarter-hours that end with the one of as_of - 1 microsecond."""
    end = ((as_of - 1) // QUARTER_US + 1) * QUARTER_US
    start = end - WINDOW_QUARTERS * QUARTER_US
    return sum(_part(arrival, start, end) for arrival in readings if is_counted_flow(arrival))


def is_counted_flow(arrival: Arrival) -> bool:
    """Return whether a reading adds to sums."""
    return arrival.reading.form is Form.FLOW and arrival.reading.quality is not Quality.BAD


def _part(arrival: Arrival, start: int, end: int) -> int:
    """Return what of a flow lies in [start, end): the difference of two cumulative floors."""
    length = arrival.end - arrival.start
    low = min(max(start, arrival.start), arrival.end) - arrival.start
    high = min(max(end, arrival.start), arrival.end) - arrival.start
    quantity = arrival.reading.quantity
    return quantity * high // length - quantity * low // length


def recompute(
    readings: Sequence[Arrival], late: set[int], moment: ProgrammeMoment, rule: MaterialRule
) -> Recomputed | None:
    """Return what the accepted readings of one series say at a time, None for nothing; `late` are offsets."""
    good = [a for a in readings if a.reading.quality is not Quality.BAD]
    measured = [a for a in good if a.reading.form is not Form.PLAN]
    lines = _plan_lines(good, moment.time_us)
    if not measured and not lines:
        return None
    as_of = max((a.until for a in measured), default=moment.time_us)
    covering = [a for a in lines if a.start <= moment.time_us < a.end]
    flows = [a for a in measured if is_counted_flow(a) and a.offset not in late]
    chapter = moment.chapter_start_us
    out = not any(a.end > chapter for a in lines) and not (measured and as_of >= chapter)
    silent = bool(measured) and moment.time_us - as_of > rule.stale_after_us
    quantity = sum_24h(measured, as_of)
    days_seen, firm, interruptible = _offer(flows, as_of, quantity)
    recent = _recent(readings, as_of) if measured else list(readings)
    ahead = [a for a in lines if a.end > moment.time_us]
    flags = tuple(sorted({flag for a in recent for flag in a.reading.flags}))
    return Recomputed(
        as_of=as_of,
        quantity_24h=quantity,
        days_seen=days_seen,
        firm_per_day=0 if out else firm,
        interruptible_per_day=0 if out else interruptible,
        stock=_latest_stock(measured)[0],
        stock_at=_latest_stock(measured)[1],
        plan_per_day=sum(_per_day(a) for a in covering) if ahead else None,
        shares=_shares(readings),
        stale=silent and not out and (bool(flows) or not covering),
        late=sum(a.offset in late for a in readings),
        latest=good[-1],
        data_kind=_least_certain(recent, ahead) or good[-1].reading.data_kind,
        basis=good[0].reading.basis,
        formula=next((f for a in reversed(good) if (f := a.reading.formula) is not None), None),
        flags=(*flags, NO_DATA_IN_CHAPTER) if out else flags,
        properties=_properties(good, moment.time_us),
        means=_means(measured, (as_of - 1) // DAY_US),
    )


def _latest_stock(measured: Sequence[Arrival]) -> tuple[int | None, int | None]:
    """Return quantity and time of the stock with the latest time, of equal ones the one that came later."""
    stocks = [a for a in measured if a.reading.form is Form.STOCK]
    latest = max(stocks, key=lambda a: (a.end, a.offset), default=None)
    return (None, None) if latest is None else (latest.reading.quantity, latest.end)


def _news_day(readings: Sequence[Arrival]) -> int:
    """Return the UTC day of the latest flow or stock, of bad quality too; -1 if there is none."""
    return max((a.day for a in readings if a.reading.form is not Form.PLAN), default=-1)


def _recent(readings: Sequence[Arrival], as_of: int) -> list[Arrival]:
    """Return the readings of the UTC days that the 24 h of as_of touch, and later ones."""
    first = min((as_of - 1) // DAY_US, _news_day(readings)) - 1
    return [a for a in readings if a.day >= first]


def _least_certain(recent: Sequence[Arrival], ahead: Sequence[Arrival]) -> DataKind | None:
    """Return the least certain kind of recent flows and stocks and of plan lines that have not ended."""
    sure = [*(a for a in recent if a.reading.form is not Form.PLAN), *ahead]
    kinds = [DATA_KINDS.index(a.reading.data_kind) for a in sure]
    return DATA_KINDS[max(kinds)] if kinds else None


def _shares(readings: Sequence[Arrival]) -> tuple[float, float, float]:
    """Return the shares of good, uncertain and estimated among the flows and stocks of the latest two days."""
    news_day = _news_day(readings)
    last = [a for a in readings if a.reading.form is not Form.PLAN and a.day >= news_day - 1]
    counts = [sum(a.reading.quality is quality for a in last) for quality in QUALITIES]
    good, uncertain, estimated, _ = (count / max(len(last), 1) for count in counts)
    return good, uncertain, estimated


def _offer(flows: Sequence[Arrival], as_of: int, quantity_24h: int) -> tuple[int, int, int]:
    """Return days seen, firm and interruptible; see `windows.Windows.offer`."""
    daily: list[int] = []
    first_start = min((a.start for a in flows), default=0)
    for day in range(as_of // DAY_US - HISTORY_DAYS, as_of // DAY_US):
        start, end = day * DAY_US, (day + 1) * DAY_US
        touching = [a for a in flows if a.start < end and a.end > start]
        if touching and start >= first_start:
            daily.append(max(0, sum(_part(a, start, end) for a in touching)))
    if not daily:
        return 0, max(0, quantity_24h), 0
    firm = sorted(daily)[ceil(len(daily) / 10) - 1]
    return len(daily), firm, max(0, sum(daily) // len(daily) - firm)


def _plan_lines(good: Sequence[Arrival], time_us: int) -> list[Arrival]:
    """Return the lines that count: per document the highest revision, of equal ones the later."""
    lines: dict[object, Arrival] = {}
    for arrival in good:
        reading = arrival.reading
        if reading.form is Form.PLAN:
            own = reading.source, reading.epoch, reading.sequence
            key = own if reading.document is None else reading.document
            if key not in lines or _revision(arrival) >= _revision(lines[key]):
                lines[key] = arrival
    return [a for a in lines.values() if a.end + KEPT_US > time_us]


def _revision(arrival: Arrival) -> int:
    revision = arrival.reading.revision
    return 1 if revision is None else revision


def _per_day(line: Arrival) -> int:
    return line.reading.quantity * DAY_US // (line.end - line.start)


def _properties(good: Sequence[Arrival], time_us: int) -> tuple[Property, ...]:
    """Return the latest analysis of each property, if it is still valid."""
    latest: dict[str, tuple[int, Property]] = {}
    for arrival in good:
        for analysis in arrival.reading.properties:
            sampled = analysis.sampled_at
            order = arrival.end if sampled is None else microseconds(sampled)
            if analysis.name not in latest or order >= latest[analysis.name][0]:
                latest[analysis.name] = order, analysis
    valid = (analysis for _, analysis in latest.values() if not _ran_out(analysis, time_us))
    return tuple(sorted(valid, key=lambda analysis: analysis.name))


def _means(measured: Sequence[Arrival], last_day: int) -> tuple[PropertyMean, ...]:
    """Return the mean of each analysed property over the flows of the last days, weighted by quantity."""
    weighed: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for arrival in measured:
        if is_counted_flow(arrival) and last_day - HISTORY_DAYS < arrival.day <= last_day:
            for analysis in arrival.reading.properties:
                pair = arrival.reading.quantity, round(analysis.value * 1_000_000)
                weighed.setdefault((analysis.name, analysis.unit), []).append(pair)
    means: list[PropertyMean] = []
    for (name, unit), pairs in sorted(weighed.items()):
        quantity = sum(weight for weight, _ in pairs)
        if quantity > 0:
            value = sum(weight * value for weight, value in pairs) / quantity / 1_000_000
            means.append(PropertyMean(name=name, value=value, unit=unit, quantity=quantity))
    return tuple(means)


def _ran_out(analysis: Property, time_us: int) -> bool:
    return analysis.valid_until is not None and microseconds(analysis.valid_until) <= time_us
