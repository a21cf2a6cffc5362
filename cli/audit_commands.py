"""`synergy audit` as it is typed; `cli.audit` asks the store and prints."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

audit = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Named questions to the ledger, through the store: read-only, while everything runs.",
)


class FormName(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


@audit.command("list")
def audit_list(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List the named queries with what they tell and what they take."""
    from cli.audit import list_queries

    raise typer.Exit(list_queries(context.obj, "json" if as_json else "text"))


@audit.command("query")
def audit_query(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="One of `synergy audit list`.")],
    programme: Annotated[str | None, typer.Option(help="Only this programme.")] = None,
    park: Annotated[str | None, typer.Option(help="Only this industrial park.")] = None,
    facility: Annotated[str | None, typer.Option(help="Only this facility, by its id.")] = None,
    material: Annotated[str | None, typer.Option(help="Only this material: id or name.")] = None,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="From this day or month on.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help="Until before this day or month.")
    ] = None,
    transaction: Annotated[
        str | None, typer.Option(metavar="ID", help="Agreement or delivery, or how its id begins.")
    ] = None,
    match: Annotated[
        str | None, typer.Option(metavar="ID", help="Match, or how its id begins.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="What was known then: 2026-05-01T12:00Z; left out: now."),
    ] = None,
    utc_offset: Annotated[
        str | None,
        typer.Option(metavar="HOURS", help="Of the months; left out: the plant's local time."),
    ] = None,
    form: Annotated[FormName, typer.Option("--format", help="How to print it.")] = FormName.TABLE,
) -> None:
    """Ask one named query. A filter that it does not take is refused."""
    from cli.audit import ask_query

    given = {"programme": programme, "park": park, "facility": facility, "material": material}
    given |= {"from": begin, "to": end, "at": at, "utc_offset": utc_offset}
    given |= {"transaction": transaction, "match": match}
    filters = {key: value for key, value in given.items() if value is not None}
    raise typer.Exit(ask_query(context.obj, name, filters, form.value))
