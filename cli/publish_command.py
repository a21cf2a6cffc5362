"""`synergy publish` as it is typed; `cli.publish` does it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

import typer


class BasisName(StrEnum):
    """The basis of a mass."""

    DRY = "dry"
    AS_RECEIVED = "as_received"


Text: TypeAlias = str | None
Facility = Annotated[str, typer.Option(metavar="ID", help="Your plant.")]
Material = Annotated[str, typer.Option(metavar="NAME", help="Its id or name.")]
Supply = Annotated[Text, typer.Option(metavar="AMOUNT", help="What it gives, such as '12 t/h'.")]
Demand = Annotated[Text, typer.Option(metavar="AMOUNT", help="What it needs: '300 t/day'.")]
Loi = Annotated[Text, typer.Option(metavar="SHARE", help="Loss on ignition, such as 7.1%.")]
Moisture = Annotated[Text, typer.Option(metavar="SHARE", help="Moisture, such as 0.5%.")]
So3 = Annotated[Text, typer.Option(metavar="SHARE", help="Sulphur trioxide, such as 1.2%.")]
Analysis = Annotated[
    list[str] | None,
    typer.Option("--property", metavar="NAME=VALUE", help="Any other analysis; repeatable."),
]
Period = Annotated[
    Text,
    typer.Option(
        metavar="TIME",
        help="Up to the programme's time; left out: since your last reading, at most 24h.",
    ),
]
Duration = Annotated[
    Text, typer.Option("--for", metavar="TIME", help="Go on like a meter for 60s, 5m or 1h.")
]
BasisOption = Annotated[BasisName | None, typer.Option(help="Of a mass; left out: as before.")]
Programme = Annotated[
    Text, typer.Option(metavar="NAME", help="Refuse when the plant is in another one.")
]
Key = Annotated[Text, typer.Option(help="Of this request: the same key again adds nothing.")]
Wait = Annotated[float, typer.Option(min=0.0, max=60.0, help="Seconds to follow it.")]
Measured = Annotated[bool, typer.Option("--measured", help="By a meter; left out: you assume it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

publishing = typer.Typer(rich_markup_mode=None)


@publishing.command("publish")
def publish(
    context: typer.Context,
    facility: Facility,
    material: Material,
    supply: Supply = None,
    demand: Demand = None,
    loi: Loi = None,
    moisture: Moisture = None,
    so3: So3 = None,
    analysis: Analysis = None,
    period: Period = None,
    duration: Duration = None,
    basis: BasisOption = None,
    programme: Programme = None,
    key: Key = None,
    wait: Wait = 5.0,
    *,
    measured: Measured = False,
    as_json: AsJson = False,
) -> None:
    """Publish what a plant has or needs, and say what comes of it.

    Exit status: 0 matched, 1 refused or rejected, 3 not matched and told why, 4 nothing known in time.
    """
    from cli.publish import Request, publish

    request = Request(
        facility=facility,
        material=material,
        amount=_amount(supply, demand),
        period=period,
        duration=duration,
        properties=_properties({"loi": loi, "moisture": moisture, "so3": so3}, analysis or []),
        source_kind="meter" if measured else "manual",
        basis=None if basis is None else basis.value,
        programme=programme,
        key=key,
        wait_s=wait,
        form="json" if as_json else "text",
    )
    raise typer.Exit(publish(context.obj, request))


def _amount(supply: str | None, demand: str | None) -> tuple[str, str]:
    """Return direction and amount."""
    if supply is not None and demand is None:
        return "supply", supply
    if demand is not None and supply is None:
        return "demand", demand
    raise typer.BadParameter("give one of --supply and --demand", param_hint="--supply")


def _properties(named: dict[str, str | None], others: list[str]) -> dict[str, str]:
    properties = {name: value for name, value in named.items() if value is not None}
    for text in others:
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--property")
        properties[name.strip()] = value
    return properties
