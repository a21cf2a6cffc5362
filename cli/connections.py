"""From settings to the connections of the adapters."""

from __future__ import annotations

from runtime.kafka_log import KafkaConnection
from runtime.registry.client import RegistryAddress
from runtime.setting_types import Settings


class MissingSettingError(Exception):
    """A command needs a setting that nobody gave, and no stack runs here that would give it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is not set and no stack has run here: `make run` starts one, or --set {name}=..."
        )
        self.name = name


def kafka_connection(settings: Settings) -> KafkaConnection:
    """Return how to reach the cluster. Raises MissingSettingError."""
    client = settings.kafka.client()
    if "bootstrap.servers" not in client:
        raise MissingSettingError("kafka.bootstrap")
    return KafkaConnection(client.pop("bootstrap.servers"), client)


def registry_address(settings: Settings) -> RegistryAddress:
    """Return how to reach the schema registry. Raises MissingSettingError."""
    registry = settings.registry
    if not registry.url:
        raise MissingSettingError("registry.url")
    return RegistryAddress(registry.url, registry.username, registry.password.get_secret_value())
