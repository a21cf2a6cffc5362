"""Reads one field of a sent reading: text, number, time, choice. Every error names the fix."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final, TypeVar

from producers.gateway.problems import FieldError

Sent = Mapping[str, object]
Choice = TypeVar("Choice", bound=StrEnum)
MOST_TEXT: Final = 200
_INT32: Final = 2**31 - 1


def text(sent: Sent, field: str) -> str | None:
    """Return a text, None when it is left out. Raises FieldError."""
    value = sent.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        raise FieldError(field, value, "it is no text", "Send a text, or leave it out.")
    if len(value) > MOST_TEXT:
        raise FieldError(field, value, "it is too long", f"Send at most {MOST_TEXT} characters.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise FieldError(field, "", "it is no Unicode text", "Send UTF-8.") from error
    return value.strip()


def needed(sent: Sent, field: str, example: str) -> str:
    """Return a text that must be there. Raises FieldError."""
    value = text(sent, field)
    if value is None:
        raise FieldError(field, None, "it is missing", f"Send it, such as {example}.")
    return value


def decimal(value: object, field: str) -> Decimal:
    """Return a number as it was written: a JSON number, or a text with a decimal point. Raises FieldError."""
    fix = "Send a number with a decimal point, such as 12.5."
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise FieldError(field, value, "it is no number", fix)
    try:
        number = Decimal(value.strip() if isinstance(value, str) else repr(value))
    except InvalidOperation as error:
        raise FieldError(field, value, "it is no number", fix) from error
    if not number.is_finite() or number.adjusted() > 30:
        raise FieldError(field, value, "it is no number of anything", fix)
    return number


def choice(sent: Sent, field: str, kind: type[Choice], usual: Choice) -> Choice:
    """Return one of the names of an enum, in any case. Raises FieldError."""
    value = text(sent, field)
    if value is None:
        return usual
    name = value.upper().replace("-", "_").replace(" ", "_")
    if name not in set(kind):
        names = ", ".join(one.value.lower() for one in kind)
        raise FieldError(field, value, "there is no such thing", f"Send one of {names}.")
    return kind(name)


def time(value: object, field: str) -> datetime:
    """Return a moment in UTC. Raises FieldError."""
    fix = "Send ISO 8601 with the offset from UTC, such as 2024-07-14T08:00:00+08:00."
    if not isinstance(value, str):
        raise FieldError(field, value, "it is no time", fix)
    try:
        found = datetime.fromisoformat(value)
        moment = found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError) as error:
        raise FieldError(field, value, "it is no time", fix) from error
    if moment is None:
        raise FieldError(field, value, "it has no offset from UTC", fix)
    return moment


def revision(sent: Sent) -> int:
    """Return the revision of a document, 1 when it is left out. Raises FieldError."""
    value = sent.get("revision", 1)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _INT32:
        raise FieldError("revision", value, "it is no revision", "Send a whole number from 1.")
    return value
