"""The parameters of the named queries: how each is written, and what the engine is given for it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from console.audit.named_queries import NamedQuery
from console.problems import Problem, ProblemError
from synergy.catalogue.near_names import near

FORMAT: Final = "format"
_MONTH = re.compile(r"\d{4}-\d{2}")
_FARTHEST_HOURS = 14.0


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `absent` is what the engine is given when it is left out; `read` raises ValueError."""

    sql_type: str
    meaning: str
    read: Callable[[str], object]
    absent: object


def _text(text: str) -> str:
    if not text.strip():
        msg = "it is empty"
        raise ValueError(msg)
    return text.strip()


def _day(text: str) -> str:
    day = f"{text}-01" if _MONTH.fullmatch(text) else text
    return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(text)
    in_utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return in_utc.strftime("%Y-%m-%d %H:%M:%S.%f")


def _hours(text: str) -> float:
    hours = float(text)
    if not math.isfinite(hours) or abs(hours) > _FARTHEST_HOURS:
        msg = f"no place is more than {_FARTHEST_HOURS:g} hours from UTC"
        raise ValueError(msg)
    return hours


PARAMETERS: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        "programme": Parameter("String", "Only this programme.", _text, ""),
        "park": Parameter("String", "Only this industrial park.", _text, ""),
        "facility": Parameter("String", "Only this facility, by its id.", _text, ""),
        "material": Parameter("String", "Only this material: id or name.", _text, ""),
        "from": Parameter("Nullable(Date32)", "From this day or month on: 2007-05-01.", _day, None),
        "to": Parameter("Nullable(Date32)", "Until before this day or month: 2007-06.", _day, None),
        "at": Parameter(
            "DateTime64(6, 'UTC')",
            "What was known at this moment: 2026-05-01T12:00Z; without a zone UTC, left out: now.",
            _moment,
            None,
        ),
        "transaction": Parameter(
            "UUID", "Agreement or delivery: its id, or how it begins.", _text, None
        ),
        "match": Parameter("UUID", "Match: its id, or how it begins.", _text, None),
        "utc_offset": Parameter(
            "Nullable(Float64)",
            "Hours that a plant's months are ahead of UTC, such as -5; left out: by its place.",
            _hours,
            None,
        ),
    }
)


def read_parameters(query: NamedQuery, given: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Return the values for the engine of what a request gives. `format` is not a query's.

    Raises:
        ProblemError: a parameter is unknown, given twice, not understood or missing.
    """
    values: dict[str, object] = {}
    for name, text in given:
        if name not in query.parameters:
            raise ProblemError(_unknown(query, name))
        if name in values:
            raise ProblemError(_wrong("given_twice", name, "it is given twice", "Give it once."))
        try:
            values[name] = PARAMETERS[name].read(text)
        except ValueError as error:
            raise ProblemError(
                _wrong("not_understood", name, f"{text!r}: {error}", PARAMETERS[name].meaning)
            ) from error
    for name in query.needs:
        if name not in values:
            raise ProblemError(
                _wrong("missing_field", name, f"{query.name} needs it", PARAMETERS[name].meaning)
            )
    return values


def _unknown(query: NamedQuery, name: str) -> Problem:
    known = (*query.parameters, FORMAT)
    closest = near(name, known)
    hint = f"Near: {', '.join(closest)}. " if closest else ""
    fix = f"{hint}{query.name} takes {', '.join(known)}."
    return _wrong("unknown_parameter", name, f"{query.name} has no parameter {name!r}", fix)


def _wrong(reason: str, name: str, detail: str, fix: str) -> Problem:
    return Problem(status=400, reason=reason, detail=detail, field=name, fix=fix)
