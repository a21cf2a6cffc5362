"""`synergy status` and `synergy sql`: what the store knows, asked over REST."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, Literal, cast

from cli.figures import figure
from cli.match_table import programme_line
from cli.store_client import StoreClient
from cli.tables import aligned
from cli.view import View, view_of
from runtime.settings import load

Form = Literal["text", "json"]


def status(flags: Mapping[str, object], form: Form) -> int:
    """Print how far everything is; return 1 when the ledger has a problem.

    Raises:
        SettingsError, StoreError: it can't be asked.
    """
    with StoreClient(load(flags).settings.store.address) as store:
        document = store.get("/api/v1/status")
    problem = document.get("ledger_problem")
    if form == "json":
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return int(bool(problem))
    sys.stdout.writelines(f"{line}\n" for line in _status_lines(view_of(document, {})))
    if problem:
        sys.stdout.write(f"ledger problem: {problem}\n")
    return int(bool(problem))


def _status_lines(view: View) -> list[str]:
    figures = {
        "events/s": view.events_per_second,
        "positions": view.positions,
        "open matches": view.open_matches,
        "rejected": view.rejected,
        "lag": view.lag,
    }
    return [
        *(f"{name:<14}{figure(value):>14}" for name, value in figures.items()),
        "",
        *(f"{table:<14}{rows:>14,} rows" for table, rows in sorted(view.ledger_rows.items())),
        "",
        *(programme_line(programme).plain.strip() for programme in view.programmes),
    ]


def sql(flags: Mapping[str, object], statement: str, form: Form) -> int:
    """Print the answer to one read-only statement.

    Raises:
        SettingsError, StoreError: it can't be asked, or the store refuses the statement.
    """
    with StoreClient(load(flags).settings.store.address) as store:
        columns, rows = ask(store, statement)
    if form == "json":
        objects = [dict(zip(columns, row, strict=True)) for row in rows]
        sys.stdout.write(json.dumps(objects, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in aligned(columns, rows))
    return 0


def ask(store: StoreClient, statement: str) -> tuple[list[str], list[list[Any]]]:
    """Return columns and rows of one read-only statement. Raises StoreError."""
    answer = store.post("/api/v1/sql", {"sql": statement})
    return cast("list[str]", answer["columns"]), cast("list[list[Any]]", answer["rows"])
