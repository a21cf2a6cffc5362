"""The table of open matches on the screen: every programme has its share of the rows, in its own currency."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.figures import figure, short_figure
from cli.view import MatchView, ProgrammeView, View

WIDE = 120
SIMULATED = "SIMULATED"
SHORT_KINDS = {"MEASURED": "meas", "ESTIMATED": "est", "ASSUMED": "asm", SIMULATED: "SIM"}


def match_table(view: View, room: int, width: int) -> RenderableType:
    """Return the best matches of each programme.

    Args:
        view: with the matches of every programme, best first.
        room: lines there are for the programmes' headings, their matches and what is left out.
        width: of the terminal, in columns.
    """
    if not view.matches:
        return Text("  no match yet", style="dim")
    table = Table(expand=True, box=None, header_style="dim", pad_edge=False, padding=(0, 1))
    for name in ("giver", "receiver"):
        table.add_column(name, ratio=3, no_wrap=True, overflow="ellipsis")
    table.add_column("material", ratio=2, no_wrap=True, overflow="ellipsis")
    table.add_column("per day", justify="right", no_wrap=True)
    table.add_column("gains", justify="right", no_wrap=True)
    table.add_column("km", justify="right", no_wrap=True)
    for name in ("quality", "data"):
        table.add_column(name, no_wrap=True)
    for name, matches in shares(view.matches, room):
        table.add_row(*_heading(name, matches, view))
        for match in matches:
            table.add_row(*_cells(match, width))
    return table


def shares(matches: Sequence[MatchView], room: int) -> list[tuple[str, list[MatchView]]]:
    """Return the matches to show by programme: room that one does not need goes to the others.

    Every programme gets a line for its heading, and at least one match.
    """
    by_programme: dict[str, list[MatchView]] = {}
    for match in matches:
        by_programme.setdefault(match.programme, []).append(match)
    left = room - len(by_programme)
    chosen: list[tuple[str, list[MatchView]]] = []
    smallest_first = sorted(by_programme.items(), key=lambda item: len(item[1]))
    for at, (name, found) in enumerate(smallest_first):
        share = max(1, left // (len(smallest_first) - at))
        chosen.append((name, found[:share]))
        left -= len(chosen[-1][1])
    return sorted(chosen, key=lambda item: item[0])


def _heading(name: str, matches: Sequence[MatchView], view: View) -> list[RenderableType]:
    programme = next((one for one in view.programmes if one.name == name), None)
    total = programme.open_matches if programme else None
    more = f"best {len(matches)} of {total}" if total and total > len(matches) else ""
    currencies = sorted({match.currency for match in matches if match.currency})
    gains = f"{'/'.join(currencies)} a day" if currencies else ""
    return [Text(name, style="bold"), Text(more, style="dim"), "", "", Text(gains, style="dim")]


def _cells(match: MatchView, width: int) -> list[RenderableType]:
    return [
        match.giver,
        match.receiver,
        match.material,
        f"{short_figure(match.quantity_per_day)} {match.unit}",
        f"{short_figure(match.giver_gain)} + {short_figure(match.receiver_gain)}",
        figure(match.distance_km),
        match.verdict.lower(),
        kind_badge(match.data_kind, width),
    ]


def kind_badge(kind: str, width: int) -> Text:
    """Return the kind of data, in full where there is room and never left out."""
    word = kind if width >= WIDE else SHORT_KINDS.get(kind, kind)
    return Text(
        word if kind == SIMULATED else word.lower(),
        style="bold yellow" if kind == SIMULATED else "",
    )


def programme_line(programme: ProgrammeView) -> Text:
    """Return a programme's name, badge, time, speed, chapter and note on one line; the badge is never cut."""
    line = Text(f"  {programme.name}", overflow="ellipsis", no_wrap=True)
    if programme.data_kind == SIMULATED:
        line.append(f"  {SIMULATED}", style="bold yellow")
    line.append(f"  {programme_words(programme)}")
    return line


def programme_words(programme: ProgrammeView) -> str:
    """Return a programme's time, speed, note and chapter, as far as they are known.

    >>> one = ProgrammeView(name="p", time="2007-03-08T15:55:12.7Z", speed=18000.0, chapter="Tour")
    >>> programme_words(one)
    '2007-03-08 15:55 UTC  x18,000  Tour'
    """
    time = f"{programme.time[:16].replace('T', ' ')} UTC" if programme.time else ""
    speed = f"x{programme.speed:,.0f}" if programme.speed else ""
    return "  ".join(word for word in (time, speed, programme.note, programme.chapter) if word)
