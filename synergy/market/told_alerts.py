"""Alerts that others raise: balance about missing and lost readings, the store about rejects and lag.

Every alert has one owner of what people do with it, the market: it reads `synergy.alerts.v1` too and takes these in,
so that they can be acknowledged and snoozed, sleep, wake and run out like its own. Its own come back to it on that
topic and change nothing. They are about the sending and not about the material: their time is the clock, also in a
replay that plays a day in seconds.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from schemas.events import Alert, AlertState
from synergy.alerts import RuleName, alert_rules, cleared
from synergy.market.programme import Programme

OWN: Final = frozenset(RuleName) - {
    RuleName.OPEN_GAP,
    RuleName.SEQUENCE_GAP,
    RuleName.REJECTS,
    RuleName.LAG,
    RuleName.STALLED,
}
ANSWERED: Final = frozenset({AlertState.ACKNOWLEDGED, AlertState.SNOOZED})


def after_told(programme: Programme, alert: Alert) -> Alert | None:
    """Take an alert of the topic in, and return what has to be said about it.

    An alert that is raised again while somebody looks after it, or while it sleeps, stays so with its new reasons, and
    the topic is told. What the market itself said of it is in the state already.
    """
    if alert.rule in OWN or alert.state in ANSWERED:
        return None
    known = programme.alerts.get(alert.id)
    if alert.state is AlertState.CLEARED:
        if known is not None:
            programme.set_alert(alert)
        return None
    if known is None or known.state not in ANSWERED:
        if known != alert:
            programme.set_alert(alert)
        return None
    return replace(alert, state=known.state, actor=known.actor, until=known.until)


def run_out(programme: Programme, now: datetime) -> list[Alert]:
    """Return the alerts of others that nothing ends and that were kept for long enough, by the clock."""
    keeps = {
        rule.name.value: rule.keep
        for rule in alert_rules().values()
        if rule.keep is not None and rule.name not in OWN
    }
    return [
        cleared(alert, now)
        for _, alert in sorted(programme.alerts.items())
        if alert.rule in keeps and alert.programme_time + keeps[alert.rule] <= now
    ]
