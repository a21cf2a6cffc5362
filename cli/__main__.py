"""The command line. Each command imports what it needs when it runs: `--help` answers at once.

Exit status: 0 done; 1 failed, or a check found a problem; 2 the command was typed wrongly.
"""

from __future__ import annotations

import sys
from typing import Annotated, Literal, NoReturn

import typer

from cli.audit_commands import audit
from cli.facility_commands import facilities, facility
from cli.knowledge_commands import knowledge
from cli.lifecycle_commands import alert, match, transaction
from cli.publish_command import publishing
from cli.rejected_commands import rejected
from cli.worker_commands import worker

OUR_PACKAGES = frozenset(
    {"schemas", "synergy", "runtime", "producers", "stream_processors", "sinks", "console", "cli"}
)

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Industrial by-product exchange on live data.",
)
topics = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Topics of the cluster.")
schemas = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Schemas and their versions."
)
verify = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Recompute what was published."
)
config = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Settings.")
app.add_typer(topics, name="topics")
app.add_typer(rejected, name="rejected")
app.add_typer(schemas, name="schemas")
app.add_typer(worker, name="worker")
app.add_typer(config, name="config")
app.add_typer(verify, name="verify")
app.add_typer(match, name="match")
app.add_typer(transaction, name="transaction")
app.add_typer(alert, name="alert")
app.add_typer(publishing)
app.add_typer(facilities, name="facilities")
app.add_typer(facility, name="facility")
app.add_typer(audit, name="audit")
app.add_typer(knowledge)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.callback()
def root(
    context: typer.Context,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", metavar="NAME=VALUE", help="A setting, such as logs.level=debug."
        ),
    ] = None,
) -> None:
    """Industrial by-product exchange on live data."""
    flags: dict[str, object] = {}
    for text in settings or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--set")
        flags[name] = value
    context.obj = flags


@app.command()
def up(
    context: typer.Context,
    duration: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="Stop after 60s, 5m or 1h.")
    ] = None,
    speed: Annotated[
        float | None, typer.Option(help="Seconds of event time per second of the replay.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A process not to start; repeatable.")
    ] = None,
    *,
    no_actors: Annotated[
        bool, typer.Option("--no-actors", help="Leave every match to you: no scripted actors.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start everything on this machine and show it live; Ctrl-C stops it, the data stay."""
    from cli.up import Request, seconds_of, up

    flags = {**context.obj, "replay.speed": speed}
    request = Request(
        flags=flags,
        seconds=seconds_of(duration) if duration else None,
        without=frozenset({*(without or ()), *(("actors",) if no_actors else ())}),
        output="json" if as_json else "screen",
    )
    raise typer.Exit(up(request))


@app.command()
def doctor(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Check versions, disk, ports, Kafka, registry, topics and store; say what to do."""
    from cli.doctor import doctor

    raise typer.Exit(doctor(context.obj, "json" if as_json else "text"))


@config.command("show")
def config_show(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Print every setting with its value and origin; secrets are hidden."""
    from cli.config import show

    show(context.obj, "json" if as_json else "text")


@topics.command("show")
def topics_show(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Compare the cluster's topics with the topic files; status 1 when they differ."""
    from cli.topics import show

    raise typer.Exit(show(context.obj, "json" if as_json else "text"))


@topics.command("apply")
def topics_apply(context: typer.Context) -> None:
    """Create missing topics and set what differs; never deletes, never changes partitions."""
    from cli.topics import apply

    raise typer.Exit(apply(context.obj))


@schemas.command("check")
def schemas_check(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Compare the schema files with their published versions and the registry; status 1 on a finding."""
    from cli.schemas import check

    raise typer.Exit(check(context.obj, "json" if as_json else "text"))


@schemas.command("lock")
def schemas_lock() -> None:
    """Publish the schema files' present versions: write them into the lock file."""
    from cli.schemas import lock

    raise typer.Exit(lock())


@app.command()
def replay(
    context: typer.Context,
    programme: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A programme to play; repeatable; default: all."),
    ] = None,
    speed: Annotated[float | None, typer.Option(help="Seconds of event time per second.")] = None,
) -> None:
    """Play the programmes' recorded data, each on its own time, from where it stopped."""
    from cli.run_replay import run_replay

    run_replay({**context.obj, "replay.speed": speed}, frozenset(programme or ()))


@app.command()
def actors(context: typer.Context) -> None:
    """Play the scripted actors of the demonstration: loads, a part delivery, a declined match."""
    from cli.run_actors import run_actors

    run_actors(context.obj)


@app.command()
def prepare(context: typer.Context) -> None:
    """Create the topics and register the schemas on a cluster; `up` does it by itself."""
    from cli.prepare import run_prepare

    run_prepare(context.obj)


@app.command()
def registry(context: typer.Context) -> None:
    """Serve the embedded schema registry on the port of registry.url."""
    from cli.run_registry import run_registry

    run_registry(context.obj)


@app.command()
def store(
    context: typer.Context,
    *,
    accept_gap: Annotated[
        bool, typer.Option("--accept-gap", help="Go on behind records that Kafka no longer has.")
    ] = False,
    accept_new_topic: Annotated[
        bool,
        typer.Option("--accept-new-topic", help="Keep a topic that was made again from its start."),
    ] = False,
    resume_from_table: Annotated[
        bool, typer.Option("--resume-from-table", help="Read again what the tables lack.")
    ] = False,
) -> None:
    """Keep the ledger and serve REST: the one process that owns the embedded ledger."""
    from cli.run_store import run
    from sinks.ledger_opening import Permissions

    permissions = Permissions(
        accept_gap=accept_gap,
        accept_new_topic=accept_new_topic,
        resume_from_table=resume_from_table,
    )
    raise typer.Exit(run(context.obj, permissions))


@app.command()
def status(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Print how far everything is: positions, matches, lag, ledger, each programme's time."""
    from cli.questions import status

    raise typer.Exit(status(context.obj, "json" if as_json else "text"))


@app.command()
def sql(
    context: typer.Context,
    statement: Annotated[str, typer.Argument(help="One statement that only reads.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Ask the ledger one read-only question, through the store."""
    from cli.questions import sql

    raise typer.Exit(sql(context.obj, statement, "json" if as_json else "text"))


@verify.command("positions")
def verify_positions(
    context: typer.Context,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="What was known then; default: now.")
    ] = None,
    facility: Annotated[str | None, typer.Option(help="Only of this facility.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Recompute positions from the ledger's readings; status 1 when one differs."""
    from cli.verify import verify_positions

    form: Literal["text", "json"] = "json" if as_json else "text"
    raise typer.Exit(verify_positions(context.obj, at, facility, form))


def main() -> NoReturn:
    """Run the command line. An error that our code raised on purpose is a sentence, not a traceback."""
    try:
        app()
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in OUR_PACKAGES:
            raise
        sys.stderr.write(f"synergy: {error}\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
