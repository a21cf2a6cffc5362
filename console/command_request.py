"""Reads what a client asks for. Every error names the field and the fix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from starlette.exceptions import HTTPException

from console.views import Views
from schemas.events import Side
from synergy.lifecycle import COMMANDS

MOST_BYTES: Final = 16_384
MOST_TEXT: Final = 2_000
MOST_NAME: Final = 200
FIELDS: Final = (
    *("id", "programme", "action", "subject", "revision", "side", "actor", "reason", "quantity"),
)
_INT32: Final = 2**31 - 1
_INT64: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A command as the client asks for it; `quantity` is in base units."""

    id: UUID | None
    programme: str
    action: str
    subject: str
    revision: int | None
    side: Side | None
    actor: str
    reason: str | None
    quantity: int | None

    def content(self) -> tuple[Any, ...]:
        """Return everything but the id, as JSON has it."""
        return (
            *(self.programme, self.action, self.subject, self.revision, self.side),
            *(self.actor, self.reason, self.quantity),
        )


def read_wanted(body: Mapping[str, object], views: Views) -> Wanted:
    """Return the command that a JSON object asks for.

    The programme may be left out when the subject is known: it is then the subject's.

    Raises:
        HTTPException: 400, with the field and the fix.
    """
    unknown = sorted(body.keys() - set(FIELDS))
    if unknown:
        raise HTTPException(400, f"{unknown[0]}: no such field; a command has {', '.join(FIELDS)}")
    action = _text(body, "action", MOST_NAME)
    if action not in COMMANDS:
        raise HTTPException(400, f"action: write one of {', '.join(sorted(COMMANDS))}")
    subject = _identity(body, "subject")
    if subject is None:
        raise HTTPException(400, "subject: name the match, agreement, delivery or alert by its id")
    return Wanted(
        id=_identity(body, "id"),
        programme=_programme(body, subject, views),
        action=action,
        subject=str(subject),
        revision=_number(body, "revision", _INT32),
        side=_side(body),
        actor=_text(body, "actor", MOST_NAME),
        reason=_text(body, "reason", MOST_TEXT) if body.get("reason") is not None else None,
        quantity=_number(body, "quantity", _INT64),
    )


def _text(body: Mapping[str, object], name: str, most: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise HTTPException(400, f"{name}: give a text")
    if len(value) > most:
        raise HTTPException(400, f"{name}: at most {most:,} characters")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise HTTPException(400, f"{name}: this is no Unicode text") from error
    return value.strip()


def _identity(body: Mapping[str, object], name: str) -> UUID | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError as error:
        example = "an id like 2a485c83-7701-5cea-99e9-c06cd59d8779"
        raise HTTPException(400, f"{name}: write {example}") from error


def _number(body: Mapping[str, object], name: str, most: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not -most <= value <= most:
        raise HTTPException(400, f"{name}: give a whole number up to {most:,}")
    return value


def _side(body: Mapping[str, object]) -> Side | None:
    value = body.get("side")
    if value is None:
        return None
    if not isinstance(value, str) or value.upper() not in set(Side):
        raise HTTPException(400, "side: write giver or receiver, or leave it out")
    return Side(value.upper())


def _programme(body: Mapping[str, object], subject: UUID, views: Views) -> str:
    known = views.programme_of(subject)
    if body.get("programme") is None:
        if known is None:
            raise HTTPException(
                400, "programme: nothing here has this subject, so name its programme"
            )
        return known
    return _text(body, "programme", MOST_NAME)
