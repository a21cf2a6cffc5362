"""The alerts about readings that are missing, or that never came.

Pure: no clock, no I/O, no threads (gate: import-linter).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

from schemas.events import Alert, Reason
from synergy.alerts import RuleName, alert_rules, cleared, raised
from synergy.balance.state import PartitionState
from synergy.balance.terms import Gap, moment

_SHOWN = 3
_MICROSECOND = timedelta(microseconds=1)


def take_gap_alerts(state: PartitionState, *, published: bool) -> list[Alert]:
    """Return what people have to be told of missing readings, one alert for each source, facility and epoch.

    Args:
        state: its identities and what was told of them.
        published: what follows from the input so far was published by a former state: nothing is told now. What that
            state told of a gap is not known, so a gap that stays is told once more.
    """
    lost = _lost_alerts(state)
    over = _note_changes(state, published=published)
    return [] if published else [*lost, *over, *_due_alerts(state)]


def _lost_alerts(state: PartitionState) -> list[Alert]:
    by_identity: defaultdict[int, list[Gap]] = defaultdict(list)
    for one in state.identities.take_lost():
        by_identity[one.identity].append(_gap(state, one.identity, one.first, one.last))
    lost = (gaps for gaps in by_identity.values() if gaps[0].programme)
    limit = alert_rules()[RuleName.SEQUENCE_GAP].limit
    return [_alert(RuleName.SEQUENCE_GAP, gaps) for gaps in lost if _count(gaps) >= limit]


def _note_changes(state: PartitionState, *, published: bool) -> list[Alert]:
    """Take in which gaps came, changed or went; return the ends of alerts."""
    now_us, told = state.times.now_us, state.open_gaps
    over: list[Alert] = []
    for number in sorted({*state.identities.take_changed_gaps(), *_moved(state)}):
        gaps = _gaps(state, number)
        ended = told.note(number, gaps, now_us)
        if ended:
            over.append(cleared(_alert(RuleName.OPEN_GAP, ended), moment(now_us)))
        if published and number in told.watched:
            told.tell(number, gaps, since_us=now_us)
    return over


def _moved(state: PartitionState) -> Iterable[int]:
    """Return the watched identities of facilities that may have come, left or moved to another programme."""
    if not state.facilities.changed:
        return []
    facility = state.identities.table["facility"]
    return [
        number
        for number in state.open_gaps.watched
        if int(facility[number]) in state.facilities.changed
    ]


def _due_alerts(state: PartitionState) -> list[Alert]:
    now_us = state.times.now_us
    wait_us = int(timedelta(seconds=alert_rules()[RuleName.OPEN_GAP].limit) / _MICROSECOND)
    alerts: list[Alert] = []
    for number in sorted(state.open_gaps.due(now_us, wait_us)):
        gaps = _gaps(state, number)
        if gaps[0].programme:
            state.open_gaps.tell(number, gaps)
            alerts.append(_alert(RuleName.OPEN_GAP, gaps))
    return alerts


def _gaps(state: PartitionState, number: int) -> list[Gap]:
    return [_gap(state, number, first, last) for first, last in state.identities.gaps(number)]


def _gap(state: PartitionState, number: int, first: int, last: int) -> Gap:
    row = state.identities.table[number]
    entry = state.facilities.entry(int(row["facility"]))
    source, epoch = state.texts[int(row["source"])], int(row["epoch"])
    programme = entry.facts.programme if entry.facts else ""
    return Gap(source, entry.id, epoch, first, last, programme, state.times.now_us)


def _alert(name: RuleName, gaps: Sequence[Gap]) -> Alert:
    last = gaps[-1]
    about = last.programme, f"{last.facility}/{last.source}/{last.epoch}"
    return raised(alert_rules()[name], about, (_reason(name, gaps),), moment(last.time_us))


def _count(gaps: Sequence[Gap]) -> int:
    return sum(gap.last - gap.first + 1 for gap in gaps)


def _reason(name: RuleName, gaps: Sequence[Gap]) -> Reason:
    ranges = [f"{gap.first}-{gap.last}" for gap in gaps[:_SHOWN]]
    more = "" if len(gaps) <= _SHOWN else f" and {len(gaps) - _SHOWN} more"
    source = f"{gaps[0].source} (epoch {gaps[0].epoch}, sequences {', '.join(ranges)}{more})"
    return Reason(
        code=name,
        subject=gaps[0].facility,
        value=float(_count(gaps)),
        unit="readings",
        text=source,
    )
