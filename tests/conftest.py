"""Fixtures that several rungs of the ladder share."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer

from cli.embedded import kafka as embedded_kafka
from runtime.process_memory import collect_rarely
from runtime.settings import load
from tests.scheduling import ByFileOrStack

# A busy machine is no failure: speed is measured in bench/.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer | None) -> ByFileOrStack:
    """Say which tests run in the same process when there are several."""
    return ByFileOrStack(config, log)


def pytest_collection_finish() -> None:
    """Keep thousands of tests and modules out of every search for garbage."""
    collect_rarely()


def say(line: str) -> None:
    """Show slow steps of a fixture although pytest captures the output."""
    print(line, file=sys.__stderr__, flush=True)


@pytest.fixture(scope="session")
def kafka_var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the session's broker."""
    return tmp_path_factory.mktemp("kafka")


@pytest.fixture
def kafka_data(kafka: str, kafka_var: Path) -> Path:
    """Give the folder where the session's broker keeps its partitions."""
    assert kafka, "the broker has to run"
    [properties] = kafka_var.glob("*/data/meta.properties")
    return properties.parent


@contextmanager
def running_kafka(var: Path) -> Generator[str]:
    """Give the bootstrap servers of an embedded broker that is empty at first and keeps its data in `var`."""
    cache = load().settings.embedded.jar_cache.expanduser()
    broker = embedded_kafka.start(embedded_kafka.BrokerSpec(var=var, jar_cache=cache), say)
    try:
        yield broker.bootstrap
    finally:
        broker.stop()


@pytest.fixture(scope="session")
def kafka(kafka_var: Path) -> Iterator[str]:
    """Give the bootstrap servers of the broker that the session shares.

    Tests take topic names of their own, so that their order does not matter.
    """
    with running_kafka(kafka_var) as bootstrap:
        yield bootstrap
