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

from cli.figures import figure
from cli.match_table import SIMULATED, match_table, programme_line, programme_words
from cli.supervisor import ChildState, meaning_of
from cli.view import ProgrammeView, View
from runtime.setting_types import Settings

PLAIN_PERIOD_S = 5.0
MESSAGES = 4
ROWS_OF_THE_REST = 16


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
        *(_programme_words(programme) for programme in view.programmes),
        *(_trouble(state) for state in shown.states if state.condition == "waiting"),
    ]
    return " | ".join(parts)


def screen(shown: Shown, width: int, height: int) -> RenderableType:
    """Return the whole screen for a terminal of that size."""
    room = max(4, height - ROWS_OF_THE_REST - len(shown.view.programmes))
    return Group(
        _head(shown.view),
        Text(""),
        *(programme_line(programme) for programme in shown.view.programmes),
        Text(""),
        match_table(shown.view, room, width),
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


def _programme_words(programme: ProgrammeView) -> str:
    kind = f"{programme.data_kind} " if programme.data_kind == SIMULATED else ""
    return f"{programme.name} {kind}{programme_words(programme)}"
