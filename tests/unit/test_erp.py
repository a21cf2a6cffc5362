"""Plan lines of an ERP export: what is read, what is refused, and with which advice."""

from __future__ import annotations

import pytest

from producers.erp import COLUMNS, PlanFileError, PlanStream, parse_plan_lines
from schemas.events import DataKind, Form, SourceKind

HEADER = ",".join(COLUMNS)
GOOD = (
    "PLAN-1,10,1,works,mined_gypsum,DEMAND,770,TNE,"
    "2007-03-01T00:00:00-05:00,2007-03-08T00:00:00-05:00,2007-03-01T01:00:00-05:00"
)


def changed(**cells: str) -> str:
    row = dict(zip(COLUMNS, GOOD.split(","), strict=True))
    return ",".join((row | cells).values())


def test_a_plan_line_keeps_its_document_key_and_revision() -> None:
    (reading,) = parse_plan_lines([HEADER, GOOD], DataKind.ASSUMED).checked()
    assert (reading.form, reading.source_kind) == (Form.PLAN, SourceKind.ERP)
    assert (reading.document, reading.revision) == ("PLAN-1/10", 1)
    assert (reading.quantity, reading.unit) == (770_000_000, "GRM")


@pytest.mark.parametrize(
    ("quantity", "unit", "grams"),
    [("1.5", "吨", 1_500_000), ("1050000", "KGM", 1_050_000_000), ("1", "STN", 907_185)],
)
def test_quantities_become_whole_grams(quantity: str, unit: str, grams: int) -> None:
    row = changed(quantity=quantity, unit=unit)
    (reading,) = parse_plan_lines([HEADER, row], DataKind.ASSUMED).checked()
    assert reading.quantity == grams


@pytest.mark.parametrize(
    ("cells", "column", "fix"),
    [
        ({"unit": "ton"}, "unit", "TNE, STN, LTN"),
        ({"unit": "sack"}, "unit", "Rec 20"),
        ({"quantity": "1.234,5"}, "quantity", "number"),
        ({"quantity": "-1"}, "quantity", "negative"),
        ({"quantity": "NaN"}, "quantity", "negative"),
        ({"direction": "OUT"}, "direction", "SUPPLY"),
        ({"revision": "0"}, "revision", "from 1"),
        ({"document": ""}, "document", "fill it in"),
        ({"period_end": "2007-02-01T00:00:00-05:00"}, "period_end", "after"),
        ({"changed_at": "2007-03-01T01:00:00"}, "changed_at", "offset"),
        ({"period_start": "01/03/2007"}, "period_start", "ISO 8601"),
    ],
)
def test_a_bad_row_is_reported_with_its_fix_and_the_others_still_count(
    cells: dict[str, str], column: str, fix: str
) -> None:
    file = parse_plan_lines(
        [HEADER, changed(**cells) if "1.234,5" not in cells.values() else quoted(cells), GOOD],
        DataKind.ASSUMED,
    )
    (error,) = file.errors
    assert (error.row, error.column) == (2, column)
    assert fix in error.fix
    assert len(file.readings) == 1
    with pytest.raises(PlanFileError):
        file.checked()


def quoted(cells: dict[str, str]) -> str:
    return changed(**{name: f'"{value}"' for name, value in cells.items()})


def test_a_file_without_a_needed_column_is_refused_as_a_whole() -> None:
    file = parse_plan_lines(["document,line", "a,1"], DataKind.ASSUMED)
    assert [error.row for error in file.errors] == [1]
    assert "facility" in file.errors[0].fix


def test_a_revision_is_played_when_it_was_written() -> None:
    later = changed(revision="2", quantity="900", changed_at="2007-03-05T09:00:00-05:00")
    stream = PlanStream(parse_plan_lines([HEADER, later, GOOD], DataKind.ASSUMED).checked())
    (first, second) = parse_plan_lines([HEADER, later, GOOD], DataKind.ASSUMED).readings
    assert [first.revision, second.revision] == [1, 2]
    between = stream.readings(first.observed_at, second.observed_at)
    assert [reading.quantity for reading in between] == [900_000_000]
