"""Stories of the market: input events and what people see, one JSON file each.

After a wanted change, regenerate with `python -m tests.golden.regenerate` and read the difference.
"""

from __future__ import annotations

import json

import pytest

from tests.golden.stories import FOLDER, names, told


@pytest.mark.parametrize("name", names())
def test_the_story_is_told_as_written_down(name: str) -> None:
    written = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert told(written["steps"]) == written["steps"]


def test_the_stories_show_all_verdicts_and_every_state_of_a_proposal() -> None:
    texts = [(FOLDER / f"{name}.json").read_text(encoding="utf-8") for name in names()]
    everything = "\n".join(texts)
    assert len(texts) >= 5
    for word in ("MEETS", "UNKNOWN", "takes at most 6 %", "committed_short", "outdated"):
        assert word in everything
    for state in ("PROPOSED", "ACCEPTED_BY_GIVER", "AGREED", "DECLINED", "WITHDRAWN"):
        assert f'"{state} ' in everything
