"""Takes the frozen picture of one market that a solve works on."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from typing import Final

from schemas.events import Direction, FacilityFacts, Match, Reason
from synergy.catalogue import Catalogue
from synergy.lifecycle.match_states import CLOSED
from synergy.market.policy import Policy
from synergy.market.programme import Programme
from synergy.market.reasons import Code
from synergy.market.series import Held, Offer, Series, Snapshot, offered
from synergy.market.transaction_commands import holds_flow

OUT_OF_CHAPTER: Final = "no_data_in_chapter"


def silence(
    held: Held, facts: FacilityFacts | None, catalogue: Catalogue, time: datetime
) -> Reason | None:
    """Return why a series gives or takes nothing at a time, or None when it does."""
    position = held.position
    subject = position.facility
    if facts is None:
        return Reason(code=Code.FACILITY_UNKNOWN, subject=subject)
    if facts.valid_from > time or (facts.valid_to is not None and facts.valid_to <= time):
        return Reason(code=Code.NOT_OPERATING, subject=subject)
    if OUT_OF_CHAPTER in position.flags:
        return Reason(code=Code.NO_DATA_IN_CHAPTER, subject=subject)
    if position.stale:
        return Reason(code=Code.STALE, subject=subject)
    material = catalogue.materials.get(position.material)
    if material is None:
        return Reason(code=Code.NO_USE_KNOWN, subject=position.material)
    if material.base_unit != position.unit:
        return Reason(code=Code.UNIT_DIFFERS, subject=material.id, unit=position.unit)
    if offered(position) == 0:
        return Reason(code=Code.NOTHING_OFFERED, subject=subject)
    return None


def in_market(match: Match, market: str, catalogue: Catalogue) -> bool:
    """Whether a match belongs to a market of the present catalogue."""
    return catalogue.market_of(match.material) == market


def take_picture(
    programme: Programme, market: str, catalogue: Catalogue, policy: Policy
) -> Snapshot | None:
    """Return the picture of one market, or None while the programme's time is unknown."""
    time = programme.head.time
    if time is None:
        return None
    offers: dict[Direction, list[Offer]] = {Direction.SUPPLY: [], Direction.DEMAND: []}
    silent: dict[Series, Reason] = {}
    for series in sorted(programme.positions):
        if catalogue.market_of(series.material) != market:
            continue
        held, facts = programme.positions[series], programme.facts.get(series.facility)
        reason = silence(held, facts, catalogue, time)
        if reason is not None:
            silent[series] = reason
        elif facts is not None:
            offers[series.direction].append(_offer(series, held, facts))
    return Snapshot(
        programme=programme.name,
        market=market,
        token=programme.tokens.get(market, 0),
        version=programme.versions.get(market, 0),
        time=time,
        supplies=tuple(offers[Direction.SUPPLY]),
        needs=tuple(offers[Direction.DEMAND]),
        silent=MappingProxyType(silent),
        matches=_matches(programme, market, catalogue),
        pairs=MappingProxyType(
            {
                pair: memory
                for pair, memory in programme.pairs.items()
                if catalogue.market_of(pair.material) == market
            }
        ),
        unmatched=MappingProxyType(
            {
                series: statement
                for series, statement in programme.unmatched.items()
                if catalogue.market_of(series.material) == market
            }
        ),
        policy=policy,
    )


def _matches(programme: Programme, market: str, catalogue: Catalogue) -> tuple[Match, ...]:
    """Return the matches that are proposed or hold flow, by id."""
    found = [
        match
        for match in programme.matches.values()
        if match.state not in CLOSED and holds_flow(programme, match)
        if in_market(match, market, catalogue)
    ]
    return tuple(sorted(found, key=lambda match: match.id))


def _offer(series: Series, held: Held, facts: FacilityFacts) -> Offer:
    quantity = offered(held.position)
    return Offer(
        series=series,
        facts=facts,
        position=held.position,
        at=held.at,
        quantity=quantity,
        firm=min(max(held.position.firm_per_day, 0), quantity),
    )
