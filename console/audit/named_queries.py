"""The named queries: what each SQL file's front comment says of its purpose, parameters and columns.

    -- What it tells, in sentences.
    --
    -- needs: transaction
    -- takes: facility, from
    --
    -- * measured [unit]: from readings that were measured
    SELECT ...

A parameter stands in the SQL as ClickHouse's own `{name:Type}`: the engine takes the value, no text is put together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_COLUMN = re.compile(r"^\* (\w+)(?: \[([^\]]+)\])?: (.+)$")
_NAMES = re.compile(r"^(needs|takes): (.+)$")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the answer. `unit` is empty where it has none, and `unit` where the column of that name has it."""

    name: str
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedQuery:
    """One question. `needs` are the parameters that it can't do without, `takes` those that narrow it."""

    name: str
    purpose: str
    needs: tuple[str, ...]
    takes: tuple[str, ...]
    columns: tuple[Column, ...]
    sql: str

    @property
    def parameters(self) -> tuple[str, ...]:
        """Every parameter."""
        return self.needs + self.takes

    @property
    def searches(self) -> bool:
        """Whether it may have to read every reading of the ledger: it asks for readings and needs no name."""
        return not self.needs and "availability_" in self.sql


@cache
def named_queries() -> Mapping[str, NamedQuery]:
    """Return the shipped queries by name, in alphabetical order."""
    folder = files("console.audit") / "queries"
    texts = {
        entry.name.removesuffix(".sql"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    }
    return MappingProxyType({name: parsed(name, texts[name]) for name in sorted(texts)})


def parsed(name: str, text: str) -> NamedQuery:
    r"""Return the query of a file's text.

    >>> query = parsed("one", "-- Says one.\n--\n-- takes: at\n--\n-- * n [t]: the one\nSELECT 1 AS n")
    >>> query.purpose, query.needs, query.takes, query.sql
    ('Says one.', (), ('at',), 'SELECT 1 AS n')
    >>> query.columns
    (Column(name='n', unit='t', meaning='the one'),)
    """
    lines = text.splitlines()
    end = next(at for at, line in enumerate(lines) if not line.startswith("--"))
    comment = [line.removeprefix("--").strip() for line in lines[:end]]
    said = {found[1]: found[2] for line in comment if (found := _NAMES.match(line))}
    return NamedQuery(
        name=name,
        purpose=" ".join(comment[: comment.index("")]),
        needs=_split(said.get("needs", "")),
        takes=_split(said.get("takes", "")),
        columns=tuple(
            Column(found[1], found[2] or "", found[3])
            for line in comment
            if (found := _COLUMN.match(line))
        ),
        sql="\n".join(lines[end:]),
    )


def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())
