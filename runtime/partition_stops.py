"""Why a partition stops for good: each reason says what was found and which command mends it."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.log import RecordsDamagedError, TopicPartition


@dataclass(frozen=True, slots=True)
class StopReason:
    """Root of the reasons."""

    stage: str

    @property
    def code(self) -> str:
        """Short code for metrics and alerts: the class name in snake case."""
        name = type(self).__name__
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")

    @property
    def message(self) -> str:
        """What was found and how to mend it, in one sentence."""
        raise NotImplementedError

    def _rebuild(self) -> str:
        return f"rebuild the state with `synergy worker {self.stage} --rebuild`"


@dataclass(frozen=True, slots=True)
class GapFound(StopReason):
    """The intake skipped offsets that were never applied."""

    tp: TopicPartition
    expected: int
    found: int

    @property
    def message(self) -> str:
        """See StopReason.message."""
        return (
            f"{self.stage}: gap in {self.tp.topic}[{self.tp.partition}]: offset {self.expected} expected, "
            f"{self.found} read; nothing was skipped. Restart the worker; if it stops again, {self._rebuild()}"
        )


@dataclass(frozen=True, slots=True)
class RetentionPassed(StopReason):
    """The log starts after the state's next offset: readings were deleted before they were applied."""

    tp: TopicPartition
    expected: int
    start: int

    @property
    def message(self) -> str:
        """See StopReason.message."""
        return (
            f"{self.stage}: {self.tp.topic}[{self.tp.partition}] starts at {self.start} but {self.expected} was never "
            f"applied: {self.start - self.expected} offsets were deleted. Restore the topic, or accept the loss and "
            f"{self._rebuild()}"
        )


@dataclass(frozen=True, slots=True)
class LogEndsBeforeState(StopReason):
    """The log ends before the state's next offset: it was truncated or replaced."""

    tp: TopicPartition
    expected: int
    end: int

    @property
    def message(self) -> str:
        """See StopReason.message."""
        return (
            f"{self.stage}: {self.tp.topic}[{self.tp.partition}] ends at {self.end} but the state includes offsets "
            f"below {self.expected}: the topic lost records. Restore it, or {self._rebuild()}"
        )


@dataclass(frozen=True, slots=True)
class TopicRecreated(StopReason):
    """The topic of this name is another one than the state was made from."""

    topic: str
    known_id: str
    found_id: str

    @property
    def message(self) -> str:
        """See StopReason.message."""
        return (
            f"{self.stage}: topic {self.topic} was deleted and created anew (id {self.known_id}, now {self.found_id}); "
            f"offsets mean something else now. {self._rebuild().capitalize()}"
        )


@dataclass(frozen=True, slots=True)
class PartitionsChanged(StopReason):
    """Partitions were added to a live topic: routing keys moved."""

    topic: str
    known: int
    found: int

    @property
    def message(self) -> str:
        """See StopReason.message."""
        return (
            f"{self.stage}: topic {self.topic} has {self.found} partitions, the state was made with {self.known}; "
            f"routing keys moved, and no rebuild can mend that. Create a topic of a new version with {self.found} "
            "partitions and move over"
        )


@dataclass(frozen=True, slots=True)
class StateMissing(StopReason):
    """The group has read before, but there is no state: starting anew would count twice."""

    changelog: str
    partition: int

    @property
    def message(self) -> str:
        """See StopReason.message."""
        return (
            f"{self.stage}: the group has committed before but {self.changelog}[{self.partition}] holds no state. "
            f"Restore the changelog, or {self._rebuild()}"
        )


@dataclass(frozen=True, slots=True)
class ChangelogUnreadable(StopReason):
    """A part of the changelog can't be read."""

    partition: int
    error: BaseException

    @property
    def message(self) -> str:
        """See StopReason.message."""
        return (
            f"{self.stage}: the changelog of partition {self.partition} can't be read: {self.error!r}. "
            f"{self._rebuild().capitalize()}"
        )


@dataclass(frozen=True, slots=True)
class RecordsDamaged(StopReason):
    """A checksum is wrong, in the changelog or in what a rebuild reads.

    A changelog is not mended by a rebuild: what that writes behind the damage could not be read either.
    """

    changelog: str
    error: RecordsDamagedError

    @property
    def message(self) -> str:
        """See StopReason.message."""
        return (
            f"{self.stage}: records are not what was written, look at the broker's disk: {self.error}. "
            f"Restore the partition from another replica{self._or_anew()}"
        )

    def _or_anew(self) -> str:
        if self.error.tp.topic != self.changelog:
            return ""
        return (
            f"; or stop all workers of the stage, delete the topic {self.changelog}, create it with "
            f"`synergy topics apply` and {self._rebuild()}"
        )


@dataclass(frozen=True, slots=True)
class CoreFailed(StopReason):
    """The stage raised outside of a batch."""

    partition: int
    error: BaseException

    @property
    def message(self) -> str:
        """See StopReason.message."""
        return (
            f"{self.stage}: partition {self.partition} failed outside of a batch: {self.error!r}. Nothing was "
            "committed since the last commit; restart the worker and report the error with the log"
        )
