"""From the state to the positions that are news.

Pure: no clock, no I/O, no threads (gate: import-linter).

A series is looked at when a reading touched it, when it was never published, when it became stale or revived, when a
plan line starts or ends, an analysis runs out, a chapter begins, or a day of its programme's time is over since it was
published; it is published when it is news (`told`), or when a reading came too late for its windows. A series that is
stale, or has no data in the present chapter, is not repeated daily.

A series of flows or stocks is stale when its programme's time is more than `stale_after` past its `as_of`. Plan lines
do not move `as_of`; a series without flows isn't stale while a plan line covers the time. A series that has only
plans is as of the programme's time. After a jump to another chapter, a series whose data and plan lines all end before
the chapter starts is published once with the flag `no_data_in_chapter`, not stale, promising nothing: firm and
interruptible are 0. Its 24 h sum stays what it was at its `as_of`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.events import Position
from synergy.balance.publication import Evaluation, publish
from synergy.balance.state import PartitionState
from synergy.balance.terms import (
    DATA_KINDS,
    DAY_US,
    Bools,
    Int64s,
)
from synergy.balance.told import NO_DETAILS, TOLD, Details, differ


@dataclass(frozen=True, slots=True)
class Status:
    """Where every series stands; arrays over all series.

    Attributes:
        time: the programme's time, 0 if unknown.
        alive: can be published: facility enrolled, material in the catalogue, time known, something known.
        stale, out: as above.
    """

    time: Int64s
    alive: Bools
    stale: Bools
    out: Bools


def status(state: PartitionState) -> Status:
    """Return where every series stands at its programme's time."""
    series, size = state.series, state.series.size
    facility = series.facility[:size]
    facilities = state.facilities
    clocks = [state.times.at(programme) for programme in facilities.programmes]
    programme = facilities.programme[facility]
    time = np.array([clock.time_us for clock in clocks], np.int64)[programme]
    chapter = np.array([clock.chapter_start_us for clock in clocks], np.int64)[programme]
    material = series.material[:size]
    ruled = material < len(state.limits.rules)
    as_of = series.rows["as_of"][:size]
    state.series.touched[state.plans.refresh(time)] = True
    plan = state.plans.outlook(slice(size))
    known = (as_of > 0) | (plan["lines"] > 0)
    alive = facilities.enrolled[facility] & ruled & (time > 0) & known
    out = (as_of < chapter) & (plan["until"] <= chapter)
    patience = state.limits.stale_after[np.where(ruled, material, -1)]
    silent = (as_of > 0) & (time - as_of > patience)
    stale = silent & ~out & ((state.windows.first_start[:size] > 0) | ~plan["covered"])
    return Status(time, alive, stale, out)


def to_look_at(state: PartitionState, now: Status) -> Int64s:
    """Return the series whose position may be news."""
    size = state.series.size
    told = state.told.rows[:size]
    look = state.series.touched[:size] | ~told["published"]
    look |= (now.stale != told["stale"]) | (now.out != told["out"])
    look |= state.analyses.due(now.time)
    look |= ~now.stale & ~now.out & _day_over(now.time, told["time"])
    return np.flatnonzero(look & now.alive)


def _day_over(time: Int64s, told_at: Int64s) -> Bools:
    """Time may step back, so that what was told at a later time counts too."""
    over: Bools = np.abs(time - told_at) >= DAY_US
    return over


def evaluate(state: PartitionState, now: Status, series: Int64s) -> Evaluation:
    """Return the positions of some series as columns."""
    rows = state.series.rows[series]
    plan = state.plans.outlook(series)
    time, out = now.time[series], now.out[series]
    measured = rows["as_of"] > 0
    as_of = np.where(measured, rows["as_of"], time)
    numbers = np.zeros(len(series), TOLD)
    quantity = state.windows.sum_24h(series, as_of)
    offer = state.windows.offer(series, as_of, quantity)
    numbers["published"] = True
    numbers["stale"], numbers["out"], numbers["time"] = now.stale[series], out, time
    numbers["quantity"] = quantity
    numbers["firm"] = np.where(out, 0, offer.firm)
    numbers["interruptible"] = np.where(out, 0, offer.interruptible)
    numbers["has_stock"], numbers["stock"] = rows["stock_at"] > 0, rows["stock"]
    numbers["has_plan"], numbers["plan"] = plan["until"] > time, plan["per_day"]
    counts = rows["readings"].sum(axis=1)
    shares = counts / np.maximum(counts.sum(axis=1), 1)[:, None]
    numbers["shares"] = shares
    day_before = np.minimum((as_of - 1) // DAY_US, rows["news_day"]) - 1
    flags_from = np.where(measured, day_before, 0)
    numbers["data_kind"] = _data_kind(rows, np.where(measured, day_before, 0), plan)
    return Evaluation(series, as_of, offer.days_seen, flags_from, shares, numbers)


def _data_kind(rows: npt.NDArray[np.void], first_day: Int64s, plan: npt.NDArray[np.void]) -> Int64s:
    """Return the least certain kind of the window's days and of the plan lines, else of the latest reading."""
    days = rows["kind_days"]
    seen = (days > 0) & (days >= first_day[:, None])
    worst = np.where(seen, np.arange(len(DATA_KINDS)), -1).max(axis=1)
    planned = np.where(plan["lines"] > 0, plan["data_kind"], -1)
    kind = np.maximum(worst, planned)
    return np.where(kind < 0, rows["data_kind"], kind)


def take_positions(state: PartitionState, next_offset: int) -> tuple[Position, ...]:
    """Return the positions that are news, in the order of the series, and note them as published."""
    if not state.series.size:
        return ()
    now = status(state)
    series = to_look_at(state, now)
    if not series.size:
        return ()
    found = evaluate(state, now, series)
    state.series.touched[series] = False
    told = state.told.rows["time"][series]
    news = state.told.news(series, found.numbers)
    news |= ~now.stale[series] & ~now.out[series] & _day_over(now.time[series], told)
    news |= state.series.has_new_late[series]
    state.series.has_new_late[series] = False
    details = _details(state, series, found, now)
    for place, detail in details.items():
        if differ(state.told.details.get(int(series[place]), NO_DETAILS), detail):
            news[place] = True
    chosen = np.flatnonzero(news)
    kept = {place: details[place] for place in chosen.tolist() if place in details}
    numbers = series[list(kept)].tolist()
    state.told.keep(
        series[chosen],
        found.numbers[chosen],
        dict(zip(numbers, kept.values(), strict=True)),
    )
    shown = [kept.get(place, NO_DETAILS) for place in chosen.tolist()]
    return publish(state, found.where(chosen), shown, next_offset)


def _details(
    state: PartitionState, series: Int64s, found: Evaluation, now: Status
) -> dict[int, Details]:
    """Return flags and analyses by place, for the few series that have or had any."""
    flags, analyses, told = state.flags, state.analyses, state.told.details
    if not (flags or analyses or told):
        return {}
    details: dict[int, Details] = {}
    first_days, times = found.flags_from.tolist(), now.time[series].tolist()
    last_days = ((found.as_of - 1) // DAY_US).tolist()
    for place, number in enumerate(series.tolist()):
        if number in flags or number in analyses or number in told:
            shown = flags.since(number, first_days[place], state.texts)
            valid = analyses.valid(number, times[place])
            present = Details(shown, valid, state.means.until(number, last_days[place]))
            former = told.get(number, NO_DETAILS)
            details[place] = former if present == former else present
    return details
