"""The series that stay without a match, said once and again when the reasons change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from schemas.events import Reason, Unmatched
from synergy.lifecycle.match_states import COMMITTED
from synergy.market.allocate import Solved
from synergy.market.deadband import apart
from synergy.market.hindrances import telling
from synergy.market.reasons import Code
from synergy.market.series import (
    Pair,
    Series,
    Snapshot,
    need_series,
    pair_of,
    supply_series,
)


def _same_reasons(old: Sequence[Reason], new: Sequence[Reason], tolerance: float) -> bool:
    if [(r.code, r.subject, r.text) for r in old] != [(r.code, r.subject, r.text) for r in new]:
        return False
    return all(
        (before.value is None) == (after.value is None)
        and not apart(before.value or 0.0, after.value or 0.0, tolerance)
        for before, after in zip(old, new, strict=True)
    )


def unmatched_of(
    snapshot: Snapshot, solved: Solved, proposed: Iterable[Pair]
) -> tuple[Unmatched, ...]:
    """Return what to say about series without a match, as far as it was not said before."""
    held = {pair_of(match) for match in snapshot.matches if match.state in COMMITTED}
    matched = {
        series for pair in (*proposed, *held) for series in (supply_series(pair), need_series(pair))
    }
    taken = _taken(solved)
    offers = [offer.series for offer in (*snapshot.supplies, *snapshot.needs)]
    reasons: dict[Series, tuple[Reason, ...]] = {}
    for series in offers:
        if series not in matched:
            others = (taken[series],) if series in taken else ()
            reasons[series] = telling((*others, *solved.hindrances.of(series)))
    for series, reason in snapshot.silent.items():
        if series not in matched and reason.code != Code.NOTHING_OFFERED:
            reasons[series] = (reason,)
    return _changed_unmatched(snapshot, reasons)


def _taken(solved: Solved) -> dict[Series, Reason]:
    """Return for each series with edges the best one that others got."""
    found: dict[Series, Reason] = {}
    for edge in sorted(solved.edges, key=lambda item: (-item.value, item.pair)):
        if edge.pair in solved.refused:
            continue
        for series, other in (
            (edge.supply.series, edge.pair.receiver),
            (edge.need.series, edge.pair.giver),
        ):
            reason = Reason(code=Code.TAKEN_BY_OTHERS, subject=other, text=edge.use.id)
            found.setdefault(series, reason)
    return found


def _changed_unmatched(
    snapshot: Snapshot, reasons: Mapping[Series, tuple[Reason, ...]]
) -> tuple[Unmatched, ...]:
    changed: list[Unmatched] = []
    known = snapshot.unmatched
    for series in sorted({*reasons, *known}):
        before = known.get(series)
        now = reasons.get(series)
        if now is None:
            if before is not None and not before.resolved:
                changed.append(_statement(snapshot, series, None))
        elif (
            before is None
            or before.resolved
            or not _same_reasons(before.reasons, now, 5 * snapshot.policy.deadband)
        ):
            changed.append(_statement(snapshot, series, now))
    return tuple(changed)


def _statement(snapshot: Snapshot, series: Series, reasons: tuple[Reason, ...] | None) -> Unmatched:
    return Unmatched(
        programme=snapshot.programme,
        facility=series.facility,
        material=series.material,
        direction=series.direction,
        resolved=reasons is None,
        reasons=reasons or (),
        programme_time=snapshot.time,
    )
