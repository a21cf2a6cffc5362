"""Joins the REST route of readings with the gateway: its words become problem documents."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from console.problems import Problem, ProblemError
from console.readings import SeenPlants, Sent
from console.tokens import Tokens
from producers.gateway.intake import Kept, ReadingIntake, Submission
from producers.gateway.parse import ReadingParser
from producers.gateway.problems import Cause, ReadingProblem, SubmissionError
from runtime.setting_types import Settings
from synergy.catalogue import Catalogue

STATUS: Final[Mapping[Cause, int]] = {
    Cause.INVALID: 422,
    Cause.FORBIDDEN: 403,
    Cause.TOO_MANY: 413,
    Cause.KEY_REUSED: 422,
    Cause.FULL: 503,
    Cause.UNWRITABLE: 503,
}
OWN: Final = "demo"


class Gateway:
    """Implements `console.readings.ReadingGateway`."""

    def __init__(self, intake: ReadingIntake, catalogue: Catalogue) -> None:
        self._intake = intake
        self._catalogue = catalogue

    def earlier(self, sent: Sent) -> Kept | None:
        """See `console.readings.ReadingGateway.earlier`."""
        with _problems():
            return self._intake.earlier(_submission(sent))

    def prepare(self, sent: Sent, known: SeenPlants) -> Callable[[], Kept]:
        """See `console.readings.ReadingGateway.prepare`."""
        with _problems():
            readings = self._parser(sent, known).batch(sent.body)

        def keep() -> Kept:
            with _problems():
                return self._intake.keep(_submission(sent), readings)

        return keep

    def _parser(self, sent: Sent, known: SeenPlants) -> ReadingParser:
        return ReadingParser(self._catalogue, known, self._intake.ended, sent.sender)


def _submission(sent: Sent) -> Submission:
    return Submission(sent.sender.name, sent.key, sent.content)


@contextmanager
def _problems() -> Generator[None]:
    try:
        yield
    except SubmissionError as error:
        raise ProblemError(
            Problem(
                status=STATUS[error.cause],
                reason=error.cause.value,
                detail=_printable(error.detail),
                field=_printable(error.field),
                fix=error.fix,
                errors=[_document(one) for one in error.problems],
            )
        ) from error


def _document(problem: ReadingProblem) -> Mapping[str, object]:
    texts = {name: value for name, value in asdict(problem).items() if isinstance(value, str)}
    return {"index": problem.index} | {name: _printable(text) for name, text in texts.items()}


def _printable(text: str) -> str:
    """Return a text that every JSON reader takes: half a surrogate pair that was sent is no such text."""
    return text.encode(errors="replace").decode()


def tokens_of(settings: Settings) -> Tokens:
    """Return who may send: the setting, or one token for everything that is kept below `var`. Raises TokensError."""
    text = settings.readings.tokens.get_secret_value()
    return Tokens.parse(text or f"{OWN} {own_token(settings.var)} *")


def client_token(settings: Settings) -> str | None:
    """Return the token that a client sends: the setting, or the one below `var`, if there is one."""
    chosen = settings.readings.token.get_secret_value()
    path = _path(settings.var)
    return chosen or (path.read_text().strip() if path.exists() else None)


def own_token(var: Path) -> str:
    """Return the token of this folder; drawn once, readable by its owner only."""
    path = _path(var)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.partial")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
        partial.replace(path)
    return path.read_text().strip()


def _path(var: Path) -> Path:
    return var / "readings.token"
