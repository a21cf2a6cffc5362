"""`synergy publish`: a plant says what it has or needs, and sees what comes of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID, uuid5

from cli.amounts import TypedAmount, amount_of
from cli.facility_show import facility_address
from cli.publish_follow import EXIT, Became, Followed, Outcome, Seen, follow, lines_of
from cli.reading_gateway import client_token
from cli.store_client import StoreClient, StoreError
from cli.up import seconds_of
from runtime.clock import Clock, SystemClock
from runtime.settings import load
from synergy.catalogue import Material, load_catalogue

Form = Literal["text", "json"]
NAMESPACE: Final = UUID("0f4c6c1e-62a5-5e61-8b49-6a1d3c0c7a55")
METER_S: Final = 1.0
SOON_S: Final = 600
TRIES: Final = 3
NO_TIME: Final = "no time has passed"


class PublishRefusedError(Exception):
    """What was typed can't be published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was typed. `amount` is direction and quantity; `duration` how long to go on like a meter."""

    facility: str
    material: str
    amount: tuple[str, str]
    period: str | None
    duration: str | None
    properties: Mapping[str, str]
    source_kind: str
    basis: str | None
    programme: str | None
    key: str | None
    wait_s: float
    form: Form


def publish(flags: Mapping[str, object], request: Request) -> int:
    """Publish a reading and follow it.

    Returns:
        0 matched, 1 rejected, 3 not matched and told why, 4 accepted and nothing known in time.

    Raises:
        SettingsError, StoreError, PublishRefusedError: it can't be published.
        AmountError, UnitError, DurationError: what was typed is none.
    """
    settings = load(flags).settings
    token = client_token(settings)
    if token is None:
        raise PublishRefusedError(
            "there is no token: the store keeps one in var/readings.token; from another machine set "
            "readings.token to the one that you were given"
        )
    material = load_catalogue().resolve(request.material)
    if material is None:
        raise PublishRefusedError(
            f"{request.material!r} is no material of the catalogue. "
            f"{load_catalogue().names_like(request.material)}"
        )
    with StoreClient(settings.store.address) as store:
        plant = Plant(store, request, material, amount_of(request.amount[1]), token, SystemClock())
        return plant.publish()


@dataclass(slots=True)
class Plant:
    """One plant that publishes over REST."""

    store: StoreClient
    request: Request
    material: Material
    amount: TypedAmount
    token: str
    clock: Clock

    def publish(self) -> int:
        """Publish and follow; go on like a meter when that was asked for. Returns the exit status."""
        before, duration = self._look(), self.request.duration
        if self.request.programme not in (None, before["programme"]):
            raise PublishRefusedError(
                f"{self.request.facility} is in programme {before['programme']}, "
                f"not {self.request.programme}"
            )
        answer = self._send(self.request.key)
        followed = _followed(answer)
        self._say(_accepted(answer, self.material))
        self._say(f"Look: {one['message']}. {one['fix']}" for one in answer.get("warnings", ()))
        outcome = follow(
            self._look,
            Seen.of(before, followed),
            followed,
            self.clock,
            self.request.wait_s,
        )
        after = self._look()
        self._say((*lines_of(outcome), *_until(after, followed, self.material, outcome)))
        sent = 1 + (0 if duration is None else self._go_on(seconds_of(duration)))
        if self.request.form == "json":
            document = {"accepted": answer, "readings_sent": sent, **outcome.document()}
            sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        return EXIT[outcome.became]

    def _look(self) -> dict[str, Any]:
        return self.store.get(facility_address(self.request.facility))

    def _send(self, key: str | None) -> dict[str, Any]:
        """Send what was typed. Without a period the store decides it: the same request with its key stays the same."""
        reading: dict[str, object] = {
            "facility": self.request.facility,
            "material": self.material.id,
            "direction": self.request.amount[0],
            "quantity": self.amount.quantity,
            "unit": self.amount.unit.code,
            "source_kind": self.request.source_kind,
        }
        if self.amount.per is not None:
            reading["per"] = self.amount.per
        if self.request.period is not None:
            reading["hours"] = seconds_of(self.request.period) / 3600
        if self.request.properties:
            reading["properties"] = dict(self.request.properties)
        if self.request.basis is not None:
            reading["basis"] = self.request.basis
        body = {"readings": [reading]}
        content = json.dumps([body, self.clock.now_us()], sort_keys=True)
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Idempotency-Key": key or str(uuid5(NAMESPACE, content)),
        }
        return self._posted(partial(self.store.post, "/api/v1/readings", body, headers))

    def _posted(self, post: partial[dict[str, Any]]) -> dict[str, Any]:
        """Send until there is an answer: the key makes that safe."""
        for attempt in range(TRIES):
            try:
                return post()
            except StoreError as error:
                if "does not answer" not in error.detail or attempt == TRIES - 1:
                    raise
                self.clock.sleep(METER_S)
        raise AssertionError

    def _go_on(self, seconds: float) -> int:
        """Publish what has flowed since, every second, as a meter does; return how many readings that were."""
        if self.amount.per is None:
            raise PublishRefusedError("--for needs a rate, such as '12 t/h'")
        sent = 0
        deadline = self.clock.monotonic_s() + seconds
        self._say((f"going on like a meter for {seconds:.0f} s; Ctrl-C ends it",))
        try:
            while self.clock.monotonic_s() < deadline:
                self.clock.sleep(METER_S)
                sent += self._send_next()
        except KeyboardInterrupt:
            pass
        self._say((f"{sent} more readings were sent",))
        return sent

    def _send_next(self) -> int:
        try:
            self._send(None)
        except StoreError as error:
            if NO_TIME not in error.detail:
                raise
            return 0  # the replay holds at its end
        return 1

    def _say(self, lines: Iterator[str] | tuple[str, ...]) -> None:
        if self.request.form == "text":
            sys.stdout.writelines(f"{line}\n" for line in lines)
            sys.stdout.flush()


def _followed(answer: Mapping[str, Any]) -> Followed:
    [reading] = answer["readings"]
    return Followed(
        material=reading["material"],
        direction=reading["direction"],
        source=reading["source"],
        sequence=reading["sequence"],
        period_end=reading["period_end"],
    )


def _accepted(answer: Mapping[str, Any], material: Material) -> Iterator[str]:
    [reading] = answer["readings"]
    trade = material.trade_unit
    verb = "supplies" if reading["direction"] == "SUPPLY" else "needs"
    start, end = (
        f"{reading[name][:16].replace('T', ' ')}" for name in ("period_start", "period_end")
    )
    yield (
        f"accepted: {reading['facility']} {verb} {reading['quantity'] / trade.per_unit:,.3f} "
        f"{trade.name} of {material.name_en} from {start} to {end} UTC, {reading['data_kind'].lower()}; "
        f"it is on disk as {reading['source']} number {reading['sequence']}"
    )


def _until(
    found: Mapping[str, Any], followed: Followed, material: Material, outcome: Outcome
) -> Iterator[str]:
    """Yield how long the reading counts, where a replay makes that short."""
    speed = found["programme_speed"]
    if not speed or outcome.became is Became.REJECTED:
        return
    until = datetime.fromisoformat(followed.period_end) + material.stale_after
    left = (until - datetime.fromisoformat(found["programme_time"])).total_seconds() / speed
    if 0 < left < SOON_S:
        yield (
            f"it counts until {until:%Y-%m-%d %H:%M} UTC of the programme's time, {left:.0f} s from "
            f"now at x{speed:,.0f}: `--for 5m` goes on publishing like a meter"
        )
