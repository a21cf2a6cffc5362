"""`synergy worker`: one process of one stage."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from runtime.process_memory import give_memory_back

worker = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Run one stage of processing."
)
Rebuild = Annotated[
    bool,
    typer.Option("--rebuild", help="Make the state anew, whatever the changelog holds."),
]


def _run_worker(
    context: typer.Context, stage: Literal["balance", "market"], *, rebuild: bool
) -> None:
    give_memory_back()
    from cli.run_worker import run_worker

    run_worker(context.obj, stage, rebuild=rebuild)


@worker.command("balance")
def worker_balance(context: typer.Context, *, rebuild: Rebuild = False) -> None:
    """Keep the rolling positions: the stage that is partitioned by facility."""
    _run_worker(context, "balance", rebuild=rebuild)


@worker.command("market")
def worker_market(context: typer.Context, *, rebuild: Rebuild = False) -> None:
    """Propose matches and keep their lifecycle: the stage that is partitioned by programme."""
    _run_worker(context, "market", rebuild=rebuild)
