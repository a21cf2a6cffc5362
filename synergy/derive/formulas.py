"""Named formulas: by-product flow from measured plant data. Pure arithmetic on floats, every factor is an argument.

The name of the function is the name that a derived reading carries in `formula`. Sources: EPA hourly data definitions,
AP-42 1.1 (ash split), molar masses; see `programmes/coefficients.csv` for each factor's source and range.

>>> round(fgd_gypsum_from_so2(6856.0, 200.0, uncontrolled=1.368, kilogram_per_pound=0.45359237,
...                           gypsum_per_so2=172.17 / 64.07), 2)
11.19
"""

from __future__ import annotations

GRAMS_PER_TONNE = 1_000_000
KILOJOULES_PER_MEGAWATT_HOUR = 3_600_000
KILOGRAMS_PER_TONNE = 1000.0


def fgd_gypsum_from_so2(
    heat_input: float,
    so2: float,
    *,
    uncontrolled: float,
    kilogram_per_pound: float,
    gypsum_per_so2: float,
) -> float:
    """Return tonnes of dry, pure CaSO4.2H2O made from the SO2 that a wet scrubber kept back; may be negative.

    `(heat_input * uncontrolled - so2)` is the SO2 removed in lb; one mole of SO2 gives one mole of gypsum.

    Args:
        heat_input: Heat input of the period, mmBtu.
        so2: SO2 at the stack in the period, lb.
        uncontrolled: SO2 without the scrubber, lb/mmBtu.
        kilogram_per_pound: 0.45359237, exact.
        gypsum_per_so2: Molar mass ratio 172.17 / 64.07, exact.
    """
    removed = heat_input * uncontrolled - so2
    return removed * kilogram_per_pound / KILOGRAMS_PER_TONNE * gypsum_per_so2


def fgd_gypsum_from_load(
    coal: float,
    *,
    sulphur_share: float,
    so2_per_sulphur: float,
    removed_share: float,
    gypsum_per_so2: float,
) -> float:
    """Return tonnes of dry, pure gypsum from the sulphur of the coal burnt.

    Args:
        coal: Coal burnt in the period, t.
        sulphur_share: Sulphur in the coal, mass fraction.
        so2_per_sulphur: Molar mass ratio 64 / 32, exact.
        removed_share: Share of the SO2 that the scrubber keeps back.
        gypsum_per_so2: Molar mass ratio 172.17 / 64.07, exact.
    """
    return coal * sulphur_share * so2_per_sulphur * removed_share * gypsum_per_so2


def coal_from_heat_input(
    heat_input: float, *, gigajoule_per_mmbtu: float, heating_value: float
) -> float:
    """Return tonnes of coal: heat input in mmBtu over the lower heating value in GJ/t."""
    return heat_input * gigajoule_per_mmbtu / heating_value


def fly_ash_from_heat_input(
    heat_input: float,
    *,
    gigajoule_per_mmbtu: float,
    heating_value: float,
    ash_share: float,
    fly_share: float,
) -> float:
    """Return tonnes of dry fly ash from the heat input of the period.

    Args:
        heat_input: mmBtu.
        gigajoule_per_mmbtu: 1.055056, exact.
        heating_value: Lower heating value of the coal, GJ/t.
        ash_share: Ash in the coal, mass fraction.
        fly_share: Share of the ash that flies: 0.8 for dry-bottom boilers, much less for cyclone boilers.
    """
    coal = coal_from_heat_input(
        heat_input, gigajoule_per_mmbtu=gigajoule_per_mmbtu, heating_value=heating_value
    )
    return coal * ash_share * fly_share


def bottom_ash_from_heat_input(
    heat_input: float,
    *,
    gigajoule_per_mmbtu: float,
    heating_value: float,
    ash_share: float,
    fly_share: float,
) -> float:
    """Return tonnes of dry bottom ash: the ash that does not fly. Arguments as in `fly_ash_from_heat_input`."""
    coal = coal_from_heat_input(
        heat_input, gigajoule_per_mmbtu=gigajoule_per_mmbtu, heating_value=heating_value
    )
    return coal * ash_share * (1.0 - fly_share)


def fly_ash_from_load(
    electricity: float, *, coal_per_mwh: float, ash_share: float, fly_share: float
) -> float:
    """Return tonnes of dry fly ash from electricity in MWh.

    Args:
        electricity: Net output of the period, MWh.
        coal_per_mwh: Coal burnt, t/MWh.
        ash_share: Ash in the coal, mass fraction.
        fly_share: Share of the ash that flies.
    """
    return electricity * coal_per_mwh * ash_share * fly_share


def bottom_ash_from_load(
    electricity: float, *, coal_per_mwh: float, ash_share: float, fly_share: float
) -> float:
    """Return tonnes of dry bottom ash from electricity in MWh. Arguments as in `fly_ash_from_load`."""
    return electricity * coal_per_mwh * ash_share * (1.0 - fly_share)


def waste_heat(heat_input: float, electricity: float, *, megawatt_hour_per_mmbtu: float) -> float:
    """Return MWh of heat that did not become electricity: an exact energy balance that includes the stack.

    Args:
        heat_input: Heat input of the period, mmBtu.
        electricity: Gross generation of the period, MWh (gross load times the share of the hour in operation).
        megawatt_hour_per_mmbtu: 0.293071, exact.
    """
    return heat_input * megawatt_hour_per_mmbtu - electricity


def slag_from_crude_steel(crude_steel: float, *, slag_per_tonne: float) -> float:
    """Return tonnes of slag from crude steel (or hot metal) of the period and t slag per t."""
    return crude_steel * slag_per_tonne


def grams(tonnes: float) -> int:
    """Return the nearest whole number of grams."""
    return round(tonnes * GRAMS_PER_TONNE)


def kilojoules(megawatt_hours: float) -> int:
    """Return the nearest whole number of kilojoules."""
    return round(megawatt_hours * KILOJOULES_PER_MEGAWATT_HOUR)
