"""Follows what becomes of a published reading: rejected, matched, or why not, asked of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from cli.figures import figure
from cli.orders import SHORT
from runtime.clock import Clock

Document = Mapping[str, Any]
LOOK_S: Final = 0.15
MOST_REASONS: Final = 4
SETTLED_S: Final = 2.0
"""How long after the position nothing new may be said, until what was said before holds."""


class Became(StrEnum):
    """What became of a reading."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


EXIT: Final[Mapping[Became, int]] = {
    Became.MATCHED: 0,
    Became.REJECTED: 1,
    Became.UNMATCHED: 3,
    Became.UNKNOWN: 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """The series that was published: material, SUPPLY or DEMAND, and the reading as the gateway answered it."""

    material: str
    direction: str
    source: str
    sequence: int
    period_end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of it after how many seconds, with what the store says of the series."""

    became: Became
    seconds: float
    matches: Sequence[Document] = ()
    why: Sequence[str] = ()
    why_zh: Sequence[str] = ()
    position: Document | None = field(default=None)

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "outcome": self.became.value,
            "seconds": round(self.seconds, 2),
            "matches": list(self.matches),
            "why": list(self.why),
            "why_zh": list(self.why_zh),
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """What the facility's document says of one series."""

    position: Document | None
    matches: tuple[Document, ...]
    unmatched: Document | None
    rejects: Mapping[str, int]

    @classmethod
    def of(cls, found: Document, followed: Followed) -> Seen:
        """Read the document of a facility."""
        series = followed.material, followed.direction
        return cls(
            next(
                (p for p in found["positions"] if (p["material"], p["direction"]) == series), None
            ),
            tuple(one for one in found["matches"] if _is_of(one, followed)),
            next(
                (u for u in found["unmatched"] if (u["material"], u["direction"]) == series), None
            ),
            {one["code"]: one["count"] for one in found["data_health"]["rejects"]},
        )

    @property
    def said(self) -> object:
        """What the market has said of it, to be compared."""
        return [(one["id"], one["revision"]) for one in self.matches], self.unmatched

    def reached(self, followed: Followed) -> bool:
        """Whether the position includes the reading."""
        position = self.position
        if position is None:
            return False
        same_source = position["latest_source"] == followed.source
        if same_source and position["latest_sequence"] >= followed.sequence:
            return True
        return bool(position["as_of"] >= followed.period_end)


def _is_of(match: Document, followed: Followed) -> bool:
    if followed.direction == "SUPPLY":
        return bool(match["role"] == "giver" and match["material_id"] == followed.material)
    return bool(match["role"] == "receiver" and match["need"] == followed.material)


def follow(
    look: Callable[[], Document], before: Seen, followed: Followed, clock: Clock, wait_s: float
) -> Outcome:
    """Look until something is known of the reading, at most so many seconds."""
    began = clock.monotonic_s()
    reached_at: float | None = None
    seen = before
    while (elapsed := clock.monotonic_s() - began) < wait_s:
        found = look()
        seen = Seen.of(found, followed)
        rejected = [code for code, n in seen.rejects.items() if n > before.rejects.get(code, 0)]
        if rejected:
            return _rejected(found, rejected[0], elapsed)
        if reached_at is None and seen.reached(followed):
            reached_at = elapsed
        settled = reached_at is not None and elapsed - reached_at > SETTLED_S
        news = reached_at is not None and seen.said != before.said
        if (news or settled) and (seen.matches or seen.unmatched):
            return _known(seen, elapsed)
        clock.sleep(LOOK_S)
    return Outcome(became=Became.UNKNOWN, seconds=wait_s, position=seen.position)


def _known(seen: Seen, elapsed: float) -> Outcome:
    if seen.matches:
        return Outcome(
            became=Became.MATCHED, seconds=elapsed, matches=seen.matches, position=seen.position
        )
    assert seen.unmatched is not None
    return Outcome(
        became=Became.UNMATCHED,
        seconds=elapsed,
        why=seen.unmatched["why"],
        why_zh=seen.unmatched["why_zh"],
        position=seen.position,
    )


def _rejected(found: Document, code: str, elapsed: float) -> Outcome:
    one = next(one for one in found["data_health"]["rejects"] if one["code"] == code)
    words = one["words"] or {"fix": "", "fix_zh": ""}
    return Outcome(
        became=Became.REJECTED,
        seconds=elapsed,
        why=(f"{code}: {one['message']}", words["fix"]),
        why_zh=(code, words["fix_zh"]),
    )


def lines_of(outcome: Outcome) -> Iterator[str]:
    """Yield the outcome in sentences."""
    after = f"after {outcome.seconds:.1f} s"
    match outcome.became:
        case Became.MATCHED:
            count = len(outcome.matches)
            yield f"matched {after}: {count} {'proposal' if count == 1 else 'proposals'}"
            for one in outcome.matches:
                yield from _match_lines(one)
            first = outcome.matches[0]
            yield f"answer with: synergy match accept {first['id'][:SHORT]} --as {first['role']}"
        case Became.UNMATCHED:
            yield f"not matched, {after}:"
            yield from (f"  {sentence}" for sentence in outcome.why)
        case Became.REJECTED:
            yield f"rejected {after}:"
            yield from (f"  {sentence}" for sentence in outcome.why if sentence)
        case Became.UNKNOWN:
            yield (
                f"accepted, and nothing is known of it {after}: `synergy status` shows whether the "
                "stages keep up, `synergy facility show` what came of it"
            )


def _match_lines(one: Document) -> Iterator[str]:
    gain = f"{figure(one['own_gain'])} {one['currency']} a day"
    yield (
        f"  {one['id'][:SHORT]}  {one['counterpart_names']['en']}: {one['use_names']['en']}, "
        f"{figure(one['quantity_per_day'])} {one['unit']} a day, your gain {gain}, "
        f"{round(one['distance_km'])} km, quality {one['verdict'].lower()}"
    )
    yield from (f"            {sentence}" for sentence in one["why"][:MOST_REASONS])
    if len(one["why"]) > MOST_REASONS:
        yield f"            (and {len(one['why']) - MOST_REASONS} more: --json has all)"
