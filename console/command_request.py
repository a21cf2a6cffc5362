"""Reads the command that a client asks for. Every problem names the field and the fix."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from console.problems import Problem, ProblemError
from console.views import Views
from schemas.events import Command, Side
from schemas.json_form import to_json
from synergy.lifecycle import COMMANDS

NAMESPACE: Final = UUID("9d0f5f0a-2b9c-5d39-9a43-5c1f7a3f1b77")
FIELDS: Final = (
    *("id", "programme", "action", "subject", "revision", "side", "actor", "reason", "quantity"),
)
_UNNAMED: Final = UUID(int=0)
_MOST_NAME: Final = 200
_MOST_TEXT: Final = 2_000
_INT32: Final = 2**31 - 1
_INT64: Final = 2**63 - 1


def _wrong(field: str, detail: str, fix: str) -> ProblemError:
    problem = Problem(status=400, reason="no_command", detail=detail, field=field, fix=fix)
    return ProblemError(problem)


@dataclass(frozen=True, slots=True)
class CommandReader:
    """Reads commands; what the views know fills in what a client leaves out."""

    views: Views

    def read(self, body: Mapping[str, object], now: datetime) -> Command:
        """Return the command of a JSON object, sent at `now`.

        Without an id it gets one from its content and the time. The programme may be left out where the subject is
        known. Quantities are in base units.

        Raises:
            ProblemError: a field is wrong.
        """
        unknown = sorted(body.keys() - set(FIELDS))
        if unknown:
            fix = f"A command has {', '.join(FIELDS)}."
            raise _wrong(unknown[0], "there is no such field", fix)
        subject, reason = _name(body, "subject"), body.get("reason")
        command = Command(
            id=_identity(body) or _UNNAMED,
            programme=self._programme(body, subject),
            action=_action(body),
            subject=subject,
            revision=_number(body, "revision", _INT32),
            side=_side(body),
            actor=_name(body, "actor"),
            reason=None if reason is None else _text(body, "reason", _MOST_TEXT),
            quantity=_number(body, "quantity", _INT64),
            sent_at=now,
        )
        if command.id != _UNNAMED:
            return command
        content = json.dumps(to_json(command), sort_keys=True)
        return replace(command, id=uuid5(NAMESPACE, content))

    def _programme(self, body: Mapping[str, object], subject: str) -> str:
        if body.get("programme") is not None:
            return _name(body, "programme")
        try:
            known = self.views.programme_of(UUID(subject))
        except ValueError:
            known = None
        if known is None:
            fix = "Name the programme, or copy the subject's id from a list of /api/v1."
            raise _wrong("programme", "it is left out, and nothing here has this subject", fix)
        return known


def _text(body: Mapping[str, object], name: str, most: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise _wrong(name, "it is missing, empty or no text", "Give a text.")
    if len(value) > most:
        raise _wrong(name, "it is too long", f"Give at most {most:,} characters.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _wrong(name, "it is no Unicode text", "Send UTF-8.") from error
    return value.strip()


def _name(body: Mapping[str, object], name: str) -> str:
    return _text(body, name, _MOST_NAME)


def _action(body: Mapping[str, object]) -> str:
    action = _name(body, "action")
    if action not in COMMANDS:
        raise _wrong(
            "action", f"{action!r} is none", f"Write one of {', '.join(sorted(COMMANDS))}."
        )
    return action


def _identity(body: Mapping[str, object]) -> UUID | None:
    value = body.get("id")
    if value is None:
        return None
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError as error:
        fix = "Choose a UUID, or leave it out."
        raise _wrong("id", f"{value!r} is no UUID", fix) from error


def _number(body: Mapping[str, object], name: str, most: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not -most <= value <= most:
        raise _wrong(name, "it is no whole number", f"Give a whole number up to {most:,}.")
    return value


def _side(body: Mapping[str, object]) -> Side | None:
    value = body.get("side")
    if value is None:
        return None
    if not isinstance(value, str) or value.upper() not in set(Side):
        raise _wrong("side", f"{value!r} is none", "Write giver or receiver, or leave it out.")
    return Side(value.upper())


def only_json(content_type: str) -> None:
    """Let only JSON pass: a form on another site can't send that without being asked. Raises ProblemError."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ProblemError(
            Problem(
                status=415,
                reason="no_json",
                detail=f"the content type is {kind or 'missing'}",
                field="content-type",
                fix="Send the command as application/json.",
            )
        )
