"""`synergy audit`: named questions to the ledger, answered by the store, as a table, CSV or JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import wrap
from threading import Timer
from typing import Any, TextIO
from urllib.parse import quote

from cli.store_client import StoreClient
from cli.tables import aligned
from runtime.settings import load

# The store gives up a question after a minute at most, and lets one wait for another.
TIMEOUT_S = 130.0
SILENT_S = 2.0
WIDTH = 100
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def list_queries(flags: Mapping[str, object], form: str) -> int:
    """Print the named queries. Raises SettingsError, StoreError."""
    with StoreClient(load(flags).settings.store.address) as store:
        queries = store.get("/api/v1/audit")["queries"]
    if form == "json":
        sys.stdout.write(json.dumps(queries, indent=2, ensure_ascii=False) + "\n")
    else:
        lines = (line for query in queries for line in _described(query))
        sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _described(query: Mapping[str, Any]) -> Iterator[str]:
    names = [
        f"--{one['name'].replace('_', '-')}{' (needed)' if one['needed'] else ''}"
        for one in query["parameters"]
    ]
    yield query["name"]
    yield from (f"  {line}" for line in wrap(query["purpose"], WIDTH - 2))
    yield f"  takes {', '.join(names)}"
    yield ""


def ask_query(flags: Mapping[str, object], name: str, filters: Mapping[str, str], form: str) -> int:
    """Print the answer of one named query; the status is 0 also when it has no rows.

    Raises:
        SettingsError, StoreError: it can't be asked, or the store refuses a filter.
    """
    path = f"/api/v1/audit/{quote(name, safe='')}"
    address = load(flags).settings.store.address
    with StoreClient(address, TIMEOUT_S) as store, saying_so(sys.stderr):
        if form == "csv":
            sys.stdout.buffer.write(store.get_text(path, **filters, format="csv"))
            return 0
        answer = store.get(path, **filters)
    if form == "json":
        sys.stdout.write(json.dumps(answer, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in table(answer))
    return 0


@contextmanager
def saying_so(terminal: TextIO, after_s: float = SILENT_S) -> Generator[None]:
    """Say on a terminal that the answer takes its time, if it does."""
    said = "waiting for the ledger, for two minutes at most\n"
    timer = Timer(after_s, terminal.write, [said])
    if terminal.isatty():
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def table(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield an answer as aligned lines: units in the heading, then the number of rows and the time it took."""
    columns: Sequence[Mapping[str, str]] = answer["columns"]
    took = f"{answer['seconds']:.2f} s"
    if not answer["rows"]:
        yield f"0 rows in {took}: {answer['nothing']}"
        return
    headings = [_heading(column) for column in columns]
    shown = [_column([row[at] for row in answer["rows"]]) for at in range(len(columns))]
    yield from aligned(headings, list(zip(*shown, strict=True)))
    count = answer["row_count"]
    yield ""
    yield f"{count:,} {'row' if count == 1 else 'rows'} in {took}"


def _heading(column: Mapping[str, str]) -> str:
    """Return the name with its unit; `unit` means the column of that name, which stands beside."""
    unit = column["unit"]
    return column["name"] if unit in ("", "unit") else f"{column['name']} [{unit}]"


def _column(values: Sequence[object]) -> list[object]:
    """Return the cells of a column: fractions to the thousandth, times without what the heading says."""
    fractions = [value for value in values if isinstance(value, float)]
    digits = 0 if all(value.is_integer() for value in fractions) else 3
    return [f"{one:,.{digits}f}" if isinstance(one, float) else _time(one) for one in values]


def _time(value: object) -> object:
    """Return a time of the answer to the millisecond, anything else as it is."""
    if not isinstance(value, str) or TIME.fullmatch(value) is None:
        return value
    day, _, rest = value.removesuffix("Z").partition("T")
    return f"{day} {rest[:12]}"
