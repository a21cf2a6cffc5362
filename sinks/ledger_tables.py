"""Which table a record goes to, and which columns that table has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runtime.ledger_database import LedgerDatabase
from schemas.avro_files import record_schemas
from schemas.topic_files import topic_files

UNDECODABLE = "undecodable"
TOMBSTONES = "tombstones"
TABLE_OF_RECORD: Mapping[str, str] = {
    "synergy.v1.Availability": "availability",
    "synergy.v1.Tick": "ticks",
    "synergy.v1.Position": "positions",
    "synergy.v1.FacilityFacts": "facility_facts",
    "synergy.v1.Facility": "facilities",
    "synergy.v1.Match": "matches",
    "synergy.v1.Unmatched": "unmatched",
    "synergy.v1.Command": "commands",
    "synergy.v1.Outcome": "outcomes",
    "synergy.v1.Transaction": "transactions",
    "synergy.v1.Alert": "alerts",
    "synergy.v1.Rejected": "rejected",
}
EVENT_TABLES: tuple[str, ...] = tuple(TABLE_OF_RECORD.values())
LEDGER_TABLES: tuple[str, ...] = (*EVENT_TABLES, UNDECODABLE, TOMBSTONES)


def tables_of(topic: str) -> tuple[str, ...]:
    """Return the tables of the records that a topic's file names; every event table for a topic without a file."""
    known = topic_files().get(topic)
    if known is None:
        return EVENT_TABLES
    return tuple(TABLE_OF_RECORD[record_schemas()[record].full_name] for record in known.records)


@dataclass(frozen=True, slots=True)
class TableColumns:
    """The columns of every table of one ledger, as its migrations made them."""

    by_table: Mapping[str, frozenset[str]]

    def of(self, table: str) -> frozenset[str]:
        """Return the columns of a table."""
        return self.by_table[table]


def read_columns(database: LedgerDatabase) -> TableColumns:
    """Ask the database for the columns of its tables."""
    found: dict[str, set[str]] = {}
    asked = database.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase()"
    )
    for table, name in asked.rows:
        found.setdefault(str(table), set()).add(str(name))
    return TableColumns({table: frozenset(names) for table, names in found.items()})
