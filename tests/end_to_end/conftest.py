"""The one stack of this folder. It starts with the first test that asks for it and ends with the folder's last."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end import pipeline as running


@pytest.fixture(scope="package")
def pipeline(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Pipeline]:
    """Give a running pipeline without a replay. Tests take facilities and programmes of their own."""
    started = running.start(tmp_path_factory.mktemp("end_to_end"), kafka)
    try:
        yield started
    finally:
        running.say(started.logs())
        running.stop(started)
