"""People who answer matches and cancel agreements between the faults; some of their commands are sent twice."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from runtime.publisher import PublishError
from schemas import topic_files
from schemas.events import Command, MatchState, Side
from synergy.balance.terms import moment
from tests.chaos.stand import Stand
from tests.end_to_end.pipeline import CLOCK

AGAIN: Final = 0.3
DECLINES: Final = 0.2
CANCELS: Final = 0.4
"""Share of the rounds in which an agreement is cancelled, so that there is supply to match again."""


def act(stand: Stand) -> None:
    """Let both sides of one open match answer, and somebody think again; nothing while the page is away."""
    pipeline, choose = stand.pipeline, stand.choose
    rows = [one for one in pipeline.get("matches") if one["state"] != MatchState.AGREED.value]
    half = [one for one in rows if one["state"] != MatchState.PROPOSED.value]
    orders: list[Command] = []
    if half or rows:
        row = choose.choice(half or rows)
        orders = [_order(stand, row, "accept", side) for side in Side]
        if choose.random() < DECLINES:
            orders = [_order(stand, row, "decline", Side.GIVER, reason="chaos")]
    agreements = [one for one in pipeline.get("transactions") if one["state"] != "cancelled"]
    if agreements and choose.random() < CANCELS:
        row = choose.choice(agreements)
        orders.append(_order(stand, row, "cancel", Side.RECEIVER, reason="chaos"))
    orders += [one for one in orders if choose.random() < AGAIN]
    try:
        pipeline.publish(
            [pipeline.record(topic_files.COMMANDS, one.programme, one) for one in orders]
        )
    except PublishError:
        stand.wait(1.0)  # the broker is away: what arrived of them, the topic says


def _order(
    stand: Stand, row: dict[str, Any], action: str, side: Side, reason: str | None = None
) -> Command:
    return Command(
        id=UUID(int=stand.choose.getrandbits(128), version=4),
        programme=row["programme"],
        action=action,
        subject=row["id"],
        revision=row["revision"],
        side=side,
        actor="chaos",
        reason=reason,
        sent_at=moment(CLOCK.now_us()),
    )
