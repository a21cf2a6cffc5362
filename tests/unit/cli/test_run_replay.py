"""What the replay says at its start."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from cli.run_replay import list_exclusions
from producers.programmes.programme import Exclusion


@dataclass
class _Log:
    """Keeps what is logged."""

    lines: list[tuple[str, dict[str, object]]] = field(
        default_factory=list[tuple[str, dict[str, object]]]
    )

    def info(self, event: str, **fields: object) -> None:
        self.lines.append((event, fields))

    debug = warning = error = exception = info

    def bind(self, **_: object) -> _Log:
        return self


@pytest.mark.parametrize("names", [(), ("Nowhere steel", "Tiny cement")])
def test_every_plant_that_takes_no_part_is_listed_with_its_reason(names: tuple[str, ...]) -> None:
    exclusions = [
        Exclusion(
            name=name,
            industry="steel",
            capacity=9e9,
            unit="t/year",
            reason="too much",
            source="a list",
        )
        for name in names
    ]
    log = _Log()
    list_exclusions("hebei_anhui", exclusions, log)
    assert [fields["name"] for _, fields in log.lines] == list(names)
    assert all(fields["reason"] for _, fields in log.lines)
    assert {fields["programme"] for _, fields in log.lines} <= {"hebei_anhui"}
