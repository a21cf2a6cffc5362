"""The commands on matches, transactions and alerts as they are typed; `cli.orders` sends them.

Every action takes the same options; what an action needs besides its id, its outcome says.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer

match = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Matches: list, show, accept, decline."
)
transaction = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Agreements and their deliveries."
)
alert = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, help="Alerts: list, acknowledge, snooze."
)
ON_MATCH: Mapping[str, str] = {
    "accept": "Accept a proposal for one side; the second acceptance makes an agreement.",
    "decline": "Decline a proposal; it does not come back under the same conditions.",
    "withdraw": "Take a proposal back, as the operator.",
}
ON_TRANSACTION: Mapping[str, str] = {
    "sample": "Ask for a sample.",
    "qualify": "Say that the sample meets the limits.",
    "schedule": "Plan a load.",
    "dispatch": "Say that a load has left: a scheduled one, or a new one of an agreement.",
    "weigh": "Give a load's weight.",
    "receive": "Take a load: the whole of it, or the quantity that is named.",
    "refuse": "Refuse a load.",
    "meter": "Enter what was metered over a period.",
    "complete": "Close a delivery that was received, or end an agreement.",
    "cancel": "Cancel a scheduled load or an agreement.",
    "amend": "Propose another quantity for what is signed.",
    "approve": "Approve the other side's amendment.",
    "decline": "Decline an amendment.",
}


class SideName(StrEnum):
    """For whom one answers."""

    GIVER = "giver"
    RECEIVER = "receiver"


Identity = Annotated[str, typer.Argument(metavar="ID", help="An id, or how it begins.")]
Actor = Annotated[str, typer.Option(help="Who you are, as it is recorded.")]
Programme = Annotated[str | None, typer.Option(metavar="NAME", help="Only this programme.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Command = Annotated[
    str | None,
    typer.Option("--id", metavar="UUID", help="Of the command itself, to send it once more."),
]
OPERATOR = "operator"


def _add_action(group: typer.Typer, action: str, meaning: str) -> None:
    @group.command(action, help=meaning)
    def act(
        context: typer.Context,
        identity: Identity,
        side: Annotated[
            SideName | None,
            typer.Option("--as", help="For whom you act; what both sides do themselves needs it."),
        ] = None,
        revision: Annotated[
            int | None, typer.Option(min=1, help="What you saw; left out: the present one.")
        ] = None,
        reason: Annotated[str | None, typer.Option(help="Why.")] = None,
        quantity: Annotated[
            str | None,
            typer.Option(help="Such as 60, 60t or '60000 kg'; a number alone is in trade units."),
        ] = None,
        actor: Actor = OPERATOR,
        command: Command = None,
        *,
        as_json: AsJson = False,
    ) -> None:
        from cli.orders import Order, send_order

        order = Order(
            action=action,
            command=command,
            identity=identity,
            actor=actor,
            side=None if side is None else side.value,
            revision=revision,
            reason=reason,
            quantity=quantity,
        )
        raise typer.Exit(send_order(context.obj, order, "json" if as_json else "text"))


def _add_list(group: typer.Typer, name: str, meaning: str) -> None:
    @group.command("list", help=meaning)
    def show_list(
        context: typer.Context, programme: Programme = None, *, as_json: AsJson = False
    ) -> None:
        from cli.transactions import list_documents

        shown = list_documents(context.obj, name, programme, "json" if as_json else "text")
        raise typer.Exit(shown)


_add_list(match, "matches", "List the open matches, best first.")
_add_list(transaction, "transactions", "List the transactions, newest first.")
_add_list(alert, "alerts", "List the alerts.")


@match.command("show")
def match_show(context: typer.Context, identity: Identity, *, as_json: AsJson = False) -> None:
    """Show one open match."""
    from cli.transactions import show_match

    raise typer.Exit(show_match(context.obj, identity, "json" if as_json else "text"))


@transaction.command("show")
def transaction_show(
    context: typer.Context, identity: Identity, *, as_json: AsJson = False
) -> None:
    """Show one transaction with its deliveries and what happened to it."""
    from cli.transactions import show_transaction

    raise typer.Exit(show_transaction(context.obj, identity, "json" if as_json else "text"))


for _action, _meaning in ON_MATCH.items():
    _add_action(match, _action, _meaning)
for _action, _meaning in ON_TRANSACTION.items():
    _add_action(transaction, _action, _meaning)


@alert.command("acknowledge")
def alert_acknowledge(
    context: typer.Context, identity: Identity, actor: Actor = OPERATOR, *, as_json: AsJson = False
) -> None:
    """Say that somebody looks after it; it stays until its cause is gone."""
    from cli.orders import Order, send_order

    order = Order(action="acknowledge", identity=identity, actor=actor)
    raise typer.Exit(send_order(context.obj, order, "json" if as_json else "text"))


@alert.command("snooze")
def alert_snooze(
    context: typer.Context,
    identity: Identity,
    duration: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="30m, 2h or 3d; left out: 4h.")
    ] = None,
    actor: Actor = OPERATOR,
    *,
    as_json: AsJson = False,
) -> None:
    """Be quiet about it for a while; if its cause is still there then, it is raised again."""
    from cli.orders import Order, minutes_of, send_order

    quantity = None if duration is None else str(minutes_of(duration))
    order = Order(action="snooze", identity=identity, actor=actor, quantity=quantity)
    raise typer.Exit(send_order(context.obj, order, "json" if as_json else "text"))
