"""What a partition task asks its driver to do, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic

from runtime.log import OutRecord, RecordsDamagedError, TopicDescription, TopicPartition
from runtime.partition_head import Head
from runtime.partition_stops import StopReason
from runtime.stage import Begun, Job, State


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSettings:
    """What a partition task is told once.

    `outputs` are the topics that the stage writes beside its changelog.
    `first` names the input topics that are read to the end measured at opening before any other input is applied.
    Times are in microseconds: at most one commit an interval, a change after an idle interval commits once it settled,
    progress without changes is committed quietly. While readings are older than `behind_us` their effects are late
    anyway: the interval is then `catch_up_interval_us`, since a commit costs by series, not by reading.
    With `most_changes` a commit does not wait, since its time and memory follow them, nor are
    more records applied at once unless so many changed little.
    `queue_batches` is the intake of one topic before it is paused.
    """

    stage: str
    group: str
    partition: int
    inputs: tuple[str, ...]
    changelog: str
    first: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    rebuild: bool = False
    commit_interval_us: int = 1_000_000
    behind_us: int = 5_000_000
    catch_up_interval_us: int = 3_000_000
    most_changes: int = 10_000
    settle_us: int = 50_000
    quiet_commit_us: int = 5_000_000
    tick_us: int = 1_000_000
    queue_batches: int = 2

    @property
    def transactional_id(self) -> str:
        """Fixed to the partition, so that a new owner fences the former one."""
        return f"{self.group}-{self.partition}"

    @property
    def changelog_tp(self) -> TopicPartition:
        """Where the parts of the state are."""
        return TopicPartition(self.changelog, self.partition)


@dataclass(frozen=True, slots=True)
class Open:
    """Close the writer, if any; open a new one; read the changelog to its end; describe and measure the inputs.

    Begin a state, whatever the changelog holds, when it is to be rebuilt. A changelog that ends at `kept_end`, the end
    of a state that is kept, need not be read.
    """

    rebuild: bool = False
    kept_end: int | None = None


@dataclass(frozen=True, slots=True)
class Seek:
    """Let the intake of this partition start anew at these positions, under a new generation."""

    positions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Commit:
    """Write these records in one transaction."""

    records: tuple[OutRecord, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Run a job in a thread; it is no reason to wait: batches are applied meanwhile."""

    job: Job
    opening: int


@dataclass(frozen=True, slots=True)
class Close:
    """Close the writer and forget the partition."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop this partition for good and tell people why."""

    reason: StopReason


Action = Open | Seek | Commit | Run | Close | Stop


@dataclass(frozen=True, slots=True)
class Kept(Generic[State]):
    """A state that was given up with everything committed, and where the changelog ended then."""

    state: State
    head: Head
    changelog_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Generic[State]):
    """The driver's answer to `Open`: the latest `parts` of the changelog and, apart from them, its `head`.

    `begun` is a state that does not come from the parts; `damage` is why there is neither.

    `changelog_end` is where the changelog ends. If that is the end of the kept state, nobody has written to it since:
    `kept` is true and there are no `parts`.
    """

    parts: Mapping[bytes, bytes]
    head: bytes | None
    changelog_end: int
    kept: bool = False
    topics: Mapping[str, TopicDescription]
    bounds: Mapping[str, tuple[int, int]]
    begun: Begun[State] | None = None
    damage: RecordsDamagedError | None = None
