"""The market's own alerts: raised once when their cause appears, cleared once when it is gone.

What a solve finds belongs to its market: the last reason of these alerts names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from schemas.events import Alert, Direction, Match, MatchState, Position, Reason
from synergy.alerts import RuleName, alert_id, alert_rules, cleared, raised
from synergy.catalogue import Catalogue
from synergy.lifecycle.match_states import CLOSED
from synergy.market.programme import Programme
from synergy.market.propose import FailedSolve, SolveResult
from synergy.market.reasons import Code
from synergy.market.series import Series, need_series, pair_of, supply_series
from synergy.market.told_alerts import OWN

Cause = tuple[RuleName, str]
OF_A_SOLVE = frozenset(
    {
        RuleName.COMMITTED_SHORT,
        RuleName.QUALITY_FAILED,
        RuleName.SOLVER_TIME_LIMIT,
        RuleName.SOLVE_FAILED,
    }
)
OF_A_PROPOSAL = (RuleName.NEW_MATCH, RuleName.BETTER_MATCH)


def after_solve(
    programme: Programme,
    result: SolveResult,
    before: Mapping[UUID, Match],
    catalogue: Catalogue,
) -> list[Alert]:
    """Return what to raise and clear after a solve.

    Args:
        programme: after the result was taken in.
        result: what the solve found.
        before: the matches that it changed, as they were.
        catalogue: knows the trade units.
    """
    time = programme.head.time
    if time is None:
        return []
    due = {**_causes(programme, result, catalogue), **_proposals(result, before)}
    changes = [_raise(programme, cause, due[cause], result.market) for cause in sorted(due)]
    unjudged = {(RuleName.QUALITY_FAILED, str(match)) for match in result.unjudged}
    stay = {alert_id(programme.name, rule, subject) for rule, subject in {*due, *unjudged}}
    over = [
        cleared(alert, time)
        for _, alert in sorted(programme.alerts.items())
        if alert.rule in OF_A_SOLVE and alert.id not in stay
        if catalogue.market_of(alert.reasons[-1].text or "") == result.market
    ]
    closed = [match for match in result.matches if match.state in CLOSED]
    told = [alert for match in closed for alert in after_closing(programme, match)]
    return [*(alert for alert in changes if alert is not None), *over, *told]


def after_failure(programme: Programme, failed: FailedSolve) -> list[Alert]:
    """Return what to raise after a solve that raised an error: the proposals stay as they are."""
    cause = (RuleName.SOLVE_FAILED, f"{programme.name}/{failed.market}")
    reason = Reason(code=Code.SOLVE_FAILED, subject=failed.market, text=failed.error)
    new = _raise(programme, cause, reason, failed.market)
    return [] if new is None else [new]


def _raise(programme: Programme, cause: Cause, reason: Reason, market: str) -> Alert | None:
    """Return a new alert, or None when this cause has been told already."""
    (rule, subject), time = cause, programme.head.time
    if time is None or alert_id(programme.name, rule, subject) in programme.alerts:
        return None
    reasons = (reason, Reason(code=rule.value, text=market))
    return raised(alert_rules()[rule], (programme.name, subject), reasons, time)


def _causes(programme: Programme, result: SolveResult, catalogue: Catalogue) -> dict[Cause, Reason]:
    """Return what is wrong in a market now."""
    share = 1.0 + alert_rules()[RuleName.COMMITTED_SHORT].limit
    due: dict[Cause, Reason] = {}
    for series, (offered, committed) in result.shortfalls.items():
        if committed > offered * share:
            per_unit, name = _trade_unit(programme, series, catalogue)
            due[RuleName.COMMITTED_SHORT, f"{series.facility}/{series.material}"] = Reason(
                code=Code.COMMITTED_SHORT,
                subject=series.facility,
                value=offered / per_unit,
                limit=committed / per_unit,
                unit=name,
                text=series.material,
            )
    for match, reason in result.failures.items():
        due[RuleName.QUALITY_FAILED, str(match)] = reason
    if not result.optimal:
        subject = f"{programme.name}/{result.market}"
        reason = Reason(code=Code.SOLVER_TIME_LIMIT, subject=result.market)
        due[RuleName.SOLVER_TIME_LIMIT, subject] = reason
    return due


def _trade_unit(programme: Programme, series: Series, catalogue: Catalogue) -> tuple[int, str]:
    """Return how many base units a trade unit has, and its name; that of the matches for a material no longer known."""
    material = catalogue.materials.get(series.material)
    if material is not None:
        return material.trade_unit.per_unit, material.trade_unit.name
    units = (
        match.unit for match in programme.matches.values() if match.material == series.material
    )
    return 1, next(units, "")


def _proposals(result: SolveResult, before: Mapping[UUID, Match]) -> dict[Cause, Reason]:
    """Return the proposals that are worth telling: pairs never proposed before, and what became much better."""
    rules, due = alert_rules(), dict[Cause, Reason]()
    for match in result.matches:
        gain = float(match.gain_giver + match.gain_receiver)
        old = before.get(match.id)
        if match.state is not MatchState.PROPOSED:
            continue
        if old is None:
            first = result.pairs[pair_of(match)].proposals == 1
            if first and gain >= rules[RuleName.NEW_MATCH].limit:
                due[RuleName.NEW_MATCH, str(match.id)] = _gain(Code.NEW_MATCH, match, gain, None)
            continue
        was = float(old.gain_giver + old.gain_receiver)
        if gain - was >= rules[RuleName.BETTER_MATCH].limit * max(was, 1.0):
            due[RuleName.BETTER_MATCH, str(match.id)] = _gain(Code.BETTER_MATCH, match, gain, was)
    return due


def _gain(code: Code, match: Match, gain: float, was: float | None) -> Reason:
    return Reason(
        code=code,
        subject=match.giver,
        value=round(gain, 2),
        limit=None if was is None else round(was, 2),
        unit=match.currency,
        text=match.use,
    )


def after_closing(programme: Programme, match: Match) -> list[Alert]:
    """Return what to raise and clear once a match is no longer proposed.

    Who was told of a proposal is told of its withdrawal; what people decided themselves is no news.
    """
    time = programme.head.time
    ids = [alert_id(programme.name, rule, str(match.id)) for rule in OF_A_PROPOSAL]
    told = [programme.alerts[identity] for identity in ids if identity in programme.alerts]
    if time is None or not told:
        return []
    changes = [cleared(alert, time) for alert in told]
    if match.state is MatchState.WITHDRAWN:
        why = match.reasons[0] if match.reasons else Reason(code=Code.REALLOCATED, text=match.use)
        reasons = (Reason(code=Code.MATCH_WITHDRAWN, subject=match.giver, text=match.use), why)
        about = (programme.name, str(match.id))
        rule = alert_rules()[RuleName.MATCH_WITHDRAWN]
        changes.append(raised(rule, about, reasons, time))
    return changes


def after_position(programme: Programme, series: Series, position: Position) -> list[Alert]:
    """Return what to raise or clear when a series went stale or came back."""
    subject = f"{series.facility}/{series.material}"
    time = programme.head.time or position.as_of
    known = programme.alerts.get(alert_id(programme.name, RuleName.SUPPLY_STALE, subject))
    if not position.stale:
        if known is None or _is_silent(programme, _opposite(series)):
            return []
        return [cleared(known, time)]
    if known is not None or not _is_dealt_with(programme, series):
        return []
    reason = Reason(code=Code.SUPPLY_STALE, subject=series.facility, text=series.material)
    rule = alert_rules()[RuleName.SUPPLY_STALE]
    return [raised(rule, (programme.name, subject), (reason,), time, position.latest)]


def after_leaving(programme: Programme, facility: str) -> list[Alert]:
    """Return what to clear when a facility leaves, while its series are still there: nothing more will come of them."""
    time = programme.head.time
    subjects = {
        f"{facility}/{series.material}"
        for series in programme.positions
        if series.facility == facility
    }
    ids = [alert_id(programme.name, RuleName.SUPPLY_STALE, one) for one in sorted(subjects)]
    known = [programme.alerts[identity] for identity in ids if identity in programme.alerts]
    return [cleared(alert, time or alert.programme_time) for alert in known]


def _opposite(series: Series) -> Series:
    supply = series.direction is Direction.SUPPLY
    return replace(series, direction=Direction.DEMAND if supply else Direction.SUPPLY)


def _is_silent(programme: Programme, series: Series) -> bool:
    """Whether a series that somebody relies on has sent nothing for too long."""
    held = programme.positions.get(series)
    return held is not None and held.position.stale and _is_dealt_with(programme, series)


def _is_dealt_with(programme: Programme, series: Series) -> bool:
    """Whether a series has an open proposal or an agreement."""
    return any(
        series in {supply_series(pair_of(match)), need_series(pair_of(match))}
        for match in programme.matches.values()
        if match.state not in CLOSED
    )


def outlived(programme: Programme, now: datetime) -> list[Alert]:
    """Return the market's own alerts that nothing ends and that are kept for long enough."""
    rules = [rule for rule in alert_rules().values() if rule.name in OWN]
    keeps = {rule.name.value: rule.keep for rule in rules if rule.keep is not None}
    return [
        cleared(alert, now)
        for _, alert in sorted(programme.alerts.items())
        if alert.rule in keeps and alert.programme_time + keeps[alert.rule] <= now
    ]
