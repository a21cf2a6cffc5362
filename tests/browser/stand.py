"""The page's server with the real market behind it, in memory and on a port of its own: no Kafka.

    .venv/bin/python -m tests.browser.stand [PORT]

shows it with a handful of plants, for work on the page.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import uvicorn

from runtime.clock import SystemClock
from runtime.log import OutRecord
from runtime.publisher import MemoryPublisher
from schemas import topic_files
from schemas.events import (
    Command,
    DataKind,
    Event,
    FacilityFacts,
    Position,
    Provenance,
    ReplayState,
    Tick,
)
from schemas.topic_files import topics_of
from tests.ledger.desk import TOPICS, Desk, open_desk
from tests.market.plants import GOOD_ASH, MARCH, Market, analysis, facts, need, supply

Result = TypeVar("Result")
PROGRAMME = "ohio"


def plants() -> list[FacilityFacts | Position]:
    """Two power stations and four receivers; one need that nobody can meet."""
    sample = {"provenance": Provenance.SAMPLE}
    return [
        facts(
            "mitchell", "3510", (39.83, -80.82), name="Mitchell power station", name_zh="米切尔电厂"
        ),
        facts("kammer", "3510", (39.90, -80.80), name="Kammer power station", name_zh="卡默电厂"),
        facts("ready_mix", "2395", (40.00, -80.70), name="Wheeling ready-mix", **sample),
        facts("cement", "2394", (40.30, -80.60), name="Weirton cement", name_zh="韦尔顿水泥厂"),
        facts("wallboard", "2395", (39.95, -80.76), name="Moundsville wallboard", park="Riverside"),
        facts("road", "4210", (40.10, -80.75), name="Ohio county roads"),
        supply("mitchell", "fly_ash", 900, properties=GOOD_ASH),
        supply("mitchell", "fgd_gypsum", 1200, properties=analysis(moisture=9.0, purity=95.0)),
        supply("kammer", "fly_ash", 420, data_kind=DataKind.MEASURED),
        need("ready_mix", "portland_cement", 800, data_kind=DataKind.ASSUMED),
        need("cement", "clinker", 1500, data_kind=DataKind.SIMULATED),
        need("wallboard", "mined_gypsum", 700),
        need("road", "crushed_stone", 300),
        need("road", "lime", 40),
    ]


class Answering:
    """A publisher whose commands the market answers, as soon as they are flushed."""

    def __init__(self) -> None:
        self.answer: Callable[[list[OutRecord]], None] = list[OutRecord].clear
        self._memory = MemoryPublisher({topic_files.COMMANDS: 4})

    def partitions(self, topic: str) -> int:
        return self._memory.partitions(topic)

    def publish(self, record: OutRecord) -> None:
        self._memory.publish(record)

    def flush(self) -> None:
        self._memory.flush()
        records = list(self._memory.acknowledged)
        self._memory.acknowledged.clear()
        self.answer(records)


class Stand:
    """`address` is the page; everything that changes the market happens on the server's own thread."""

    def __init__(self, desk: Desk, publisher: Answering) -> None:
        self.desk = desk
        self.market = Market().tick(MARCH)
        self._loop = asyncio.new_event_loop()
        self._clock = SystemClock()
        publisher.answer = lambda records: self.do(lambda: self._obey(records))
        config = uvicorn.Config(
            desk.app,
            host="127.0.0.1",
            port=0,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="stand", daemon=True)

    @property
    def address(self) -> str:
        """Where the page is."""
        (socket,) = self._server.servers[0].sockets
        return f"http://127.0.0.1:{socket.getsockname()[1]}/"

    def start(self) -> None:
        """Serve, and wait until it does."""
        self._thread.start()
        while not self._server.started:
            self._clock.sleep(0.01)

    def stop(self) -> None:
        """End streams and server."""
        self.do(self.desk.changes.close)
        self._server.should_exit = True
        self._thread.join()

    def do(self, work: Callable[[], Result]) -> Result:
        """Do something on the server's thread."""
        done: Future[Result] = Future()

        def call() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        self._loop.call_soon_threadsafe(call)
        return done.result(30)

    def feed(self, *inputs: FacilityFacts | Position) -> None:
        """Give facts and positions to the market and show what follows."""
        self.do(lambda: self._feed(inputs))

    def tick(self, hours: float) -> None:
        """Move the programme's time to so many hours after its start."""
        self.do(lambda: self._tick(hours))

    def drop_streams(self) -> None:
        """Break every open connection, as a network does."""

        def drop() -> None:
            for connection in list(self._server.server_state.connections):
                transport = getattr(connection, "transport", None)
                assert isinstance(transport, asyncio.Transport)
                transport.abort()

        self.do(drop)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._server.serve())

    def _tick(self, hours: float) -> None:
        self.market.tick(MARCH + timedelta(hours=hours))
        self._show([_tick_at(hours)])
        self._solve()

    def _feed(self, inputs: Iterable[FacilityFacts | Position]) -> None:
        self.market.feed(*inputs)
        self._show(inputs)
        self._solve()

    def _solve(self) -> None:
        self._show(self.market.solve())

    def _obey(self, records: list[OutRecord]) -> None:
        for record in records:
            command = self.desk.codec.decode(record.value or b"")
            assert isinstance(command, Command)
            self.market.state.apply_command(command, self.market.at(topic_files.COMMANDS))
        self._show(self.market.take())

    def _show(self, events: Iterable[Event]) -> None:
        for event in events:
            names = (topic.name for topic in topics_of(type(event).__name__))
            self.desk.show(next(name for name in names if name in TOPICS), event)


def _tick_at(hours: float) -> Tick:
    return Tick(
        programme=PROGRAMME,
        time=MARCH + timedelta(hours=hours),
        state=ReplayState.RUNNING,
        speed=3600.0,
        chapter="Network tour, March 2007",
    )


@contextmanager
def open_stand(folder: Path) -> Generator[Stand]:
    """Serve the page; it has ended when the block is left."""
    publisher = Answering()
    with open_desk(folder / "ledger", publisher) as desk:
        stand = Stand(desk, publisher)
        stand.start()
        try:
            stand.tick(0.0)
            stand.feed(*plants())
            yield stand
        finally:
            stand.stop()


def main() -> None:
    """Serve until Ctrl-C; the supply changes every second."""
    clock = SystemClock()
    with TemporaryDirectory() as folder, open_stand(Path(folder)) as stand:
        sys.stdout.write(f"{stand.address}\n")
        sys.stdout.flush()
        for hour in range(1, 10_000):
            clock.sleep(1.0)
            stand.tick(hour)
            tonnes = 900 + 40 * (hour % 7)
            as_of = MARCH + timedelta(hours=hour)
            stand.feed(supply("mitchell", "fly_ash", tonnes, properties=GOOD_ASH, as_of=as_of))


if __name__ == "__main__":
    main()
