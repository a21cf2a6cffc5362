"""Faust with batches: one message for each fetched batch of a partition, with the fetch positions before and after it.

Faust runs the consumer group and the agents; this transport changes what its aiokafka consumer hands on:

- one message holds a whole `runtime.log.Batch` (Faust's own path costs some 90 microseconds of CPU a message, this one
  about 2 a record), read committed;
- `start` and `next` are the consumer's fetch positions, so that markers and aborted records are no gaps;
- nothing is read for a partition before `start_intake`, which seeks and names the generation in one step on the
  consumer's own thread; Faust's seeks to the group's commits are switched off, since the state alone knows the offset;
- what the group commits is what the workers have committed: information for lag tools.

It reaches into private parts of faust-streaming 0.15 and aiokafka 0.14, both locked; `tests/contract` runs it on a real
broker.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import faust
import structlog
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import ConsumerStoppedError
from aiokafka.structs import TopicPartition as VendorPartition
from faust.serializers import codecs
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from runtime.log import Batch, RecordsDamagedError, TopicPartition
from runtime.whole_batches import read_all

if TYPE_CHECKING:
    from faust.types.tuples import Message

_logger = structlog.get_logger("worker")
BATCH_CODEC = "synergy_batch"
_FETCH_WAIT_MS = 200
_IDLE_S = 0.02


class _PassThrough(codecs.Codec):
    """Hands batches on as they are."""

    def _loads(self, s: bytes) -> Any:
        return s

    def _dumps(self, s: Any) -> bytes:
        return cast("bytes", s)


codecs.register(BATCH_CODEC, _PassThrough())


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that owns the aiokafka consumer, with an intake per partition."""

    def __post_init__(self) -> None:
        """Begin without any intake."""
        super().__post_init__()
        self._generations: dict[Any, int] = {}
        self._paused: set[Any] = set()
        self._damaged: set[Any] = set()
        self._first: tuple[str, ...] = ()

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer: Any = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
        app = cast("BatchApp", transport.app)
        consumer._fetch_min_bytes = app.fetch_min_bytes
        self._first = app.first_topics
        return consumer

    @property
    def group_error(self) -> BaseException | None:
        """What ended the routine that keeps the worker in its group; None while it runs. Nobody else looks at it."""
        coordinator = getattr(self._consumer, "_coordinator", None)
        routine = getattr(coordinator, "_coordination_task", None)
        if routine is None or not routine.done() or routine.cancelled():
            return None
        return cast("BaseException | None", routine.exception())

    async def start_intake(self, positions: Mapping[TopicPartition, int], generation: int) -> None:
        """Seek to the positions; batches read from now on carry the generation."""
        await self.call_thread(self._start_intake, positions, generation)

    async def _start_intake(self, positions: Mapping[TopicPartition, int], generation: int) -> None:
        consumer = self._ensure_consumer()
        for tp, offset in positions.items():
            vendor = VendorPartition(tp.topic, tp.partition)
            consumer.seek(vendor, offset)
            self._generations[vendor] = generation
            self._paused.discard(vendor)
            self._damaged.discard(vendor)

    def stop_intake(self) -> None:
        """Read nothing more, for any partition, until `start_intake`."""
        self._generations.clear()
        self._paused.clear()
        self._damaged.clear()

    def pause_intake(self, tp: TopicPartition) -> None:
        """Leave what is fetched for the partition where it is."""
        self._paused.add(VendorPartition(tp.topic, tp.partition))

    def resume_intake(self, tp: TopicPartition) -> None:
        """Read on after a pause."""
        self._paused.discard(VendorPartition(tp.topic, tp.partition))

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP] | None,
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Any:
        """Return what is fetched as batches by partition, or nothing after a short wait."""
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        if not self.consumer.flow_active or not any(map(self._is_open, list(self._generations))):
            await asyncio.sleep(_IDLE_S)
            return {}
        if fetcher._subscriptions.reassignment_in_progress:
            await asyncio.sleep(_IDLE_S)
            return {}
        with fetcher._subscriptions.fetch_context():
            drained = dict(self._drain(fetcher))
            if not drained:
                waiter = fetcher._create_fetch_waiter()
                done, _ = await asyncio.wait([waiter], timeout=_FETCH_WAIT_MS / 1000)
                if not done:
                    waiter.cancel()
                else:
                    waiter.result()
                drained = dict(self._drain(fetcher))
            return drained

    def _later(self, tp: Any) -> bool:
        """Sort topics that are to be taken in first to the front: what comes in one fetch may depend on them."""
        return tp.topic not in self._first

    def _too_early(self, tp: Any, found: Any) -> bool:
        """Whether more of a first topic of the partition is known to be there than was handed on."""
        if not self._later(tp):
            return False
        for topic in self._first:
            first = found._assignment.state_value(VendorPartition(topic, tp.partition))
            if first.lso is not None and first.position < first.lso:
                return True
        return False

    def _is_open(self, tp: Any) -> bool:
        return tp in self._generations and tp not in self._paused and tp not in self._damaged

    def _read(self, tp: Any, found: FetchResult, generation: int) -> Batch | None:
        """Read what was fetched; the partition's intake ends at a batch whose checksum is wrong."""
        try:
            return read_all(tp, found, generation)
        except RecordsDamagedError as error:
            self._damaged.add(tp)
            others = ", also of its other topics" if tp.topic in self._first else ""
            what = f"{error}. Nothing behind it is read in this partition{others}; what precedes it counts"
            mend = "Look at the broker's disk, restore the partition and start the worker again"
            _logger.error(f"{what}. {mend}", code="records_damaged", partition=tp.partition)  # noqa: TRY400 - no bug
            return None

    def _drain(self, fetcher: Any) -> Iterator[tuple[Any, Batch]]:
        for tp in sorted(fetcher._records, key=self._later):
            generation = self._generations.get(tp)
            if generation is None or not self._is_open(tp):
                continue
            found = fetcher._records[tp]
            if not isinstance(found, FetchResult):
                del fetcher._records[tp]
                fetcher._notify(fetcher._wait_consume_future)
                found.check_raise()
                continue
            if self._too_early(tp, found):
                continue
            batch = self._read(tp, found, generation)
            if not found.has_more():
                fetcher._records.pop(tp, None)
                fetcher._notify(fetcher._wait_consume_future)
            if batch is not None:
                yield tp, batch


class BatchConsumer(driver.Consumer):
    """Hands batches to the agent; never seeks by itself; commits what the worker says."""

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def intake(self) -> BatchConsumerThread:
        """The thread with the intake of each partition."""
        return cast("BatchConsumerThread", self._thread)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Yield one message for each fetched batch."""
        if not self.flow_active:
            await self.can_resume_flow.wait()
        fetched = await self._thread.getmany(None, timeout)
        if self.should_stop:
            return
        for tp, batch in cast("dict[TP, Batch]", fetched).items():
            self._read_offset[tp] = None  # whether a batch fits is for the partition task to say
            yield tp, self._batch_message(tp, batch)

    def _batch_message(self, tp: TP, batch: Batch) -> Message:
        return ConsumerMessage(
            tp.topic, tp.partition, batch.start, 0.0, 0, [], None, cast("bytes", batch), None, 0, 0, tp,
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    async def perform_seek(self) -> None:
        """Do nothing: the state of the partition says where to read."""

    async def verify_all_partitions_active(self) -> None:
        """Do nothing: the worker watches its partitions."""

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        positions = cast("BatchApp", self.app).committed_positions
        assigned = self.assignment()
        return (tp for tp in positions if tp in assigned)

    def _new_offset(self, tp: TP) -> int | None:
        return cast("BatchApp", self.app).committed_positions.get(tp)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing: gaps are the partition task's."""


class BatchTransport(driver.Transport):
    """The aiokafka transport with batches."""

    Consumer = BatchConsumer


class BatchApp(faust.App):
    """A Faust app on the batch transport.

    `committed_positions` is what the workers have committed, by topic and partition. The broker answers a fetch when it
    has `fetch_min_bytes`, or after 0.2 s with what there is. Of a partition all that is there of its `first_topics` is
    handed on before the rest.
    """

    def __init__(
        self,
        *args: Any,
        fetch_min_bytes: int,
        first_topics: tuple[str, ...],
        **kwargs: Any,
    ) -> None:
        """Take Faust's own arguments and two more."""
        super().__init__(*args, **kwargs)
        self.first_topics = first_topics
        self.fetch_min_bytes = fetch_min_bytes
        self.committed_positions: dict[TP, int] = {}

    def note_committed(self, partition: int, next_: Mapping[str, int]) -> None:
        """Tell lag tools how far a partition is, by topic; Faust passes it on within a second."""
        self.committed_positions.update({TP(topic, partition): n for topic, n in next_.items()})

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    @property
    def intake(self) -> BatchConsumerThread:
        """The intake of the running consumer."""
        return cast("BatchConsumer", self.consumer).intake

    @property
    def group_error(self) -> BaseException | None:
        """See `BatchConsumerThread.group_error`; None before there is a consumer."""
        return None if self._consumer is None else self.intake.group_error
