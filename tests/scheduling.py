"""How processes share the tests: file by file, but a folder whose tests share a running stack stays together.

What takes longest comes first, so that short files fill up what is left at the end.
"""

from __future__ import annotations

from typing import Final

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER: Final = ("tests/chaos", "tests/end_to_end")
"""Each starts the whole product; two of these side by side would keep two cores too busy to tell late from lost."""


def scope_of(nodeid: str) -> str:
    """Return the folder or the file whose tests run in one process.

    >>> scope_of("tests/chaos/test_rounds.py::test_one"), scope_of("tests/unit/test_units.py::test_one")
    ('tests/chaos', 'tests/unit/test_units.py')
    """
    file = nodeid.partition("::")[0]
    return next((folder for folder in TOGETHER if file.startswith(f"{folder}/")), file)


def longest_first(items: list[pytest.Item]) -> None:
    """Order the tests: the folders with a stack, the files with slow tests, the others; else as they were."""
    slow = {scope_of(one.nodeid) for one in items if one.get_closest_marker("slow")}

    def rank(item: pytest.Item) -> int:
        scope = scope_of(item.nodeid)
        return 0 if scope in TOGETHER else 1 if scope in slow else 2

    items.sort(key=rank)


class ByFileOrStack(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist has no types
    """Tests of the same scope run in one process, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)
