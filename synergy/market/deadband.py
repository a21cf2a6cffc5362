"""When a change is worth a revision: beyond the deadband, or of another kind."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.events import Match, QualityMargin


def apart(old: float, new: float, deadband: float) -> bool:
    """Whether two numbers differ by more than a share of the larger."""
    return abs(new - old) > deadband * max(abs(old), abs(new))


def _margins_differ(
    old: Sequence[QualityMargin], new: Sequence[QualityMargin], deadband: float
) -> bool:
    if [(m.property, m.limit, m.relation) for m in old] != [
        (m.property, m.limit, m.relation) for m in new
    ]:
        return True
    for before, after in zip(old, new, strict=True):
        if (before.value is None) != (after.value is None):
            return True
        moved = abs((after.value or 0.0) - (before.value or 0.0))
        if moved > deadband * max(abs(after.limit), 1e-9):
            return True
    return False


def differs(old: Match, new: Match, deadband: float) -> bool:
    """Whether a match changed enough to be published again."""
    if (old.verdict, old.data_kind, old.currency, old.price_year, old.unit) != (
        *(new.verdict, new.data_kind, new.currency, new.price_year, new.unit),
    ):
        return True
    numbers = (
        (old.quantity_per_day, new.quantity_per_day),
        (float(old.gain_giver), float(new.gain_giver)),
        (float(old.gain_receiver), float(new.gain_receiver)),
        (float(old.price_low), float(new.price_low)),
        (float(old.price_high), float(new.price_high)),
        (old.distance_km, new.distance_km),
    )
    if any(apart(before, after, deadband) for before, after in numbers):
        return True
    if abs(new.firm_per_day - old.firm_per_day) > deadband * new.quantity_per_day:
        return True
    return _margins_differ(old.margins, new.margins, deadband)
