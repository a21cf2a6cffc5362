"""What the scripted actors see of the store's documents."""

from __future__ import annotations

from cli.run_actors import seen_in
from producers.actors import Proposal
from schemas.events import MatchState


def proposal(name: str, giver: str, receiver: str) -> dict[str, object]:
    return {
        "id": name,
        "revision": 3,
        "state": "PROPOSED",
        "giver_id": giver,
        "receiver_id": receiver,
    }


def test_the_plants_of_a_visitor_are_left_to_the_visitor() -> None:
    matches = {
        "matches": [
            proposal("theirs", "shipped_giver", "shipped_receiver"),
            proposal("gives", "visitor", "shipped_receiver"),
            proposal("takes", "shipped_giver", "visitor"),
        ]
    }
    seen = seen_in(
        matches,
        {"transactions": []},
        {"declined_reasons": {}},
        frozenset({"shipped_giver", "shipped_receiver"}),
    )
    assert seen.proposals == (Proposal("theirs", 3, MatchState.PROPOSED),)
