"""How processes share the tests: file by file, but a folder whose tests share a running stack stays together."""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling

TOGETHER: Final = ("tests/chaos", "tests/end_to_end")
"""Each starts the whole product; two of these side by side would keep two cores too busy to tell late from lost."""


class ByFileOrStack(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist has no types
    """Tests with the same `_split_scope` run in one process, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)
