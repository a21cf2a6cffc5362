"""The alerts about readings that never came.

Pure: no clock, no I/O, no threads (gate: import-linter).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from schemas.events import Alert, Reason
from synergy.alerts import RuleName, alert_rules, raised
from synergy.balance.terms import Gap, moment

_SHOWN = 3


def gap_alerts(lost: Iterable[Gap]) -> list[Alert]:
    """Return one alert for each source, facility and epoch that lost readings, with the sequences from and to.

    A facility that has left its programme has nobody to be told.
    """
    by_subject: defaultdict[tuple[str, str], list[Gap]] = defaultdict(list)
    for gap in lost:
        if gap.programme:
            by_subject[gap.programme, f"{gap.facility}/{gap.source}/{gap.epoch}"].append(gap)
    rule = alert_rules()[RuleName.SEQUENCE_GAP]
    return [
        raised(rule, about, (_reason(gaps),), moment(gaps[-1].time_us))
        for about, gaps in by_subject.items()
        if _count(gaps) >= rule.limit
    ]


def _count(gaps: Sequence[Gap]) -> int:
    return sum(gap.last - gap.first + 1 for gap in gaps)


def _reason(gaps: Sequence[Gap]) -> Reason:
    ranges = [f"{gap.first}-{gap.last}" for gap in gaps[:_SHOWN]]
    more = "" if len(gaps) <= _SHOWN else f" and {len(gaps) - _SHOWN} more"
    source = f"{gaps[0].source} (epoch {gaps[0].epoch}, sequences {', '.join(ranges)}{more})"
    return Reason(
        code=RuleName.SEQUENCE_GAP,
        subject=gaps[0].facility,
        value=float(_count(gaps)),
        unit="readings",
        text=source,
    )
