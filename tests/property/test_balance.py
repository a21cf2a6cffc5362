"""The rolling state against the plain oracle, whatever the order, the batches and the moments of restoring."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import (
    Alert,
    Availability,
    Coordinates,
    FacilityFacts,
    Position,
    ReplayState,
    Tick,
)
from synergy.balance import PartitionBalances
from synergy.balance.judgement import Arrival, Judgement, judge
from synergy.balance.oracle import ProgrammeMoment, Recomputed, recompute
from synergy.balance.terms import DAY_US, QUARTER_US, moment
from synergy.balance.verification import (
    Evidence,
    Moments,
    Stated,
    Taken,
    fields_of,
    fields_of_recomputed,
    verify,
)
from tests.property.balance_input import (
    HOUR_US,
    NOW_2024,
    RULES,
    SITES,
    START_2007,
    availabilities,
    facility,
    frame,
    one_series,
    reading,
)

TOPIC = "synergy.availability.v1"
PROGRAMME = {site.facility: site.programme for site in SITES}


@dataclass(frozen=True)
class Batch:
    """Readings that come together."""

    readings: tuple[Availability, ...]
    now_us: int


@dataclass(frozen=True)
class Passing:
    """Time passes: of the live programme by the clock, of the replay by a tick."""

    now_us: int
    replay_us: int
    chapter: str

    @property
    def tick(self) -> Tick:
        return Tick(
            programme="history",
            time=moment(self.replay_us),
            state=ReplayState.RUNNING,
            speed=3600.0,
            chapter=self.chapter,
        )


@dataclass(frozen=True)
class Commit:
    """Events and parts are taken; `restored` says that the state is then made anew from the parts."""

    restored: bool


@dataclass(frozen=True)
class Enrolment:
    """A facility is enrolled, or dropped when it has no programme."""

    facility: str
    programme: str | None


Step = Batch | Passing | Commit
ENROLMENTS = st.builds(
    Enrolment,
    st.sampled_from(sorted({site.facility for site in SITES})),
    st.sampled_from((None, None, "live", "history")),
)


@st.composite
def stories(draw: st.DrawFn) -> list[Step]:
    """Return steps with a clock that moves on: anything from everywhere, or the long history of one series."""
    source, most = draw(st.sampled_from(((availabilities(), 12), (one_series(), 40))))
    now_us, replay_us, chapter = NOW_2024, START_2007, 0
    steps: list[Step] = [Passing(now_us, replay_us, "chapter 0")]
    for _ in range(draw(st.integers(1, 10))):
        kind = draw(st.sampled_from(("batch", "batch", "time", "commit")))
        if kind == "batch":
            readings = draw(st.lists(source, min_size=1, max_size=most))
            steps.append(Batch(tuple(readings), now_us))
        elif kind == "time":
            now_us += draw(st.sampled_from((0, HOUR_US, 7 * HOUR_US, 30 * HOUR_US, 8 * DAY_US)))
            chapter += draw(st.sampled_from((0, 0, 0, 1)))
            replay_us += draw(st.sampled_from((0, HOUR_US, 7 * HOUR_US, 2 * DAY_US)))
            steps.append(Passing(now_us, replay_us, f"chapter {chapter}"))
        else:
            steps.append(Commit(draw(st.booleans())))
    return [*steps, Commit(restored=False)]


def opened(parts: dict[bytes, bytes] | None = None) -> PartitionBalances:
    return PartitionBalances.restore(
        TOPIC, 0, RULES, parts or {}, lambda name: int(name == "elsewhere")
    )


def enrol(balances: PartitionBalances) -> None:
    for offset, site in enumerate(SITES):
        balances.put_facility(facility(site.facility, site.programme), offset)


@dataclass
class Run:
    """A partition that is driven through steps, with everything it published."""

    balances: PartitionBalances = field(default_factory=opened)
    next_offset: int = 0
    parts: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    events: list[Position | FacilityFacts] = field(default_factory=list[Position | FacilityFacts])
    alerts: list[Alert] = field(default_factory=list[Alert])
    refused: dict[int, str] = field(default_factory=dict[int, str])

    def apply(self, readings: Sequence[Availability], now_us: int) -> None:
        offsets = np.arange(self.next_offset, self.next_offset + len(readings))
        self.balances.clock(now_us)
        arrived = np.full(len(readings), now_us)
        for refusal in self.balances.apply_readings(frame(readings), offsets, arrived):
            self.refused[self.next_offset + refusal.row] = refusal.code
        self.next_offset += len(readings)

    def pass_time(self, step: Passing) -> None:
        self.balances.clock(step.now_us)
        self.balances.apply_tick(step.tick)

    def enrol(self, step: Enrolment) -> None:
        self.next_offset += 1
        if step.programme is None:
            self.balances.drop_facility(step.facility, self.next_offset)
        else:
            named = facility(step.facility, step.programme)
            self.balances.put_facility(named, self.next_offset)

    def commit(self) -> tuple[Position | FacilityFacts, ...]:
        events = self.balances.take_events(self.next_offset)
        self.events += events
        self.alerts += self.balances.take_gap_alerts()
        for key, value in self.balances.take_parts().items():
            if value is None:
                self.parts.pop(key, None)
            else:
                self.parts[key] = value
        return events

    def reopen(self, now_us: int) -> None:
        self.balances = opened(self.parts)
        self.balances.clock(now_us)


@dataclass
class Expectation:
    """What the oracle knows: everything that came, and the programmes' times."""

    arrivals: list[Arrival] = field(default_factory=list[Arrival])
    now_us: int = 0
    replay: ProgrammeMoment = field(default_factory=lambda: ProgrammeMoment(0))
    chapter: str = ""
    taken: list[Taken] = field(default_factory=list[Taken])

    def receive(self, readings: Sequence[Availability], now_us: int) -> None:
        start = len(self.arrivals)
        self.now_us = now_us
        self.arrivals += [Arrival(start + i, now_us, r) for i, r in enumerate(readings)]
        self.taken += [Taken(start + i, now_us, r) for i, r in enumerate(readings)]

    def pass_time(self, step: Passing) -> None:
        self.now_us = step.now_us
        jump = self.chapter not in ("", step.chapter)
        start = step.replay_us if jump else self.replay.chapter_start_us
        self.replay = ProgrammeMoment(step.replay_us, start)
        self.chapter = step.chapter
        self.taken.append(Taken(len(self.arrivals) - 1, step.now_us, step.tick))

    def evidence(self, position: Position, refused: Container[int]) -> list[Taken]:
        """What the ledger has for a position: readings of its facility that were not refused, and all ticks."""
        return [
            one
            for one in self.taken
            if isinstance(one.event, Tick)
            or (
                isinstance(one.event, Availability)
                and one.event.facility == position.facility
                and one.offset not in refused
            )
        ]

    def judgement(self) -> Judgement:
        return judge(
            self.arrivals, RULES, lambda name: None if name in PROGRAMME else "unknown_facility"
        )

    def positions(self) -> dict[tuple[str, str, str], Recomputed]:
        judged = self.judgement()
        found: dict[tuple[str, str, str], Recomputed] = {}
        for (place, material, direction), readings in judged.accepted.items():
            live = PROGRAMME[place] == "live"
            time = ProgrammeMoment(self.now_us) if live else self.replay
            position = recompute(readings, judged.late, time, RULES[material])
            if position is not None:
                found[place, material, direction.value] = position
        return found


def key_of(position: Position) -> tuple[str, str, str]:
    return position.facility, position.material, position.direction.value


def far(old: int | None, new: int | None) -> bool:
    if old is None or new is None:
        return old is not new
    return abs(new - old) * 100 > abs(old)


def is_within_deadband(told: Position, found: Recomputed) -> bool:
    old = {p.name: p for p in told.properties}
    new = {p.name: p for p in found.properties}
    shares = (told.quality_good, told.quality_uncertain, told.quality_estimated)
    return not (
        far(told.quantity_24h, found.quantity_24h)
        or far(told.firm_per_day, found.firm_per_day)
        or far(told.interruptible_per_day, found.interruptible_per_day)
        or far(told.stock, found.stock)
        or far(told.plan_per_day, found.plan_per_day)
        or told.stale != found.stale
        or told.data_kind != found.data_kind
        or told.flags != found.flags
        or old.keys() != new.keys()
        or any(abs(new[n].value - old[n].value) * 100 > abs(old[n].value) for n in old)
        or max(abs(a - b) for a, b in zip(shares, found.shares, strict=True)) > 0.0501
    )


def assert_what_came_since_changes_nothing(
    published: Sequence[Stated], expected: Expectation, run: Run
) -> None:
    for stated in published:
        evidence = Evidence(expected.evidence(stated.position, run.refused), RULES)
        assert verify(stated, evidence, Moments("live")) == ()


@given(stories())
@settings(max_examples=100, deadline=None)
def test_every_published_position_equals_the_oracle_and_what_is_not_published_is_no_news(
    story: list[Step],
) -> None:
    run, expected = Run(), Expectation()
    enrol(run.balances)
    told: dict[tuple[str, str, str], Position] = {}
    published: list[Stated] = []
    for step in story:
        if isinstance(step, Batch):
            run.apply(step.readings, step.now_us)
            expected.receive(step.readings, step.now_us)
        elif isinstance(step, Passing):
            run.pass_time(step)
            expected.pass_time(step)
        else:
            present = expected.positions()
            for event in run.commit():
                if isinstance(event, Position):
                    assert fields_of(event) == fields_of_recomputed(present[key_of(event)])
                    assert event.applied.offset == run.next_offset
                    taken = expected.evidence(event, run.refused)
                    moments = Moments(event.programme)
                    moments.add(taken)
                    stated = Stated(event, expected.now_us)
                    assert verify(stated, Evidence(taken, RULES), moments) == ()
                    if PROGRAMME[event.facility] == "live":
                        published.append(stated)
                    told[key_of(event)] = event
            assert told.keys() == present.keys()
            for key, position in told.items():
                assert is_within_deadband(position, present[key]), (position, present[key])
            if step.restored:
                run.reopen(expected.now_us)
    assert_what_came_since_changes_nothing(published, expected, run)
    judged = expected.judgement()
    assert run.refused == judged.refused


@given(stories(), st.lists(st.tuples(st.integers(0, 12), ENROLMENTS), max_size=4))
@settings(max_examples=200, deadline=None)
def test_a_state_restored_from_its_parts_goes_on_like_the_one_that_stayed(
    story: list[Step], enrolments: list[tuple[int, Enrolment]]
) -> None:
    stayed, restored = Run(), Run()
    enrol(stayed.balances)
    enrol(restored.balances)
    now_us = 0
    steps: list[Step | Enrolment] = [*story]
    for place, enrolment in enrolments:
        steps.insert(place, enrolment)
    for step in steps:
        for run in (stayed, restored):
            if isinstance(step, Enrolment):
                run.enrol(step)
            elif isinstance(step, Batch):
                run.apply(step.readings, step.now_us)
            elif isinstance(step, Passing):
                run.pass_time(step)
            else:
                run.commit()
        if isinstance(step, Batch | Passing):
            now_us = step.now_us
        if isinstance(step, Commit):
            restored.reopen(now_us)
    assert restored.events == stayed.events
    assert restored.alerts == stayed.alerts
    assert restored.refused == stayed.refused


@given(st.lists(availabilities(), min_size=2, max_size=40), st.data())
@settings(max_examples=100, deadline=None)
def test_the_result_does_not_depend_on_how_the_input_is_cut_into_batches(
    readings: list[Availability], data: st.DataObject
) -> None:
    cuts = data.draw(st.sets(st.integers(1, len(readings) - 1)))
    whole, cut = Run(), Run()
    for run in (whole, cut):
        enrol(run.balances)
        run.pass_time(Passing(NOW_2024, START_2007, "chapter 0"))
    whole.apply(readings, NOW_2024)
    edges = [0, *sorted(cuts), len(readings)]
    for start, end in pairwise(edges):
        cut.apply(readings[start:end], NOW_2024)
    assert cut.commit() == whole.commit()
    assert cut.refused == whole.refused
    for name in ("applied", "duplicates", "late", "refused"):
        assert getattr(cut.balances, name) == getattr(whole.balances, name)
    assert cut.alerts == whole.alerts


@given(st.lists(availabilities(), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_two_programmes_seventeen_years_apart_do_not_disturb_each_other(
    readings: list[Availability],
) -> None:
    both, apart = Run(), {"live": Run(), "history": Run()}
    for run in (both, *apart.values()):
        enrol(run.balances)
        run.pass_time(Passing(NOW_2024, START_2007, "chapter 0"))
    both.apply(readings, NOW_2024)
    for programme, run in apart.items():
        run.apply([r for r in readings if PROGRAMME.get(r.facility) == programme], NOW_2024)

    together = said(both)
    assert together == {**said(apart["live"]), **said(apart["history"])}


def said(run: Run) -> dict[tuple[str, str, str], Position]:
    """Commit, and return the positions without the offsets they rest on."""
    nowhere = Coordinates(topic="", partition=0, offset=0)
    return {
        key_of(event): replace(event, applied=nowhere, latest=nowhere)
        for event in run.commit()
        if isinstance(event, Position)
    }


def quarter_before(end_us: int) -> dict[str, datetime]:
    """Return the period of the quarter-hour that ends at a time, and when it was observed."""
    start, end = moment(end_us - QUARTER_US), moment(end_us)
    return {"period_start": start, "period_end": end, "observed_at": end}


def test_a_fast_and_an_old_programme_in_one_partition_make_nothing_late() -> None:
    both, apart = Run(), {"live": Run(), "history": Run()}
    for run in (both, *apart.values()):
        enrol(run.balances)
    steps = 4 * 96
    for step in range(steps):
        now, then = NOW_2024 + step * QUARTER_US, START_2007 + step * 20 * QUARTER_US
        rows = {
            "live": reading(facility="a", sequence=step + 1, **quarter_before(now)),
            "history": reading(facility="c", sequence=step + 1, **quarter_before(then)),
        }
        for programme, run in apart.items():
            run.pass_time(Passing(now, then, "chapter 0"))
            run.apply([rows[programme]], now)
        both.pass_time(Passing(now, then, "chapter 0"))
        both.apply([rows["history"], rows["live"]], now)
        if step % 7 == 0 or step == steps - 1:
            together = said(both)
            assert together == {**said(apart["live"]), **said(apart["history"])}
    assert both.balances.late == 0
    assert both.balances.applied == 2 * steps


@given(st.lists(availabilities(), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_twice_is_once(readings: list[Availability]) -> None:
    once, twice = Run(), Run()
    for run in (once, twice):
        enrol(run.balances)
        run.pass_time(Passing(NOW_2024, START_2007, "chapter 0"))
        run.apply(readings, NOW_2024)
    applied = twice.balances.applied
    twice.apply(readings, NOW_2024)
    twice.next_offset = once.next_offset
    assert twice.commit() == once.commit()
    assert twice.balances.applied == applied


@given(st.permutations(range(1, 160)), st.lists(st.integers(1, 159), max_size=20), st.data())
@settings(max_examples=30, deadline=None)
def test_what_comes_for_a_lost_gap_is_refused_wherever_batches_and_restarts_fall(
    order: list[int], again: list[int], data: st.DataObject
) -> None:
    scattered = [*sorted(order, key=lambda number: (number % 2, order.index(number))), *again]
    readings = [reading(sequence=sequence) for sequence in scattered]
    run, at = Run(), 0
    enrol(run.balances)
    while at < len(readings):
        size = data.draw(st.integers(1, 60))
        run.apply(readings[at : at + size], NOW_2024)
        at += size
        run.commit()
        if data.draw(st.booleans()):
            duplicates = run.balances.duplicates
            run.balances = opened(run.parts)
            run.balances.duplicates = duplicates
            run.balances.clock(NOW_2024)
    arrivals = [Arrival(offset, NOW_2024, one) for offset, one in enumerate(readings)]
    judged = judge(arrivals, RULES, lambda _: None)
    assert "declared_lost" in judged.refused.values()
    assert run.refused == judged.refused
    assert run.balances.duplicates == len(judged.duplicates)
