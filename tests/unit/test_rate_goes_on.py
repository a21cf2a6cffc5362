"""A rate without a period is of the time since the flow before it: no time is told twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.requests import Request

from console.readings import KEY_HEADER, Readings, SeenPlants, Sent
from console.tokens import Tokens
from producers.gateway.intake import ReadingIntake, Submission
from producers.gateway.parse import ReadingParser
from producers.gateway.problems import SubmissionError
from producers.spool import Spool
from runtime.clock import FakeClock
from runtime.publisher import MemoryPublisher
from schemas.topic_files import AVAILABILITY
from tests.property.test_gateway import CATALOGUE, CODEC, NOW, Anybody, Plants


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


def _refused(reading: dict[str, Any]) -> tuple[str, str]:
    parser = ReadingParser(CATALOGUE, Plants(), lambda _: NOW, Anybody())
    with pytest.raises(SubmissionError) as caught:
        parser.batch({"readings": [reading]})
    [problem] = caught.value.problems
    return problem.field, problem.detail


def test_what_else_is_wrong_is_said_before_that_no_time_has_passed() -> None:
    assert _refused(_rate())[0] == "period_end"
    assert _refused(_rate(unit="kWh"))[0] == "unit"
    assert _refused(_rate(quantity=-12))[0] == "quantity"
    assert _refused(_rate(basis="wet"))[0] == "basis"


def test_hours_beside_a_period_are_told() -> None:
    end = NOW - timedelta(hours=1)
    period = {"period_start": (end - timedelta(hours=2)).isoformat(), "period_end": end.isoformat()}
    assert _refused(_rate(hours=3, **period)) == ("hours", "there is a period too")


def test_a_period_that_was_sent_before_is_taken_and_told(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", CODEC.encode, 1)
    intake = ReadingIntake(spool, MemoryPublisher({AVAILABILITY: 1}), FakeClock())
    parser = ReadingParser(CATALOGUE, Plants(), intake.ended, Anybody())
    end = NOW - timedelta(hours=1)
    period = {"period_start": (end - timedelta(hours=6)).isoformat(), "period_end": end.isoformat()}
    told: list[list[dict[str, Any]]] = []
    for number, one in enumerate((_rate(**period), _rate(**period), _rate())):
        readings = parser.batch({"readings": [one]})
        kept = intake.keep(Submission("mill", f"key-{number}", b"%d" % number), readings)
        told.append(kept.answer["warnings"])
    assert (told[0], told[2]) == ([], [])
    [warning] = told[1]
    assert (warning["index"], warning["field"]) == (0, "period_start")
    assert "both count" in warning["message"]
    twice = parser.batch({"readings": [_rate(**period), _rate(**period)]})
    kept = intake.keep(Submission("mill", "key-9", b"9"), twice)
    assert [one["index"] for one in kept.answer["warnings"]] == [0, 1]
    intake.close()
