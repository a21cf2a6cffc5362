"""What a stage of stream processing is: verbs on one partition's state, called by `runtime.partition_task`.

A stage holds no state of its own: `restore` or `begin` makes the state of one partition and every other verb gets it.
None of the verbs may block, read a clock or do I/O: time comes in as an argument, in microseconds since 1970. Only
`begin` is called in a thread: what it is given is read while it asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from runtime.log import Batch, OutRecord, Record

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Changes:
    """What one commit writes, frozen: encoded bytes only, so that later changes of the state can't reach it.

    `parts` are changelog records by key; a value of None deletes the part. `outputs` go to other topics.
    """

    parts: Mapping[bytes, bytes | None] = field(default_factory=dict[bytes, "bytes | None"])
    outputs: Sequence[OutRecord] = ()

    @property
    def empty(self) -> bool:
        """Whether a commit would have nothing to write."""
        return not self.parts and not self.outputs


@dataclass(frozen=True, slots=True)
class Job:
    """Long work for a thread, on data that the state does not change afterwards (an immutable snapshot)."""

    run: Callable[[], object]


class Past(Protocol):
    """The topics of one partition, inputs and outputs alike, as far as they were committed when it was opened."""

    def bounds(self, topic: str) -> tuple[int, int]:
        """Return start and end."""
        ...

    def reached(self, topic: str) -> int:
        """Return what the consumer group had committed of an input, else its start.

        It is never ahead of a state that was lost, and may be a little behind.
        """
        ...

    def read(self, topic: str, start: int, end: int) -> Iterator[Record]:
        """Yield the records of `[start, end)` in order."""
        ...

    def part(self, key: bytes) -> bytes | None:
        """Return a part of the changelog that is given up, None if it has no such part or can't be read."""
        ...


@dataclass(frozen=True, slots=True)
class Begun(Generic[State]):
    """A state that was made without a changelog; `next` is the first offset of each input that is not in it."""

    state: State
    next: Mapping[str, int]


class Stage(Protocol[State]):
    """Pure processing of one partition."""

    def restore(self, partition: int, parts: Mapping[bytes, bytes]) -> State:
        """Make the state from the changelog's latest parts; their order says nothing."""
        ...

    def begin(self, partition: int, past: Past) -> Begun[State]:
        """Make the state of a partition that has none: its first one, or one that is rebuilt.

        The first freeze writes all of it.
        """
        ...

    def apply(self, state: State, batch: Batch, now_us: int) -> None:
        """Take one batch in. May raise anything: the task then restores the state and narrows the batch down.

        `batch.start` equals the state's next offset of that topic: the task has cut away what was applied before.
        """
        ...

    def tell_time(self, state: State, now_us: int) -> None:
        """Take note of the time before the first batch. Nothing is published or ended by it: what waits is unread."""
        ...

    def tick(self, state: State, now_us: int) -> bool:
        """Let time pass: staleness, roll-over, expiry of live programmes; return whether anything may differ."""
        ...

    def reject(self, state: State, batch: Batch, error: BaseException) -> None:
        """Reject the single record of the batch as internal_error: its bytes go to the rejected topic."""
        ...

    def changed(self, state: State) -> int:
        """Return how many parts of the state changed since the last freeze, about; asked after each batch."""
        ...

    def freeze(self, state: State, applied: Mapping[str, int]) -> Changes:
        """Encode what changed since the last freeze and forget that it changed. `applied` is next by topic."""
        ...

    def job(self, state: State) -> Job | None:
        """Return long work that became due, or None. At most one job a partition runs at a time."""
        ...

    def absorb(self, state: State, result: object, now_us: int) -> None:
        """Take the result of a job in, on the task."""
        ...
