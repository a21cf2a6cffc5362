"""A rate without a period is of the time since the flow before it: no time is told twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from starlette.requests import Request

from console.readings import KEY_HEADER, Readings, SeenPlants, Sent
from console.tokens import Tokens
from producers.gateway.parse import ReadingParser
from tests.property.test_gateway import CATALOGUE, NOW, Anybody, Plants


def _rate(**more: Any) -> dict[str, Any]:
    plain = {"facility": "mill", "material": "fly_ash", "direction": "supply", "unit": "t"}
    return {**plain, "quantity": 1, "per": "h", **more}


def test_a_late_period_in_the_same_request_does_not_set_it_back() -> None:
    ended = NOW - timedelta(hours=1)
    parser = ReadingParser(CATALOGUE, Plants(), lambda _: ended, Anybody())
    times = (NOW - timedelta(hours=9), NOW - timedelta(hours=8))
    late = dict(
        zip(("period_start", "period_end"), (one.isoformat() for one in times), strict=True)
    )
    first, second, third = parser.batch({"readings": [_rate(**late), _rate(), _rate(**late)]})
    assert (first.period_start, third.period_start) == (times[0], times[0])
    assert second.period_start == ended


class _Gateway:
    """Takes its time to keep what was checked."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def earlier(self, sent: Sent) -> None:
        return None

    def prepare(self, sent: Sent, known: SeenPlants) -> Callable[[], Any]:
        self.steps.append("checked")

        def keep() -> Any:
            asyncio.run(asyncio.sleep(0.02))
            self.steps.append("kept")
            return _Taken()

        return keep


class _Taken:
    answer: dict[str, Any] = {}  # noqa: RUF012
    repeated = False


def _request(key: str) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    headers = {
        "content-type": "application/json",
        "authorization": "Bearer 0123456789abcdef0123456789abcdef",
        KEY_HEADER: key,
    }
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": raw}, receive)


def test_a_request_is_checked_when_the_one_before_it_is_kept() -> None:
    gateway = _Gateway()
    tokens = Tokens.parse("mill 0123456789abcdef0123456789abcdef *")
    readings = Readings(cast("Any", gateway), tokens, cast("Any", None), lambda: True)

    async def three_at_once() -> None:
        await asyncio.gather(*(readings.answer(_request(f"key-{n:08}")) for n in range(3)))

    asyncio.run(three_at_once())
    assert gateway.steps == ["checked", "kept"] * 3
