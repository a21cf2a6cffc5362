"""From what a plant sends to readings in base units: a batch is taken whole, or told what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, cast

from producers.flow_ends import SeriesName
from producers.gateway import fields
from producers.gateway.fields import Sent
from producers.gateway.known import KnownPlants, Sender
from producers.gateway.periods import Period, period_of
from producers.gateway.problems import Cause, FieldError, ReadingProblem, SubmissionError
from producers.gateway.quantities import amount_of, checked_amount, properties_of
from producers.reading import Reading
from schemas.events import (
    Basis,
    DataKind,
    Direction,
    FacilityFacts,
    Form,
    Quality,
    SourceKind,
)
from synergy.catalogue import Catalogue, Material

MOST_READINGS: Final = 1_000
FIELDS: Final = (
    *("facility", "material", "direction", "quantity", "unit", "per", "hours"),
    *("period_start", "period_end", "form", "properties", "basis", "source"),
    *("source_kind", "data_kind", "quality", "formula", "document", "revision", "corrects"),
)
_SOME: Final = timedelta(hours=1)
KIND_OF: Final[Mapping[SourceKind, DataKind]] = {
    SourceKind.METER: DataKind.MEASURED,
    SourceKind.ERP: DataKind.ESTIMATED,
    SourceKind.MANUAL: DataKind.ASSUMED,
    SourceKind.REPLAY: DataKind.SIMULATED,
}
"""What a number is where the plant does not say: a meter measures, a person assumes."""


@dataclass(frozen=True, slots=True)
class ReadingParser:
    """Reads batches.

    `known` is what the store has seen, `ended` where the flows end that were sent before; `sender` names the source and
    limits the facilities.
    """

    catalogue: Catalogue
    known: KnownPlants
    ended: Callable[[SeriesName], datetime | None]
    sender: Sender

    def batch(self, body: Mapping[str, object]) -> tuple[Reading, ...]:
        """Return the readings of a request.

        Raises:
            SubmissionError: nothing of it can be taken; it has every problem found.
        """
        sent = _sent_readings(body)
        readings: list[Reading] = []
        problems: list[ReadingProblem] = []
        forbidden: list[ReadingProblem] = []
        ends: dict[SeriesName, datetime] = {}
        for index, one in enumerate(sent):
            try:
                readings.append(self._reading(one, ends))
            except _ForbiddenError as error:
                forbidden.append(error.at(index))
            except FieldError as error:
                problems.append(error.at(index))
        if forbidden or problems:
            raise _refusal(forbidden, problems)
        return tuple(readings)

    def _reading(self, sent: object, ends: dict[SeriesName, datetime]) -> Reading:
        """Return one reading; `ends` are those of the batch so far, and get its own."""
        one = _object(sent)
        facility = self._facility(one)
        material = self._material(one)
        direction, source = _direction(one), self._source(one)
        form = fields.choice(one, "form", Form, Form.FLOW)
        now = self.known.now(facility.programme)
        series = (source, facility.facility, material.id, direction.value)
        known = [end for end in (ends.get(series), self.ended(series)) if end is not None]
        name = _Name(facility.facility, material, direction, source, form)
        try:
            period = period_of(one, form, now, max(known, default=None))
        except FieldError:
            self._rest(one, name, Period(now - _SOME, now), now)  # what else is wrong is said first
            raise
        reading = self._rest(one, name, period, now)
        if form is Form.FLOW and reading.corrects is None:
            ends[series] = max([period.end, *known])
        return reading

    def _rest(self, one: Sent, name: _Name, period: Period, now: datetime) -> Reading:
        """Return the reading of a series and period."""
        material, form = name.material, name.form
        corrects = fields.text(one, "corrects")
        amount = amount_of(one, material, period.length)
        kept = self.known.basis(name.facility, material.id, name.direction)
        source_kind = fields.choice(one, "source_kind", SourceKind, SourceKind.METER)
        properties = properties_of(one, material, self.catalogue, now)
        moisture = next((p.value / 100 for p in properties if p.name == "moisture"), None)
        return Reading(
            source=name.source,
            facility=name.facility,
            material=material.id,
            direction=name.direction,
            form=form,
            source_kind=source_kind,
            quantity=checked_amount(amount, material, form, period.length, corrects),
            unit=material.base_unit,
            period_start=period.start,
            period_end=period.end,
            observed_at=now if form is Form.PLAN else period.end,
            quality=fields.choice(one, "quality", Quality, Quality.GOOD),
            data_kind=fields.choice(one, "data_kind", DataKind, KIND_OF[source_kind]),
            basis=_basis(one, material, amount.basis, kept),
            moisture=moisture if material.base_unit == "GRM" else None,
            formula=fields.text(one, "formula"),
            document=_document(one, form),
            revision=fields.revision(one) if form is Form.PLAN else None,
            corrects=corrects,
            properties=properties,
        )

    def _source(self, sent: Sent) -> str:
        named = fields.text(sent, "source")
        return f"rest/{self.sender.name}{f'/{named}' if named else ''}"

    def _facility(self, sent: Sent) -> FacilityFacts:
        name = fields.needed(sent, "facility", "my_mill")
        facts = self.known.facility(name)
        if facts is None:
            fix = "Enrol it with `synergy facilities import`; /api/v1/facilities lists all."
            raise FieldError("facility", name, "no such facility is enrolled", fix)
        if not self.sender.may(facts):
            raise _ForbiddenError(name, self.sender.name)
        return facts

    def _material(self, sent: Sent) -> Material:
        name = fields.needed(sent, "material", "fly_ash")
        material = self.catalogue.resolve(name)
        if material is None:
            fix = self.catalogue.names_like(name)
            raise FieldError("material", name, "it is not in the catalogue", fix)
        return material


class _Name(NamedTuple):
    """What a reading is of."""

    facility: str
    material: Material
    direction: Direction
    source: str
    form: Form


class _ForbiddenError(FieldError):
    """The token is good, and not for this facility."""

    def __init__(self, facility: str, sender: str) -> None:
        detail = f"token {sender!r} is not for it"
        super().__init__("facility", facility, detail, "Use the token of this facility.")


def _sent_readings(body: Mapping[str, object]) -> Sequence[object]:
    sent = body.get("readings")
    unknown = sorted(body.keys() - {"readings"})
    if unknown or not isinstance(sent, list) or not sent:
        field = unknown[0] if unknown else "readings"
        raise SubmissionError(
            Cause.INVALID,
            field,
            "there is no such field" if unknown else "there is no list of readings",
            'Send {"readings": [{"facility": ..., "material": ..., ...}]}.',
        )
    readings = cast("list[object]", sent)
    if len(readings) > MOST_READINGS:
        raise SubmissionError(
            Cause.TOO_MANY,
            "readings",
            f"there are {len(readings):,}",
            f"Send at most {MOST_READINGS:,} at once, each batch under a key of its own.",
        )
    return readings


def _object(sent: object) -> Sent:
    if not isinstance(sent, dict):
        raise FieldError("readings", sent, "it is no object", "Send an object a reading.")
    one = cast("Sent", sent)
    unknown = sorted(str(name) for name in one.keys() - set(FIELDS))
    if unknown:
        fix = f"A reading has {', '.join(FIELDS)}."
        raise FieldError(unknown[0], one[unknown[0]], "there is no such field", fix)
    return one


def _refusal(
    forbidden: Sequence[ReadingProblem], problems: Sequence[ReadingProblem]
) -> SubmissionError:
    first = (*forbidden, *problems)[0]
    cause = Cause.FORBIDDEN if forbidden else Cause.INVALID
    found = tuple(sorted((*forbidden, *problems), key=lambda one: one.index))
    detail = f"reading {first.index}: {first.detail}"
    return SubmissionError(cause, first.field, detail, first.fix, found)


def _direction(sent: Sent) -> Direction:
    if sent.get("direction") is None:
        raise FieldError("direction", None, "it is missing", "Send supply or demand.")
    return fields.choice(sent, "direction", Direction, Direction.SUPPLY)


def _basis(sent: Sent, material: Material, of_unit: Basis | None, kept: Basis | None) -> Basis:
    """Return the basis of a mass: as sent, of the unit, as the series is kept, or as received."""
    if material.base_unit != "GRM":
        return Basis.NOT_APPLICABLE
    usual = of_unit or kept or Basis.AS_RECEIVED
    basis = fields.choice(sent, "basis", Basis, usual)
    if of_unit is not None and basis is not of_unit:
        detail = f"the unit is of the basis {of_unit.lower()}"
        raise FieldError("basis", basis.lower(), detail, "Leave the basis out, or send TNE.")
    if basis is Basis.NOT_APPLICABLE or kept not in (None, basis):
        expected = (kept or Basis.AS_RECEIVED).lower()
        detail = f"this series is kept {expected}, and the two are never added"
        raise FieldError("basis", basis.lower(), detail, f"Convert the quantity to {expected}.")
    return basis


def _document(sent: Sent, form: Form) -> str | None:
    document = fields.text(sent, "document")
    if form is Form.PLAN and document is None:
        fix = "Send the document and line of the plan, such as PO-4711/10: a revision replaces it."
        raise FieldError("document", None, "it is missing", fix)
    return document
