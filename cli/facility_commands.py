"""The commands of a plant as they are typed: enrol, show, publish. What they do is in modules of their own."""

from __future__ import annotations

from typing import Annotated

import typer

facility = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="One plant: what it offers, gets, and sends."
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@facility.command("show")
def facility_show(
    context: typer.Context,
    identity: Annotated[str, typer.Argument(metavar="ID", help="Its id.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show its positions, matches, transactions, suggestions, and how its data are."""
    from cli.facility_show import show_facility

    raise typer.Exit(show_facility(context.obj, identity, "json" if as_json else "text"))
