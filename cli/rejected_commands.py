"""The commands on rejected records as they are typed; `cli.rejected` carries them out."""

from __future__ import annotations

from typing import Annotated

import typer

rejected = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Records that were not accepted."
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Code = Annotated[
    str | None, typer.Option("--code", help="Only this reason, such as unknown_facility.")
]


@rejected.command("list")
def rejected_list(
    context: typer.Context,
    code: Code = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """List the records that were rejected last, with their reasons."""
    from cli.rejected import list_rejected

    raise typer.Exit(list_rejected(context.obj, code, limit, "json" if as_json else "text"))


@rejected.command("show")
def rejected_show(
    context: typer.Context,
    record: Annotated[str, typer.Argument(metavar="TOPIC:PARTITION:OFFSET")],
) -> None:
    """Show one rejected record with its bytes."""
    from cli.rejected import show_rejected

    raise typer.Exit(show_rejected(context.obj, record))


@rejected.command("replay")
def rejected_replay(
    context: typer.Context,
    records: Annotated[list[str] | None, typer.Argument(metavar="TOPIC:PARTITION:OFFSET")] = None,
    code: Code = None,
) -> None:
    """Publish rejected records again, after what they were rejected for has been mended."""
    from cli.rejected import replay_rejected

    raise typer.Exit(replay_rejected(context.obj, code, records or ()))
