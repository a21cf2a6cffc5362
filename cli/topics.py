"""`synergy topics show|apply`: the topic files compared with the cluster."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Literal

from runtime.setting_types import Settings
from runtime.settings import load
from runtime.topics import TopicAdmin, TopicChange, TopicSpec
from schemas.topic_files import topic_files


def wanted_topics(settings: Settings) -> list[TopicSpec]:
    """Return every topic of the topic files, with the replication of this cluster."""
    return [
        TopicSpec(topic.name, topic.partitions, topic.config, settings.kafka.replication)
        for topic in topic_files().values()
    ]


def show(flags: Mapping[str, object], form: Literal["text", "json"]) -> int:
    """Print the topics and what differs; return 1 when something does.

    Raises:
        SettingsError, TopicsError: they can't be compared.
    """
    settings = load(flags).settings
    specs = wanted_topics(settings)
    changes = TopicAdmin(settings.kafka.client()).plan(specs)
    if form == "json":
        sys.stdout.write(json.dumps([asdict(change) for change in changes], indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(specs, changes))
    return int(bool(changes))


def apply(flags: Mapping[str, object]) -> int:
    """Apply the topic files and print what was done; return 1 when a change was refused.

    Raises:
        SettingsError, TopicsError: it can't be done.
    """
    settings = load(flags).settings
    changes = TopicAdmin(settings.kafka.client()).apply(wanted_topics(settings))
    sys.stdout.writelines(f"{change}\n" for change in changes)
    if not changes:
        sys.stdout.write("every topic is as its file says\n")
    return int(any(change.action == "refuse" for change in changes))


def _lines(specs: Sequence[TopicSpec], changes: Sequence[TopicChange]) -> list[str]:
    different = {change.topic for change in changes}
    width = max(len(spec.name) for spec in specs)
    same = [
        f"{spec.name:<{width}}  {spec.partitions} partitions, as its file says"
        for spec in specs
        if spec.name not in different
    ]
    return [*same, *(str(change) for change in changes)]
