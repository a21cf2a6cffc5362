"""The commands of the catalogue as they are typed; what they do is in `cli.materials`."""

from __future__ import annotations

from typing import Annotated

import typer

knowledge = typer.Typer(rich_markup_mode=None)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@knowledge.command("materials")
def materials(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="An id or a name, such as fly_ash or 粉煤灰."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the materials, or show what is known of one: codes, properties, uses and their limits."""
    from cli.materials import show_materials

    raise typer.Exit(show_materials(name, "json" if as_json else "text"))


@knowledge.command("industries")
def industries(
    code: Annotated[
        str | None, typer.Argument(metavar="CODE", help="An ISIC or NACE class, such as 3510.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the industries, or show what plants of one could give and take."""
    from cli.materials import show_industries

    raise typer.Exit(show_industries(code, "json" if as_json else "text"))
