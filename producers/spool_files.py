"""What a spool is on disk: its tables, the lock beside it, and the epoch that outlives it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

from producers.errors import SpoolError

SCHEMA_VERSION = 3
RECEIPTS = """
CREATE TABLE receipts (
    key TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    answer TEXT NOT NULL,
    received_us INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE ends (
    source TEXT NOT NULL,
    facility TEXT NOT NULL,
    material TEXT NOT NULL,
    direction TEXT NOT NULL,
    end_us INTEGER NOT NULL,
    PRIMARY KEY (source, facility, material, direction)
) WITHOUT ROWID;
"""
"""Added by version 2: what requests were answered, and where the flows that came with them end."""
RECEIPTS_BY_TIME = "CREATE INDEX receipts_by_time ON receipts (received_us);"
"""Added by version 3: forgetting old receipts looks at no others."""
ADDED = {2: RECEIPTS, 3: RECEIPTS_BY_TIME}
"""What each later version added to the first."""
SCHEMA = """
CREATE TABLE spool (one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, position TEXT);
CREATE TABLE streams (
    stream INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    facility TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL,
    UNIQUE (source, facility)
);
CREATE TABLE outbox (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    stream INTEGER NOT NULL REFERENCES streams,
    sequence INTEGER NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL
);
"""


def locked(path: Path) -> TextIO:
    """Return the lock file of a spool, held as long as it is open; the system frees it after a kill."""
    lock = path.with_name(path.name + ".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise SpoolError(str(path), "another process is using it") from error
    return lock


def raised_epoch(path: Path, fresh_epoch: int) -> int:
    """Return an epoch above every earlier one and remember it durably before it is used."""
    stored = int(path.read_text()) if path.exists() else 0
    epoch = max(fresh_epoch, stored + 1)
    partial = path.with_name(path.name + ".partial")
    with partial.open("w") as stream:
        stream.write(str(epoch))
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
    return epoch
