"""What was rejected of one facility in the last days: from the ledger, and what has only just reached the views."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from schemas.events import Rejected
from schemas.json_form import to_json
from synergy.health import Rejections
from synergy.rejections import reject_reasons

REJECTS: Final = """
SELECT code, count() AS count,
       argMax(field, (_timestamp, _offset)) AS last_field, argMax(message, (_timestamp, _offset)) AS last_message,
       argMax(source, (_timestamp, _offset)) AS last_source,
       argMax(origin.topic, (_timestamp, _offset)) AS topic,
       argMax(origin.partition, (_timestamp, _offset)) AS number,
       argMax(origin.offset, (_timestamp, _offset)) AS place
FROM rejected
WHERE facility = {facility:String} AND _timestamp > now() - INTERVAL 7 DAY
GROUP BY code
"""
"""By reason, over the last seven days by arrival."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectGroup:
    """The rejects of one reason, with what the latest of them said."""

    code: str
    count: int
    field: str | None
    message: str
    source: str | None
    origin: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return it with the words of its reason."""
        reason = reject_reasons().get(self.code)
        return {**asdict(self), "words": None if reason is None else asdict(reason)}


def of_ledger(rows: Iterable[tuple[object, ...]]) -> Iterator[RejectGroup]:
    """Yield the groups of the rows of `REJECTS`."""
    for code, count, field, message, source, topic, partition, offset in rows:
        yield RejectGroup(
            code=str(code),
            count=int(str(count)),
            field=None if field is None else str(field),
            message=str(message),
            source=None if source is None else str(source),
            origin={
                "topic": str(topic),
                "partition": int(str(partition)),
                "offset": int(str(offset)),
            },
        )


def of_views(rejected: Iterable[Rejected]) -> Iterator[RejectGroup]:
    """Yield the groups of events, oldest first."""
    groups: dict[str, list[Rejected]] = {}
    for one in rejected:
        groups.setdefault(one.code, []).append(one)
    for code, found in groups.items():
        latest = found[-1]
        yield RejectGroup(
            code=code,
            count=len(found),
            field=latest.field,
            message=latest.message,
            source=latest.source,
            origin=to_json(latest)["origin"],
        )


def together(ledger: Iterable[RejectGroup], views: Iterable[RejectGroup]) -> list[RejectGroup]:
    """Return one group a reason, most first: the ledger is a second behind, the views forget."""
    found = {one.code: one for one in ledger}
    for one in views:
        known = found.get(one.code)
        if known is None or one.count > known.count:
            found[one.code] = one
    return sorted(found.values(), key=lambda one: (-one.count, one.code))


def counted(groups: Iterable[RejectGroup]) -> list[Rejections]:
    """Return the counts for the notes."""
    return [Rejections(code=one.code, count=one.count) for one in groups]
