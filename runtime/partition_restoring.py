"""From what opening a partition found to the state that it goes on with, or to the reason to stop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic

from runtime.partition_actions import Kept, Opened, TaskSettings
from runtime.partition_head import Head, HeadCheck
from runtime.partition_stops import ChangelogUnreadable, RecordsDamaged, StopReason
from runtime.stage import Stage, State


@dataclass(frozen=True, slots=True)
class Restored(Generic[State]):
    """A state to go on with.

    Attributes:
        state: what was kept, what the changelog says, or what was begun.
        head: the inputs, and how far each is in the state.
        changelog_end: where the changelog ends, or None when it does not say the same as the state.
        outdated: parts of the changelog that the first commit has to write over or delete.
    """

    state: State
    head: Head
    changelog_end: int | None
    outdated: dict[bytes, None] = field(default_factory=dict[bytes, None])


def restore(
    settings: TaskSettings, stage: Stage[State], answer: Opened[State], kept: Kept[State] | None
) -> Restored[State] | StopReason:
    """Check what was found against the inputs, and make the state; `kept` is one that the answer says to count."""
    if answer.damage is not None:
        return RecordsDamaged(settings.stage, settings.changelog, answer.damage)
    saved = answer.head if kept is None else kept.head.encode()
    head = HeadCheck(settings.stage, settings.partition).resolve(saved, answer)
    if isinstance(head, StopReason):
        return head
    if kept is not None:
        return Restored(kept.state, head, answer.changelog_end)
    if answer.begun is not None:
        return Restored(answer.begun.state, head, None, dict.fromkeys(answer.parts))
    try:
        state = stage.restore(settings.partition, answer.parts)
    except Exception as error:
        return ChangelogUnreadable(settings.stage, settings.partition, error)
    return Restored(state, head, answer.changelog_end)
