"""The commands of a plant as they are typed: enrol, show, publish. What they do is in modules of their own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

facility = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="One plant: what it offers, gets, and sends."
)

facilities = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Enrol plants.")

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


@facilities.command("import")
def facilities_import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="One plant a row.")],
    programme: Annotated[str, typer.Option(metavar="NAME", help="The programme they join.")],
    park: Annotated[
        str | None, typer.Option(metavar="NAME", help="Their park, where a row names none.")
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    new_programme: Annotated[
        bool, typer.Option("--new-programme", help="Begin a programme that nobody is in yet.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Enrol the plants of a file: all of them, or none while a row is wrong. The same file again changes nothing."""
    from cli.facilities_import import Request, import_facilities

    request = Request(
        file=file,
        programme=programme,
        park=park,
        steps="check" if dry_run else "enrol",
        programmes="any" if new_programme else "known",
        form="json" if as_json else "text",
    )
    raise typer.Exit(import_facilities(context.obj, request))


@facilities.command("template")
def facilities_template() -> None:
    """Print a file to start from, with two made-up plants."""
    from producers.facility_file import TEMPLATE

    sys.stdout.write(TEMPLATE)
