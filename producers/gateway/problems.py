"""What is wrong with readings that were sent, and why a request as a whole can't be taken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from producers.errors import ProducerError


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingProblem:
    """One field of one reading. `index` counts from 0; `value` is what was sent, shortened."""

    index: int
    field: str
    value: str
    detail: str
    fix: str


class FieldError(ProducerError):
    """One field can't be used; whoever reads the batch adds the index."""

    def __init__(self, field: str, value: object, detail: str, fix: str) -> None:
        super().__init__(f"{field}: {detail}. {fix}")
        self.field = field
        self.value = value
        self.detail = detail
        self.fix = fix

    def at(self, index: int) -> ReadingProblem:
        """Return it with its reading."""
        value = "" if self.value is None else str(self.value)[:80]
        return ReadingProblem(
            index=index, field=self.field, value=value, detail=self.detail, fix=self.fix
        )


class Cause(StrEnum):
    """Why a whole request is not taken."""

    INVALID = "invalid_readings"
    FORBIDDEN = "not_your_facility"
    TOO_MANY = "too_many_readings"
    KEY_REUSED = "idempotency_key_reused"
    FULL = "spool_full"
    UNWRITABLE = "spool_unwritable"


class SubmissionError(ProducerError):
    """Nothing of a request was taken."""

    def __init__(
        self,
        cause: Cause,
        field: str,
        detail: str,
        fix: str,
        problems: tuple[ReadingProblem, ...] = (),
    ) -> None:
        super().__init__(f"{field}: {detail}. {fix}")
        self.cause = cause
        self.field = field
        self.detail = detail
        self.fix = fix
        self.problems = problems
