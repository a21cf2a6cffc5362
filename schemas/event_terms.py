"""The enums of the events; `schemas.events` exports them."""

from __future__ import annotations

from enum import StrEnum


class Direction(StrEnum):
    """The Avro enum Direction."""

    SUPPLY = "SUPPLY"
    DEMAND = "DEMAND"


class Form(StrEnum):
    """The Avro enum Form."""

    FLOW = "FLOW"
    STOCK = "STOCK"
    PLAN = "PLAN"


class SourceKind(StrEnum):
    """The Avro enum SourceKind."""

    METER = "METER"
    ERP = "ERP"
    MANUAL = "MANUAL"
    REPLAY = "REPLAY"


class Quality(StrEnum):
    """The Avro enum Quality."""

    GOOD = "GOOD"
    UNCERTAIN = "UNCERTAIN"
    ESTIMATED = "ESTIMATED"
    BAD = "BAD"


class DataKind(StrEnum):
    """The Avro enum DataKind."""

    MEASURED = "MEASURED"
    ESTIMATED = "ESTIMATED"
    ASSUMED = "ASSUMED"
    SIMULATED = "SIMULATED"


class Basis(StrEnum):
    """The Avro enum Basis."""

    AS_RECEIVED = "AS_RECEIVED"
    DRY = "DRY"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class ReplayState(StrEnum):
    """The Avro enum ReplayState."""

    RUNNING = "RUNNING"
    ENDED = "ENDED"


class Provenance(StrEnum):
    """The Avro enum Provenance."""

    REAL = "REAL"
    SAMPLE = "SAMPLE"


class Side(StrEnum):
    """The Avro enum Side."""

    GIVER = "GIVER"
    RECEIVER = "RECEIVER"


class MatchState(StrEnum):
    """The Avro enum MatchState."""

    PROPOSED = "PROPOSED"
    ACCEPTED_BY_GIVER = "ACCEPTED_BY_GIVER"
    ACCEPTED_BY_RECEIVER = "ACCEPTED_BY_RECEIVER"
    AGREED = "AGREED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


class Verdict(StrEnum):
    """The Avro enum Verdict."""

    MEETS = "MEETS"
    FAILS = "FAILS"
    UNKNOWN = "UNKNOWN"


class Relation(StrEnum):
    """The Avro enum Relation."""

    AT_MOST = "AT_MOST"
    AT_LEAST = "AT_LEAST"


class ValueSide(StrEnum):
    """The Avro enum ValueSide."""

    GIVER = "GIVER"
    RECEIVER = "RECEIVER"
    SHARED = "SHARED"


class Severity(StrEnum):
    """The Avro enum Severity."""

    INFO = "INFO"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class AlertState(StrEnum):
    """The Avro enum AlertState."""

    RAISED = "RAISED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    SNOOZED = "SNOOZED"
    CLEARED = "CLEARED"
