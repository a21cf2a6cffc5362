"""Over which period a sent reading is: as it says, or up to the programme's time from where the flow before ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from producers.gateway import fields
from producers.gateway.fields import Sent
from producers.gateway.problems import FieldError
from schemas.events import Form
from synergy.balance.terms import EARLIEST_US, LATEST_US, QUARTER_US, microseconds, moment

USUAL: Final = timedelta(hours=24)
MOST_HOURS: Final = 35 * 24
AHEAD: Final = timedelta(minutes=10)
"""How far a period may end ahead of the programme's time, as balance allows it against the clock."""
SHORTEST: Final = timedelta(seconds=1)
EARLIEST: Final = moment(EARLIEST_US)
LATEST: Final = moment(LATEST_US)


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open [start, end)."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start


def period_of(sent: Sent, form: Form, now: datetime, before: datetime | None) -> Period:
    """Return the period of a reading. Raises FieldError.

    Args:
        sent: the reading.
        form: a stock is of a moment.
        now: the programme's time.
        before: where the flow of this source and series ended that was sent before, None without one.
    """
    period = _period(sent, form, now, before)
    if period.length <= timedelta(0) and form is not Form.STOCK:
        value = sent.get("period_end")
        fix = "Send a period of some length."
        raise FieldError("period_end", value, "it is not after period_start", fix)
    if period.start < EARLIEST or period.end >= LATEST:
        name = "period_start" if period.start < EARLIEST else "period_end"
        raise FieldError(name, sent.get(name), "it is not within 1970 to 2199", "Check the year.")
    if period.end > now + AHEAD and form is not Form.PLAN:
        raise FieldError(
            "period_end",
            sent.get("period_end"),
            f"it is ahead of the programme's time, {_shown(now)}",
            "Leave the period out for what has flowed up to then, or send one that is over.",
        )
    return period


def _period(sent: Sent, form: Form, now: datetime, before: datetime | None) -> Period:
    has = {name: sent.get(name) is not None for name in ("period_start", "period_end")}
    if form is Form.STOCK:
        end = fields.time(sent["period_end"], "period_end") if has["period_end"] else now
        return Period(end, end)
    if any(has.values()) and sent.get("hours") is not None:
        raise FieldError(
            "hours",
            sent["hours"],
            "there is a period too",
            "Send hours, or period_start and period_end.",
        )
    if all(has.values()):
        start, end = (fields.time(sent[name], name) for name in has)
        return Period(start, end)
    if any(has.values()):
        missing = next(name for name, there in has.items() if not there)
        raise FieldError(missing, None, "it is missing", "Send both period_start and period_end.")
    if sent.get("hours") is not None:
        return Period(now - _hours(sent), now)
    if form is Form.PLAN:
        raise FieldError("period_start", None, "it is missing", "Say from when the plan holds.")
    return _since(sent, now, before)


def _since(sent: Sent, now: datetime, before: datetime | None) -> Period:
    """Return the time since the flow before, at most 24 hours; a quantity that is no rate needs all of them.

    The 24 hours end with a quarter-hour, as the window of balance does: 12 t/h are 288 t there and not 286.
    """
    if before is None or before <= now - USUAL:
        end = moment(microseconds(now) // QUARTER_US * QUARTER_US)
        return Period(end - USUAL, end)
    if sent.get("per") is None:
        raise FieldError(
            "quantity",
            sent.get("quantity"),
            f"what flowed up to {_shown(before)} has been sent, and the last 24 hours overlap with it",
            "Send a rate (per: h), which goes on from there, or name the period.",
        )
    if now - before < SHORTEST:
        raise FieldError(
            "period_end",
            None,
            f"no time has passed since the reading before, which ended at {_shown(before)}",
            "Send the next one later, or name the period. The time of a replay that has ended stands still until it is "
            "started anew.",
        )
    return Period(before, now)


def _hours(sent: Sent) -> timedelta:
    hours = fields.decimal(sent["hours"], "hours")
    if not 0 < hours <= MOST_HOURS:
        fix = f"Send a number up to {MOST_HOURS}, or period_start and period_end."
        raise FieldError("hours", sent["hours"], "it is no length of a period", fix)
    return timedelta(seconds=max(round(hours * 3600), 1))


def _shown(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
