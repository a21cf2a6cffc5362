"""Numbers as people read them; what is not known is a dash, never zero."""

from __future__ import annotations

DASH = "-"
STEPS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def figure(value: float | None) -> str:
    """Return a number with thousands apart.

    >>> figure(None), figure(0), figure(9.84), figure(51256.0)
    ('-', '0', '9.8', '51,256')
    """
    if value is None:
        return DASH
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:,.1f}"


def short_figure(value: float | None) -> str:
    """Return a number in at most five characters.

    >>> short_figure(115553.0), short_figure(1155.0), short_figure(840.0), short_figure(-2.5e7)
    ('116k', '1.2k', '840', '-25M')
    """
    if value is None:
        return DASH
    for size, letter in STEPS:
        if abs(value) >= size:
            scaled = value / size
            return f"{scaled:.1f}{letter}" if abs(scaled) < 9.95 else f"{scaled:.0f}{letter}"
    return figure(value)
