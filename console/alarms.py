"""Alerts that only the store can raise, because only it sees them all: many rejects of one source, lag, standstill.

They go to `synergy.alerts.v1`, once for each programme that they concern; the market keeps what people do with them. An
alert that is known already is not raised again: its id is derived, and the views know what is open.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from console.views import Views
from runtime.clock import Clock
from runtime.log import LogError, OutRecord, TopicPartition
from runtime.logs import Logger
from runtime.publisher import Publisher, PublishError
from schemas import topic_files
from schemas.codec import Codec
from schemas.events import Alert, AlertState, Event, Reason, Rejected
from schemas.routing import partition_for
from synergy.alerts import RuleName, alert_id, alert_rules, cleared, raised
from synergy.alerts.watches import LagWatch, RejectWatch, StallWatch, caught_up

_LOOK_S = 0.5
_OLD_MS = 600_000  # a restarted store reads rejects again: those of long ago were told
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Alarms:
    """Hears every event of the feed and looks at the lag; `publisher` is its own.

    Attributes:
        lags: records behind, by process and partition.
    """

    publisher: Publisher
    codec: Codec
    views: Views
    lags: Callable[[], Mapping[str, Mapping[TopicPartition, int]]]
    clock: Clock
    log: Logger
    _rejects: RejectWatch = field(default_factory=RejectWatch)
    _lag: LagWatch = field(default_factory=LagWatch)
    _stall: StallWatch[TopicPartition] = field(default_factory=StallWatch[TopicPartition])
    _due: deque[Alert] = field(default_factory=deque[Alert])
    _said: dict[UUID, AlertState] = field(default_factory=dict[UUID, AlertState])

    def hear(self, event: Event, at_ms: int) -> None:
        """Take an event of the feed, and when the log took it."""
        if isinstance(event, Alert):
            self._said.pop(event.id, None)
        if not isinstance(event, Rejected) or at_ms < self.clock.now_us() // 1_000 - _OLD_MS:
            return
        found = self._rejects.note(event, at_ms)
        if found is not None:
            subject, reason = found
            for programme in self._programmes(event):
                self._raise(RuleName.REJECTS, (programme, subject), reason)

    async def run(self) -> None:
        """Look twice a second until cancelled; what could not be published is tried again."""
        while True:
            self.look()
            try:
                await asyncio.to_thread(self.publish)
            except (PublishError, LogError) as error:
                self.log.warning("alerts wait", cause=str(error))
            await asyncio.sleep(_LOOK_S)

    def look(self) -> None:
        """Compare the lag with its limits."""
        by_partition, now_s = self.lags(), self.clock.monotonic_s()
        lags = {name: sum(parts.values()) for name, parts in by_partition.items()}
        told = (
            (RuleName.LAG, self._lag.behind(lags, now_s)),
            (RuleName.STALLED, self._stall.stalled(by_partition, now_s)),
        )
        for rule, found in told:
            for name, reason in found.items():
                for programme in self._programmes(None):
                    self._raise(rule, (programme, name), reason)
        for alert in list(self.views.alerts.values()):
            lag = lags.get(alert.subject)  # what is not known yet is no all-clear
            if alert.rule == RuleName.LAG and lag is not None and caught_up(lag):
                self._say(cleared(alert, self._now()))
            if alert.rule == RuleName.STALLED and self._stall.moves(alert.subject, now_s):
                self._say(cleared(alert, self._now()))

    def publish(self) -> None:
        """Publish what is due. Blocks; raises PublishError, TopicMissingError."""
        waiting = list(self._due)
        for alert in waiting:
            self.publisher.publish(self._record(alert))
        if waiting:
            self.publisher.flush()
        for _ in waiting:
            self._due.popleft()

    def _raise(self, rule: RuleName, about: tuple[str, str], reason: Reason) -> None:
        known = self.views.alerts.get(alert_id(about[0], rule, about[1]))
        if known is None or known.state is AlertState.CLEARED:
            self._say(raised(alert_rules()[rule], about, (reason,), self._now()))

    def _say(self, alert: Alert) -> None:
        """Say it, unless that is so already, or has been said and is not heard back yet."""
        known = self.views.alerts.get(alert.id)
        present = AlertState.CLEARED if known is None else known.state
        if alert.state not in (present, self._said.get(alert.id)):
            self._said[alert.id] = alert.state
            self._due.append(alert)

    def _programmes(self, rejected: Rejected | None) -> Iterable[str]:
        """Return whose operators are told: those of the facility, else all."""
        facility = rejected.facility if rejected else None
        known = self.views.facilities.get(facility) if facility else None
        if known is not None:
            return (known.programme,)
        enrolled = {facts.programme for facts in self.views.facilities.values()}
        return sorted(enrolled | self.views.programmes.keys())

    def _now(self) -> datetime:
        """Return the clock's time: these alerts are about the sending, not about what a replay is at."""
        return _EPOCH + timedelta(microseconds=self.clock.now_us())

    def _record(self, alert: Alert) -> OutRecord:
        count = self.publisher.partitions(topic_files.ALERTS)
        tp = TopicPartition(topic_files.ALERTS, partition_for(alert.programme, count))
        time = alert.programme_time.isoformat()
        headers = (
            ("ce_specversion", b"1.0"),
            ("ce_id", f"{alert.id}/{alert.state}/{time}".encode()),
            ("ce_source", b"/synergy/console"),
            ("ce_type", b"synergy.v1.Alert"),
            ("ce_time", time.encode()),
        )
        return OutRecord(tp, str(alert.id).encode(), self.codec.encode(alert), headers)
