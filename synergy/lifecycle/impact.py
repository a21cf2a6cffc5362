"""What an accepted delivery did: the share of its match's day that was really taken."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from schemas.events import Impact, Match

CENT = Decimal("0.0001")


def impact_of(match: Match, taken: int) -> Impact:
    """Return the impact of a taken quantity, in the base unit, at the gains and CO2e of the match.

    The match states both per day of its quantity; a delivery counts in proportion to what the receiver took. A negative
    quantity is a correction and gives the difference.
    """
    share = Decimal(taken) / Decimal(match.quantity_per_day)
    return Impact(
        diverted=taken,
        co2e_kg=round(match.co2e_kg_per_day * float(share), 3),
        gain_giver=_amount(match.gain_giver * share),
        gain_receiver=_amount(match.gain_receiver * share),
        currency=match.currency,
        price_year=match.price_year,
        data_kind=match.data_kind,
    )


def _amount(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_EVEN)
