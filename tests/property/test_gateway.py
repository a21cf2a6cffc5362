"""Whatever is sent: the gateway answers in its own words, and what it takes balance takes too."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example as case
from hypothesis import given
from hypothesis import strategies as st

from producers.facility_cells import EnrolmentTerms
from producers.facility_file import COLUMNS, parse_facility_file
from producers.gateway.parse import FIELDS, ReadingParser
from producers.gateway.problems import SubmissionError
from producers.reading import Reading
from schemas.avro_files import record_schemas
from schemas.codec import Codec
from schemas.events import Basis, Direction, FacilityFacts
from stream_processors.balance import material_rules
from synergy.balance.enrolment import flaw_of
from synergy.balance.judgement import Arrival, judge
from synergy.balance.terms import microseconds
from synergy.catalogue import load_catalogue
from tests.unit.console.examples import example

CATALOGUE = load_catalogue()
RULES = material_rules(CATALOGUE)
CODEC = Codec({name: number for number, name in enumerate(sorted(record_schemas()), start=1)})
NOW = datetime(2024, 7, 14, 8, 7, 3, tzinfo=UTC)
FACTS = example(FacilityFacts, facility="mill", programme="p", removed=False)


@dataclass(frozen=True)
class Plants:
    """One plant that is known, and its series are kept in one basis."""

    kept: Basis | None = None

    def facility(self, identity: str) -> FacilityFacts | None:
        return FACTS if identity == "mill" else None

    def now(self, programme: str) -> datetime:
        return NOW

    def basis(self, facility: str, material: str, direction: Direction) -> Basis | None:
        return self.kept


@dataclass(frozen=True)
class Anybody:
    """May send for every plant."""

    name: str = "demo"

    def may(self, facility: FacilityFacts) -> bool:
        return True


def answered(
    body: dict[str, Any], before: datetime | None
) -> tuple[Reading, ...] | SubmissionError:
    """Return what became of a body; every refusal says what to do."""
    parser = ReadingParser(CATALOGUE, Plants(), lambda _: before, Anybody())
    found: tuple[Reading, ...] | SubmissionError
    try:
        found = parser.batch(body)
    except SubmissionError as error:
        found = error
    assert isinstance(found, tuple) or found.fix
    return found


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
times = st.timedeltas(timedelta(days=-25_000), timedelta(days=70_000)).map(
    lambda away: NOW + away
) | st.timedeltas(timedelta(days=-40), timedelta(hours=1)).map(lambda ago: NOW + ago)
likely: dict[str, st.SearchStrategy[Any]] = {
    "facility": st.just("mill"),
    "material": st.sampled_from(sorted(CATALOGUE.materials)),
    "direction": st.sampled_from(["supply", "DEMAND"]),
    "quantity": st.integers(-(10**12), 10**21)
    | st.floats(allow_nan=False)
    | st.decimals(allow_nan=False).map(str),
    "unit": st.sampled_from(["TNE", "t", "kg", "GRM", "MND", "LTR", "MTQ", "KJO", "kWh", "GV"]),
    "per": st.none() | st.sampled_from(["h", "d", "min"]),
    "hours": st.none() | st.floats(0, 900) | st.integers(1, 840),
    "form": st.sampled_from(["flow", "stock", "plan"]),
    "period_start": st.none() | times.map(datetime.isoformat),
    "period_end": st.none() | times.map(datetime.isoformat),
    "document": st.none() | st.just("PO-1/10"),
    "corrects": st.none() | st.just("a reading"),
    "properties": st.none()
    | st.dictionaries(
        st.sampled_from(["loi", "moisture", "temperature", "calorific"]),
        st.floats(allow_nan=False) | st.just("7.1"),
        max_size=2,
    ),
}
readings = st.fixed_dictionaries(
    {name: likely[name] for name in ("facility", "material", "direction", "quantity", "unit")},
    optional={
        name: value
        for name, value in likely.items()
        if name not in ("facility", "material", "direction", "quantity", "unit")
    },
)


@given(readings, st.none() | times)
@case(
    {
        "facility": "mill",
        "material": "fly_ash",
        "direction": "supply",
        "quantity": 12,
        "unit": "t",
        "per": "h",
    },
    None,
)
def test_what_the_gateway_takes_balance_takes(
    sent: dict[str, Any], before: datetime | None
) -> None:
    taken = answered({"readings": [sent]}, before)
    if isinstance(taken, SubmissionError):
        assert len(taken.problems) == 1
        return
    (reading,) = taken
    event = reading.identified(1, 1)
    assert CODEC.decode(CODEC.encode(event)) == event
    verdict = judge([Arrival(0, microseconds(NOW), event)], RULES, lambda _: None)
    assert verdict.refused == {}


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), anything, max_size=6))
def test_nonsense_is_answered_in_words(sent: dict[str, Any]) -> None:
    plain = {"facility": "mill", "material": "fly_ash", "direction": "supply", "unit": "t"}
    for body in (sent, {"readings": [sent]}, {"readings": [plain | {"quantity": 1} | sent]}):
        answered(json.loads(json.dumps(body)), None)


TERMS = EnrolmentTerms(programme="p", park=None, country="CN", parks=(), source="x")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_file_or_said_to_be_none(content: bytes) -> None:
    found = parse_facility_file(content, TERMS)
    assert found.errors or found.facilities


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={name: st.text(max_size=12) | st.floats().map(str) for name in COLUMNS}
            | {"industry": st.sampled_from(["2394", "gbt:3011", "x"]), "id": st.sampled_from("ab")},
        ),
        min_size=1,
        max_size=3,
    )
)
def test_every_plant_of_a_file_can_be_enrolled_or_is_told_why_not(
    rows: list[dict[str, str]],
) -> None:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    lines = [",".join(COLUMNS), *(",".join(cell(row.get(c, "")) for c in COLUMNS) for row in rows)]
    found = parse_facility_file("\n".join(lines).encode(errors="replace"), TERMS)
    assert all(one.fix and one.row >= 1 for one in found.errors)
    for facility in found.facilities:
        assert flaw_of(facility, facility.id.encode()) is None
        assert CODEC.decode(CODEC.encode(facility)) == replace(facility)
