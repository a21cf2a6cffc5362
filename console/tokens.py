"""Who may send readings: tokens by name, each for every plant, for programmes, or for named plants."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from schemas.events import FacilityFacts

SCHEME: Final = "bearer"
LEAST: Final = 16
"""Shorter tokens can be guessed."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_PROGRAMME: Final = "programme:"
_EVERYTHING: Final = "*"


class TokensError(Exception):
    """A line of the setting is wrong. The token itself is never shown."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(
            f"readings.tokens line {line}: {problem}; write NAME TOKEN and what it is for: *, "
            "programme:NAME, or facility ids"
        )
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whose token it is, and what it may send for."""

    name: str
    facilities: frozenset[str]
    programmes: frozenset[str]
    everything: bool

    def may(self, facility: FacilityFacts) -> bool:
        """Whether it may send readings of this facility."""
        return (
            self.everything
            or facility.facility in self.facilities
            or facility.programme in self.programmes
        )


@dataclass(frozen=True, slots=True)
class Tokens:
    """Senders by the hash of their token."""

    senders: tuple[tuple[bytes, Sender], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the setting: one sender a line, or separated by semicolons. Raises TokensError."""
        senders = tuple(_senders(text))
        names = [sender.name for _, sender in senders]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise TokensError(number + 1, f"{name} is there twice")
        return cls(senders)

    def sender(self, authorization: str | None) -> Sender | None:
        """Return whose token an `Authorization` header holds; every token is compared, so that none is told by time."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != SCHEME:
            return None
        given = _hashed(token.strip())
        found = [sender for known, sender in self.senders if hmac.compare_digest(known, given)]
        return found[0] if found else None


def _senders(text: str) -> Iterator[tuple[bytes, Sender]]:
    for number, line in enumerate(re.split(r"[\n;]", text), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 3:
            raise TokensError(number, "something is missing")
        name, token, *scope = words
        if not _NAME.fullmatch(name):
            raise TokensError(number, "the name is no word of letters, digits, points and hyphens")
        if len(token) < LEAST:
            raise TokensError(number, f"the token has fewer than {LEAST} characters")
        yield (
            _hashed(token),
            Sender(
                name=name,
                facilities=frozenset(
                    one for one in scope if one != _EVERYTHING and not one.startswith(_PROGRAMME)
                ),
                programmes=frozenset(
                    one.removeprefix(_PROGRAMME) for one in scope if one.startswith(_PROGRAMME)
                ),
                everything=_EVERYTHING in scope,
            ),
        )


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
