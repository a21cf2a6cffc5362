"""Milliseconds until the page can be used, with 2,000 facilities and 10,000 open matches in the store.

    .venv/bin/python -m bench.page

Broker, registry and store run without the stages; facilities, positions, matches and alerts are published to their
topics and read by the store. The page is opened several times, each time by a browser that has seen nothing of it.
"Can be used" is the page's own mark: alerts, list and the best match with its answers are there.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import UUID

from playwright.sync_api import Page

from bench.browser import open_browser, open_page
from bench.foundation import codec_of, say, take_free_ports
from bench.machine import conditions
from bench.results import Bar, Condition, Figure, record
from bench.running_stack import RunningStack, running_stack
from runtime.kafka_producer import KafkaPublisher
from runtime.log import OutRecord, TopicPartition
from schemas import topic_files
from schemas.events import (
    Alert,
    AlertState,
    Direction,
    Event,
    FacilityFacts,
    Match,
    MatchState,
    Position,
    Tick,
)
from schemas.json_form import from_json
from schemas.routing import partition_for

FACILITIES: Final = 2_000
HALF: Final = FACILITIES // 2
MATCHES: Final = 10_000
ALERTS: Final = 500
VISITS: Final = 7
PROGRAMME: Final = "ohio_valley"
STAGES: Final = ("replay", "balance", "market")
_INTERACTIVE = "performance.getEntriesByName('interactive')[0].startTime"


@cache
def example(record: str) -> Any:  # noqa: ANN401 any event
    """Return the shipped example of an event."""
    name = re.sub(r"(?<!^)([A-Z])", r"_\1", record).lower()
    content = (files("schemas") / "examples" / f"{name}.v1.json").read_text("utf-8")
    return from_json(record, json.loads(content))


def events() -> Iterator[tuple[str, Event]]:
    """Yield everything with its topic."""
    tick: Tick = replace(example("Tick"), programme=PROGRAMME)
    yield topic_files.COMMANDS, tick
    match: Match = replace(example("Match"), programme=PROGRAMME, state=MatchState.PROPOSED)
    for number in range(FACILITIES):
        for event in _plant(number, match):
            yield topic_files.POSITIONS, event
    for number in range(MATCHES):
        yield topic_files.MATCHES, _match(number, match)
    alert: Alert = replace(example("Alert"), programme=PROGRAMME, state=AlertState.RAISED)
    for number in range(ALERTS):
        named = UUID(int=number + 1)
        yield topic_files.ALERTS, replace(alert, id=named, subject=str(named))


def _plant(number: int, match: Match) -> tuple[FacilityFacts, Position]:
    """Return the facts of a plant and what it offers, or in the second half of them needs."""
    facts: FacilityFacts = example("FacilityFacts")
    position: Position = example("Position")
    gives = number < HALF
    return (
        replace(
            facts,
            programme=PROGRAMME,
            removed=False,
            facility=f"plant-{number}",
            name=f"Plant number {number}",
            latitude=37 + number % 50 / 10,
            longitude=-84 + number // 50 / 10,
        ),
        replace(
            position,
            programme=PROGRAMME,
            unit="GRM",
            facility=f"plant-{number}",
            material=match.material if gives else match.need,
            direction=Direction.SUPPLY if gives else Direction.DEMAND,
        ),
    )


def _match(number: int, match: Match) -> Match:
    """Return one match: the best first, and each giver in ten of them."""
    return replace(
        match,
        id=UUID(int=number + 1),
        giver=f"plant-{number % HALF}",
        receiver=f"plant-{HALF + (number * 7 + number // HALF) % HALF}",
        gain_giver=Decimal(MATCHES - number),
    )


def fill(stack: RunningStack) -> None:
    """Publish the events and wait until the store shows them."""
    settings = stack.settings
    codec = codec_of(settings)
    publisher = KafkaPublisher({**settings.kafka.client(), "log_level": 0})
    try:
        for number, (topic, event) in enumerate(events()):
            tp = TopicPartition(topic, partition_for(PROGRAMME, publisher.partitions(topic)))
            publisher.publish(OutRecord(tp, str(number).encode(), codec.encode(event)))
        publisher.flush()
    finally:
        publisher.close()
    stack.wait("all matches in the store", lambda: _status(stack).get("open_matches") == MATCHES)
    stack.wait("all alerts", lambda: stack.get("/api/v1/alerts", limit="1")["total"] == ALERTS)


def _status(stack: RunningStack) -> Mapping[str, Any]:
    return stack.get("/api/v1/status")


def visit(page: Page, address: str) -> dict[str, float]:
    """Open the page once and choose the fifth match; return what it took."""
    open_page(page, address)
    interactive = float(page.evaluate(_INTERACTIVE))
    page.locator("#map svg").wait_for()
    sent = page.evaluate(
        "performance.getEntriesByType('resource').reduce((sum, one) => sum + one.transferSize, 0)"
    )
    elements = page.evaluate("document.getElementsByTagName('*').length")
    before = page.evaluate("performance.now()")
    page.locator("#lists [role=option]").nth(4).click()
    page.locator("#detail .code", has_text=str(UUID(int=5))).wait_for(state="attached")
    return {
        "interactive_ms": interactive,
        "choose_ms": float(page.evaluate("performance.now()")) - float(before),
        "elements": float(elements),
        "kilobytes": float(sent) / 1024,
    }


def measure() -> list[Figure]:
    """Start, fill, visit."""
    with tempfile.TemporaryDirectory(prefix="synergy-bench-") as folder:
        var = Path(folder)
        take_free_ports(var)
        with running_stack(var, without=STAGES) as stack:
            stack.wait("the store", lambda: bool(_status(stack)))
            fill(stack)
            say(f"{MATCHES:,} matches are in the store")
            found = _visits(stack.settings.store.address)
    figures = {name: [one[name] for one in found] for name in found[0]}
    said = conditions(
        {
            "facilities": FACILITIES,
            "open_matches": MATCHES,
            "alerts": ALERTS,
            "visits": VISITS,
            "elements": round(median(figures["elements"])),
            "kilobytes_with_map": round(median(figures["kilobytes"])),
        }
    )
    return [
        _figure("page interactive, p50", median(figures["interactive_ms"]), None, said),
        _figure(
            "page interactive, slowest", max(figures["interactive_ms"]), Bar("<=", 1_500), said
        ),
        _figure("page: click to the chosen match, p50", median(figures["choose_ms"]), None, said),
    ]


def _visits(address: str) -> list[dict[str, float]]:
    found: list[dict[str, float]] = []
    with open_browser() as browser:
        for _ in range(VISITS):
            context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
            found.append(visit(context.new_page(), address))
            context.close()
            say(" ".join(f"{name} {value:,.0f}" for name, value in found[-1].items()))
    return found


def _figure(name: str, value: float, bar: Bar | None, said: Mapping[str, Condition]) -> Figure:
    return Figure(name=name, value=value, unit="ms", bar=bar, conditions=said)


def main() -> None:
    """Measure and record."""
    record(measure())


if __name__ == "__main__":
    main()
