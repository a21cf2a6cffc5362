"""The end of `synergy up --for TIME --json`: let everything arrive, then count once."""

from __future__ import annotations

from typing import Any

from cli.stack import Stack
from cli.store_client import StoreClient, StoreError
from cli.view import view_of
from runtime.clock import Clock

SETTLE_S = 20.0
QUIET_LOOKS = 3
PERIOD_S = 0.5
ASKED_FOR = (
    "published", "applied", "rejected", "resent", "positions", "open_matches", "ledger_rows", "lag",
)  # fmt: skip
COUNTED = ("lost", "duplicated")


def reckon(stack: Stack, clock: Clock) -> dict[str, Any]:
    """Stop the replay, wait until nothing is under way, and return what the store has counted.

    What can't be had is None: a number that was not measured is not zero.
    """
    stack.stop_part("replay")
    client = StoreClient(stack.settings.store.address)
    try:
        status = _settled(client, stack, clock)
        counted = _get(client, "/api/v1/reconciliation")
    finally:
        client.close()
    both = {**status, **counted}
    return {name: both.get(name) for name in (*ASKED_FOR, *COUNTED)}


def _settled(client: StoreClient, stack: Stack, clock: Clock) -> dict[str, Any]:
    """Return the status once the lag has been zero and the ledger unchanged for a few looks in a row."""
    deadline = clock.monotonic_s() + SETTLE_S
    quiet = 0
    before: object = None
    status = _get(client, "/api/v1/status")
    while status and quiet < QUIET_LOOKS and clock.monotonic_s() < deadline:
        clock.sleep(PERIOD_S)
        stack.look()
        status = _get(client, "/api/v1/status")
        rows = status.get("ledger_rows")
        still = rows is not None and rows == before and view_of(status, {}).lag == 0
        quiet = quiet + 1 if still else 0
        before = rows
    return status


def _get(client: StoreClient, path: str) -> dict[str, Any]:
    try:
        return client.get(path)
    except StoreError:
        return {}
