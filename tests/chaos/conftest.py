"""The one stack of this folder: it starts with the first test and meets everything that the tests do to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.stand import Stand, end, start
from tests.end_to_end.pipeline import say


@pytest.fixture(scope="package")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Give a running stack whose source sends readings, some of them twice, with poison among them."""
    made = start(tmp_path_factory.mktemp("chaos"), seed=20)
    try:
        made.begin()
        yield made
    finally:
        say(made.pipeline.logs())
        end(made)
