"""What the programmes publish is what the catalogue knows: materials, units, properties, uses."""

from __future__ import annotations

import pytest

from producers.programmes import Programme
from producers.reading import Reading
from schemas.events import Direction
from synergy.catalogue.catalogue import Catalogue
from synergy.catalogue.loader import load_catalogue


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def readings(
    tour: list[Reading], mitchell_chapter: list[Reading], pilot: list[Reading]
) -> list[Reading]:
    return tour + mitchell_chapter + pilot


@pytest.fixture(scope="module")
def industries(ohio: Programme, hebei: Programme) -> dict[str, str]:
    return {one.id: one.industry for one in ohio.facilities + hebei.facilities}


def test_every_quantity_is_in_the_base_unit_of_its_material(
    readings: list[Reading], catalogue: Catalogue
) -> None:
    for material, unit in {(one.material, one.unit) for one in readings}:
        assert catalogue.materials[material].base_unit == unit


def test_no_reading_is_absurd(readings: list[Reading], catalogue: Catalogue) -> None:
    for one in readings:
        most = catalogue.materials[one.material].max_per_day
        days = (one.period_end - one.period_start).total_seconds() / 86_400
        assert 0 <= one.quantity <= most * max(days, 1.0)


def test_every_property_is_in_the_unit_of_the_catalogue(
    readings: list[Reading], catalogue: Catalogue
) -> None:
    found = {(p.name, p.unit) for one in readings for p in one.properties}
    assert len(found) >= 6
    for name, unit in found:
        assert catalogue.properties[name].unit == unit


def test_every_supply_has_a_use_that_its_industry_may_give(
    readings: list[Reading], catalogue: Catalogue, industries: dict[str, str]
) -> None:
    supplies = {(r.facility, r.material) for r in readings if r.direction is Direction.SUPPLY}
    for facility, material in supplies:
        givers = {giver for use in catalogue.uses_of(material) for giver in use.givers}
        assert industries[facility] in givers, (facility, material)


def test_every_need_can_be_served_by_a_by_product_that_the_programme_offers(
    catalogue: Catalogue, industries: dict[str, str], readings: list[Reading]
) -> None:
    offered = {r.material for r in readings if r.direction is Direction.SUPPLY}
    needs = {(r.facility, r.material) for r in readings if r.direction is Direction.DEMAND}
    assert len(needs) > 25
    for facility, need in needs:
        served = [
            use.id
            for use in catalogue.uses_for(need)
            if industries[facility] in use.receivers and use.material in offered
        ]
        assert served, (facility, need)
