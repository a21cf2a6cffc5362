"""Bar charts of the results as SVG files that any page can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from statistics import median
from typing import Any

_NAMES, _BARS, _VALUES = 330, 330, 140
"""Pixels of the three columns of a chart."""
_LINE = 26
_CUT = 4
"""A value of so many times the median is drawn as long as the longest of the others: else they could not be told."""
_OURS, _OTHERS = "#0b6e4f", "#9aa5b1"


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart of the figures whose names begin with `prefix` and end with `suffix`; `ours` are drawn in green."""

    file: str
    title: str
    prefix: str
    suffix: str
    ours: str

    def write(self, documents: Sequence[Mapping[str, Any]], folder: Path) -> None:
        """Write the file, smallest value first. Without such figures the file goes."""
        found = [
            (one["name"].removeprefix(self.prefix).removesuffix(self.suffix).strip(": ,"), one)
            for one in documents
            if one["name"].startswith(self.prefix) and one["name"].endswith(self.suffix)
        ]
        target = folder / self.file
        if not found:
            target.unlink(missing_ok=True)
            return
        folder.mkdir(exist_ok=True)
        bars = sorted((float(one["value"]), name) for name, one in found)
        target.write_text(self.svg(bars, str(found[0][1]["unit"])))

    def svg(self, bars: Sequence[tuple[float, str]], unit: str) -> str:
        """Return the chart of (value, name) pairs."""
        width, height = _NAMES + _BARS + _VALUES + 20, _LINE * (len(bars) + 1) + 20
        usual = _CUT * median(value for value, _ in bars)
        longest = max(value for value, _ in bars if value <= usual)
        shapes = [_text(10, 20, f"{self.title}, {unit}", "start", weight="bold")]
        for number, (value, name) in enumerate(bars, start=1):
            top, long = number * _LINE + 6, max(1, round(min(value / longest, 1) * _BARS))
            cut = " (bar is cut)" if value > longest else ""
            colour = _OURS if name.startswith(self.ours) else _OTHERS
            shapes += [
                _text(_NAMES, top + 15, name, "end"),
                f'<rect x="{_NAMES + 8}" y="{top}" width="{long}" height="20" fill="{colour}"/>',
                _text(_NAMES + long + 14, top + 15, f"{value:,.2f}{cut}", "start"),
            ]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img">\n'
            f"<title>{escape(self.title)}</title>\n"
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
            + "\n".join(shapes)
            + "\n</svg>\n"
        )


def _text(x: int, y: int, text: str, anchor: str, weight: str = "normal") -> str:
    return (
        f'<text x="{x}" y="{y}" font-family="sans-serif" font-size="13" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="#1f2933">{escape(text)}</text>'
    )


PLOTS = (
    Plot(
        file="engines.svg",
        title="CPU per reading, each engine on the same topic",
        prefix="engines: ",
        suffix=": CPU per reading",
        ours="balance worker",
    ),
    Plot(
        file="latency.svg",
        title="From a reading's intended time to the changed match over REST",
        prefix="latency at ",
        suffix="",
        ours="",
    ),
)
