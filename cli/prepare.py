"""What has to be true of the cluster before the first worker starts: topics and schemas."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from cli.connections import registry_address
from cli.store_client import responds
from cli.topics import wanted_topics
from runtime.clock import SystemClock
from runtime.registry.client import RegistryClient
from runtime.registry.publishing import register_all
from runtime.setting_types import Settings
from runtime.settings import load
from runtime.topics import TopicAdmin, answering_cluster

PATIENCE_S = 60.0


class RefusedTopicsError(Exception):
    """A topic has another number of partitions than its file: the stack must not run on it."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


def run_prepare(flags: Mapping[str, object]) -> None:
    """Wait for the cluster and the registry, then prepare them. Raises as `prepare`."""
    settings = load(flags).settings
    clock = SystemClock()
    deadline = clock.monotonic_s() + PATIENCE_S
    client = settings.kafka.client()
    url = f"{registry_address(settings).url}/subjects"
    while not (answering_cluster(client, timeout_s=5.0) and responds(url)):
        if clock.monotonic_s() > deadline:
            break  # what is missing says so itself
        clock.sleep(0.5)
    prepare(settings)
    sys.stdout.write("topics and schemas are ready\n")


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
