"""Plays a programme: its readings at the pace of a replay, and the ticks that are its time.

A step advances programme time, stores the readings that became due in the spool together with the new
time, writes the tick to every partition of availability and commands, publishes what the spool holds and
acknowledges it. The tick goes first, so no reading is ever ahead of its programme's time; it carries a
time that the spool already holds, so time never goes back, not even after a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from producers.errors import SpoolError
from producers.programmes.programme import Chapter, Programme
from producers.reading import Reading
from producers.spool import Spool
from runtime.clock import Clock
from runtime.log import OutRecord, TopicPartition
from runtime.publisher import Publisher, PublishError
from schemas.events import Event, Facility, ReplayState, Tick

AVAILABILITY = "synergy.availability.v1"
FACILITIES = "synergy.facilities.v1"
COMMANDS = "synergy.commands.v1"
PUBLISH_AT_ONCE = 5_000
RETRY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a replay goes, in seconds of the clock unless said otherwise.

    `speed` is seconds of programme time per second and replaces every chapter's own when given. A step
    never advances by more than `longest_step`, however late it comes, nor beyond `most_readings`.
    """

    speed: float | None = None
    tick_interval: float = 0.5
    ended_interval: float = 5.0
    longest_step: float = 2.0
    most_readings: int = 20_000


@dataclass(frozen=True, slots=True)
class Wiring:
    """How events become records: the codec's encoding and the one routing function."""

    encode: Callable[[Event], bytes]
    partition_for: Callable[[str, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a screen shows of a replay. `published` counts acknowledged readings since the spool began."""

    programme: str
    chapter: str
    time: datetime
    state: ReplayState
    speed: float
    published: int
    stored: int


class Replay:
    """One programme on its way through its chapters. Call `start` once, then `step` again and again."""

    def __init__(
        self,
        programme: Programme,
        spool: Spool,
        publisher: Publisher,
        wiring: Wiring,
        pace: Pace | None = None,
    ) -> None:
        self._programme = programme
        self._spool = spool
        self._publisher = publisher
        self._wiring = wiring
        self._pace = pace or Pace()
        self._chapter, self._time = self._restored_position()
        self._due = self._readings_ahead()
        self._held: Reading | None = None
        self._stepped_at: float | None = None

    @property
    def ended(self) -> bool:
        """Whether the last chapter is over: programme time holds."""
        last = len(self._programme.chapters) - 1
        return self._chapter == last and self._time >= self._programme.chapters[last].end

    @property
    def progress(self) -> Progress:
        """How far it is."""
        ranges = self._spool.identities()
        return Progress(
            programme=self._programme.id,
            chapter=self._now_playing().label,
            time=self._time,
            state=self._state(),
            speed=self._speed(),
            published=sum(one.acknowledged for one in ranges),
            stored=sum(one.last for one in ranges),
        )

    def start(self) -> None:
        """Publish the facilities; they are known before the first reading. Raises PublishError."""
        for facility in self._programme.facilities:
            self._publisher.publish(self._facility_record(facility))
        self._publisher.flush()

    def step(self, now: float) -> float:
        """Advance to the programme time that belongs to `now`, and publish, when a step is due.

        Args:
            now: Seconds of a clock that never goes back.

        Returns:
            Seconds until the next step is due.

        Raises:
            PublishError: the broker did not acknowledge; call again, nothing is lost.
        """
        elapsed = 0.0 if self._stepped_at is None else now - self._stepped_at
        interval = self._interval()
        if self._stepped_at is not None and elapsed < interval:
            return interval - elapsed
        self._stepped_at = now
        if not self.ended:
            self._advance(min(elapsed, self._pace.longest_step))
        self._publish_tick()
        self._publish_spooled()
        return self._interval()

    def _interval(self) -> float:
        return self._pace.ended_interval if self.ended else self._pace.tick_interval

    def _advance(self, elapsed: float) -> None:
        end = self._now_playing().end
        if self._time >= end:
            self._enter(self._chapter + 1)  # its first tick says where time jumped to, exactly
            readings, reached = list[Reading](), self._time
        else:
            ahead = timedelta(seconds=elapsed * self._speed())
            readings, reached = self._take_due(min(self._time + ahead, end))
        self._spool.append(readings, _position(self._chapter, reached))
        self._time = reached

    def _enter(self, chapter: int) -> None:
        self._chapter = chapter
        self._time = self._now_playing().start
        self._due = self._readings_ahead()
        self._held = None

    def _take_due(self, target: datetime) -> tuple[list[Reading], datetime]:
        """Return what is due up to `target`, or up to an earlier time when that is too much at once."""
        taken: list[Reading] = []
        while (reading := self._next_reading()) is not None:
            full = len(taken) >= self._pace.most_readings
            beyond = reading.observed_at > target
            if beyond or (full and reading.observed_at > taken[-1].observed_at):
                self._held = reading
                return taken, target if beyond else taken[-1].observed_at
            taken.append(reading)
        return taken, target

    def _next_reading(self) -> Reading | None:
        if self._held is not None:
            reading, self._held = self._held, None
            return reading
        return next(self._due, None)

    def _readings_ahead(self) -> Iterator[Reading]:
        return self._programme.readings(self._time, self._now_playing().end)

    def _publish_tick(self) -> None:
        tick = Tick(
            programme=self._programme.id,
            time=self._time,
            state=self._state(),
            speed=self._speed(),
            chapter=self._now_playing().label,
        )
        key, value = tick.programme.encode(), self._wiring.encode(tick)
        for topic in (AVAILABILITY, COMMANDS):
            for partition in range(self._publisher.partitions(topic)):
                self._publisher.publish(OutRecord(TopicPartition(topic, partition), key, value))

    def _publish_spooled(self) -> None:
        partitions = self._publisher.partitions(AVAILABILITY)
        place = 0
        while rows := self._spool.unsent(place, PUBLISH_AT_ONCE):
            for row in rows:
                partition = self._wiring.partition_for(row.facility, partitions)
                tp = TopicPartition(AVAILABILITY, partition)
                self._publisher.publish(OutRecord(tp, row.key, row.value))
            place = rows[-1].place
        self._publisher.flush()
        if place:
            self._spool.acknowledge(place)

    def _facility_record(self, facility: Facility) -> OutRecord:
        partitions = self._publisher.partitions(FACILITIES)
        partition = self._wiring.partition_for(facility.id, partitions)
        value = self._wiring.encode(facility)
        return OutRecord(TopicPartition(FACILITIES, partition), facility.id.encode(), value)

    def _now_playing(self) -> Chapter:
        return self._programme.chapters[self._chapter]

    def _state(self) -> ReplayState:
        return ReplayState.ENDED if self.ended else ReplayState.RUNNING

    def _speed(self) -> float:
        if self.ended:
            return 0.0
        return self._pace.speed or self._now_playing().speed

    def _restored_position(self) -> tuple[int, datetime]:
        position = self._spool.position
        if position is None:
            return 0, self._programme.chapters[0].start
        chapter_text, _, time_text = position.partition("|")
        chapter, time = int(chapter_text), datetime.fromisoformat(time_text)
        if not 0 <= chapter < len(self._programme.chapters):
            message = f"position {position} is in no chapter of {self._programme.id}"
            raise SpoolError(self._programme.id, message)
        return chapter, time


def _position(chapter: int, time: datetime) -> str:
    return f"{chapter}|{time.isoformat()}"


def play(
    replays: Sequence[Replay],
    clock: Clock,
    going_on: Callable[[], bool],
    on_error: Callable[[PublishError], None],
) -> None:
    """Play the replays side by side until `going_on` says no; blocks the thread.

    A broker that does not answer is reported and tried again: the spool holds what is not acknowledged.
    """
    waiting = list(replays)
    while waiting and going_on():
        try:
            waiting[0].start()
            waiting.pop(0)
        except PublishError as error:
            on_error(error)
            clock.sleep(RETRY_S)
    while going_on():
        wait = RETRY_S
        for replay in replays:
            try:
                wait = min(wait, replay.step(clock.monotonic_s()))
            except PublishError as error:
                on_error(error)
        clock.sleep(wait)
