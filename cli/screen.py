"""What `synergy up` shows: a live table on a terminal, a plain line every few seconds elsewhere.

Everything is built from `Shown`, so a test renders it without a terminal. Colour is never the only sign (NO_COLOR), and
80 columns are enough.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live as RichLive
from rich.table import Table
from rich.text import Text

from cli.supervisor import ChildState, meaning_of
from cli.view import MatchView, ProgrammeView, View
from runtime.setting_types import Settings

PLAIN_PERIOD_S = 5.0
MESSAGES = 4
WIDE = 110
ROWS_OF_THE_REST = 16
DASH = "-"


@dataclass(frozen=True, slots=True)
class Shown:
    """One moment: what the store says, how the processes are, where they listen, seconds since the start."""

    view: View
    states: tuple[ChildState, ...]
    settings: Settings
    elapsed_s: float


class Live(Protocol):
    """Where `up` speaks to."""

    def say(self, line: str) -> None:
        """Tell one thing that happened."""
        ...

    def show(self, shown: Shown) -> None:
        """Show the present moment; call it a few times a second."""
        ...


@contextmanager
def live(output: Literal["screen", "json"]) -> Generator[Live]:
    """Give the terminal view, or the plain one when standard output is no terminal or belongs to a program."""
    if output == "screen" and sys.stdout.isatty():
        console = Console()
        with RichLive(console=console, refresh_per_second=4, transient=False) as rich_live:
            yield _TerminalLive(console, rich_live)
    else:
        yield _PlainLive()


class _PlainLive:
    """Lines on standard error: standard output belongs to the result."""

    def __init__(self) -> None:
        self._next_s = 0.0

    def say(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def show(self, shown: Shown) -> None:
        if shown.elapsed_s >= self._next_s:
            self._next_s = shown.elapsed_s + PLAIN_PERIOD_S
            self.say(plain_line(shown))


class _TerminalLive:
    """Rich's live display, with the last messages below the tables."""

    def __init__(self, console: Console, rich_live: RichLive) -> None:
        self._console = console
        self._live = rich_live
        self._messages: list[str] = []
        self._body: RenderableType = Text("")

    def say(self, line: str) -> None:
        self._messages = [*self._messages[-(MESSAGES - 1) :], line]
        self._refresh()

    def show(self, shown: Shown) -> None:
        self._body = screen(shown, self._console.width, self._console.height)
        self._refresh()

    def _refresh(self) -> None:
        messages = [
            Text(f"  {line}", style="dim", overflow="ellipsis", no_wrap=True)
            for line in self._messages
        ]
        self._live.update(Group(self._body, *messages))


def plain_line(shown: Shown) -> str:
    """Return the moment as one line without any control character."""
    view = shown.view
    parts = [
        f"{shown.elapsed_s:5.0f} s",
        f"{figure(view.events_per_second)} events/s",
        f"{figure(view.positions)} positions",
        f"{figure(view.open_matches)} open matches",
        f"lag {figure(view.lag)}",
        f"{figure(view.ledger_total)} ledger rows",
        *(programme_words(programme) for programme in view.programmes),
        *(_trouble(state) for state in shown.states if state.condition == "waiting"),
    ]
    return " | ".join(parts)


def screen(shown: Shown, width: int, height: int) -> RenderableType:
    """Return the whole screen for a terminal of that size."""
    room = max(3, height - ROWS_OF_THE_REST - len(shown.view.programmes))
    return Group(
        _head(shown.view),
        Text(""),
        *(_programme_line(programme) for programme in shown.view.programmes),
        Text(""),
        _matches(shown.view.matches[:room], width),
        _more(shown.view, room),
        _processes(shown.states),
        Text(
            f"  console {shown.settings.store.address}   kafka {shown.settings.kafka.bootstrap}",
            style="dim",
        ),
        Text("  Ctrl-C stops everything; the data stay", style="dim"),
    )


def _head(view: View) -> RenderableType:
    cells = (
        (figure(view.events_per_second), "events/s"),
        (figure(view.positions), "positions"),
        (figure(view.open_matches), "open matches"),
        (figure(view.lag), "lag"),
        (figure(view.ledger_total), "ledger rows"),
        (figure(view.rejected), "rejected"),
    )
    grid = Table.grid(expand=True)
    for _ in cells:
        grid.add_column(justify="center")
    grid.add_row(*(Text(number, style="bold") for number, _ in cells))
    grid.add_row(*(Text(word, style="dim") for _, word in cells))
    return grid


def _programme_line(programme: ProgrammeView) -> Text:
    line = Text(f"  {programme_words(programme)}", overflow="ellipsis", no_wrap=True)
    if programme.data_kind.lower() == "simulated":
        line.append("  SIMULATED", style="bold yellow")
    return line


def programme_words(programme: ProgrammeView) -> str:
    """Return a programme's name, time, speed, chapter and note, as far as they are known."""
    speed = f"x{programme.speed:,.0f}" if programme.speed else ""
    words = (programme.name, programme.time, speed, programme.chapter, programme.note)
    return "  ".join(word for word in words if word)


def _matches(matches: tuple[MatchView, ...], width: int) -> RenderableType:
    """Return the table of open matches; narrow terminals leave the distance and the kind's long form out."""
    table = Table(expand=True, box=None, header_style="dim", pad_edge=False, padding=(0, 1))
    table.add_column("giver", ratio=3, no_wrap=True, overflow="ellipsis")
    table.add_column("receiver", ratio=3, no_wrap=True, overflow="ellipsis")
    table.add_column("material", ratio=2, no_wrap=True, overflow="ellipsis")
    table.add_column("per day", justify="right", no_wrap=True)
    table.add_column("gain g/r", justify="right", no_wrap=True)
    if width >= WIDE:
        table.add_column("km", justify="right", no_wrap=True)
    table.add_column("quality", no_wrap=True)
    table.add_column("data", no_wrap=True)
    for match in matches:
        cells: list[RenderableType] = [
            match.giver,
            match.receiver,
            match.material,
            f"{figure(match.quantity_per_day)} {match.unit}",
            f"{figure(match.giver_gain)}/{figure(match.receiver_gain)} {match.currency}".rstrip(),
            *([figure(match.distance_km)] if width >= WIDE else []),
            match.verdict,
            _kind(match.data_kind, width),
        ]
        table.add_row(*cells)
    return table


def _kind(kind: str, width: int) -> Text:
    """Return the kind of data in full where there is room, never left out: simulated rows say so."""
    word = kind.upper() if kind.lower() == "simulated" else kind
    return Text(word if width >= WIDE else word[:3], style="bold yellow" if word.isupper() else "")


def _more(view: View, room: int) -> Text:
    total = view.open_matches or len(view.matches)
    if not view.matches:
        return Text("  no match yet", style="dim")
    hidden = total - min(room, len(view.matches))
    return Text(f"  and {hidden} more" if hidden > 0 else "", style="dim")


def _processes(states: tuple[ChildState, ...]) -> Text:
    line = Text("  ")
    for state in states:
        if state.condition == "waiting":
            line.append(_trouble(state), style="bold red")
        else:
            line.append(
                f"{state.name} {'done' if state.condition == 'ended' else 'up'}", style="green"
            )
        if state.restarts:
            line.append(f" ({state.restarts} restarts)")
        line.append("   ")
    return line


def _trouble(state: ChildState) -> str:
    why = meaning_of(state.status) if state.status is not None else "failure"
    return f"{state.name} RESTARTING after {why}"


def figure(value: float | None) -> str:
    """Return a number for people; what is not known is a dash, never zero."""
    if value is None:
        return DASH
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:,.1f}"
