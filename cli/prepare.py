"""What has to be true of the cluster before the first worker starts: topics and schemas."""

from __future__ import annotations

from cli.connections import registry_address
from cli.topics import wanted_topics
from runtime.registry.client import RegistryClient
from runtime.registry.publishing import register_all
from runtime.setting_types import Settings
from runtime.topics import TopicAdmin


class RefusedTopicsError(Exception):
    """A topic has another number of partitions than its file: the stack must not run on it."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


def prepare(settings: Settings) -> None:
    """Create and configure the topics, register the schemas.

    Raises:
        TopicsError, RegistryError: the cluster or the registry refused.
        RefusedTopicsError: a number of partitions differs.
    """
    changes = TopicAdmin(settings.kafka.client()).apply(wanted_topics(settings))
    refused = [str(change) for change in changes if change.action == "refuse"]
    if refused:
        raise RefusedTopicsError(refused)
    with RegistryClient(registry_address(settings)) as registry:
        register_all(registry)
