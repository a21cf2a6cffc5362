"""One market, one programme or one command must not keep the others of a partition from being served."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest

from schemas.events import (
    Alert,
    AlertState,
    Command,
    FacilityFacts,
    Match,
    Position,
    ReplayState,
    Side,
    Tick,
)
from synergy.alerts import RuleName
from synergy.catalogue import Catalogue
from synergy.catalogue.catalogue import index_of
from synergy.catalogue.components import markets
from synergy.market import Code, FailedSolve, MarketState
from synergy.market.propose import SolveResult, solve_market
from synergy.market.series import Snapshot
from tests.market.plants import (
    CATALOGUE,
    GOOD_ASH,
    MARCH,
    MIX,
    POLICY,
    POWER,
    Market,
    facts,
    matches,
    need,
    only,
    started,
    supply,
)
from tests.market.values import BLOCKS, CODEC
from tests.unit.test_alerts import alerts

ASH = supply("power", "fly_ash", 100, properties=GOOD_ASH)
CEMENT = need("mix", "portland_cement", 800)
GYPSUM = (
    facts("g", "3510", (39.80, -80.70)),
    facts("w", "2395", (39.80, -80.70)),
    supply("g", "fgd_gypsum", 200),
    need("w", "mined_gypsum", 300),
)


def order(number: int, match: Match, **changes: Any) -> Command:
    plain = Command(
        id=UUID(int=number),
        programme="ohio",
        action="accept",
        subject=str(match.id),
        revision=match.revision,
        side=Side.GIVER,
        actor="ann",
        sent_at=MARCH,
    )
    return replace(plain, **changes)


def elsewhere(*inputs: FacilityFacts | Position) -> list[FacilityFacts | Position]:
    return [replace(one, programme="other") for one in inputs]


def test_programmes_take_turns() -> None:
    market = started(POWER, MIX, ASH, CEMENT)
    market.solve()
    running = Tick(programme="other", time=MARCH, state=ReplayState.RUNNING, speed=60.0)
    market.state.apply_tick(running)
    market.feed(*elsewhere(POWER, MIX, ASH, CEMENT))
    market.feed(supply("power", "fly_ash", 150, properties=GOOD_ASH))
    for tonnes in (120, 180):
        job = market.state.job()
        assert job is not None
        market.feed(supply("power", "fly_ash", tonnes, properties=GOOD_ASH))  # while it runs
        market.state.absorb(job())
    assert {one.programme for one in matches(market.take())} == {"ohio", "other"}


def test_a_market_that_people_change_while_it_is_solved_lets_the_next_one_pass() -> None:
    plants = [facts(f"p{number}", "3510", (39.90, -80.80)) for number in range(3)]
    ashes = [supply(f"p{number}", "fly_ash", 20, properties=GOOD_ASH) for number in range(3)]
    market = started(*plants, MIX, *ashes, CEMENT)
    market.solve()
    proposals = market.open()
    market.feed(supply("p0", "fly_ash", 30, properties=GOOD_ASH), *GYPSUM)
    for number, match in enumerate(proposals[:2]):
        job = market.state.job()
        assert job is not None
        market.state.apply_command(order(number, match), market.at("synergy.commands.v1"))
        market.state.absorb(job())
    assert "fgd_gypsum" in {one.material for one in market.state.matches("ohio")}


def test_a_market_that_cannot_be_solved_is_told_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    market = started(POWER, MIX, ASH, CEMENT, *GYPSUM)

    def broken(snapshot: Snapshot, catalogue: Catalogue) -> SolveResult:
        if snapshot.market == CATALOGUE.market_of("fly_ash"):
            raise ZeroDivisionError("no way")
        return solve_market(snapshot, catalogue)

    monkeypatch.setattr("synergy.market.propose.solve_market", broken)
    events = market.solve()
    assert {one.material for one in matches(events)} == {"fgd_gypsum"}
    [failed] = [one for one in events if isinstance(one, Alert) and one.rule == "solve_failed"]
    assert failed.reasons[0].text == "ZeroDivisionError: no way"
    market.feed(supply("power", "fly_ash", 150, properties=GOOD_ASH))
    assert alerts(market.solve()) == [], "the same cause is told once"
    monkeypatch.undo()
    market.feed(supply("power", "fly_ash", 200, properties=GOOD_ASH))
    events = market.solve()
    assert (RuleName.SOLVE_FAILED, "CLEARED") in alerts(events)
    assert "fly_ash" in {one.material for one in matches(events)}


def test_an_error_of_any_length_fits_an_alert() -> None:
    failed = FailedSolve(programme="ohio", market="fly_ash", token=0, version=0, error="x" * 300)
    market = started(POWER, MIX, ASH, CEMENT)
    market.state.absorb(failed)
    [alert] = market.take()
    assert isinstance(alert, Alert)
    assert (alert.rule, alert.state) == (Code.SOLVE_FAILED, AlertState.RAISED)


def without(material: str) -> Catalogue:
    """Return a later catalogue that does not know a material any more."""
    materials = {name: one for name, one in CATALOGUE.materials.items() if name != material}
    uses = {
        name: one
        for name, one in CATALOGUE.uses.items()
        if material not in {one.material, one.substitutes}
    }
    found = markets(materials, uses, CATALOGUE.blends)
    return replace(
        CATALOGUE,
        materials=MappingProxyType(materials),
        uses=MappingProxyType(uses),
        markets=found,
        index=index_of(materials, uses, CATALOGUE.industries, (CATALOGUE.coefficients, found, ())),
    )


def test_what_is_agreed_on_a_material_that_left_the_catalogue_is_told_as_short() -> None:
    market = started(POWER, MIX, ASH, CEMENT)
    market.solve()
    agree(market)
    market.state = MarketState.restore(
        without("fly_ash"), market.parts.items(), BLOCKS.decode, POLICY
    )
    market.feed(replace(POWER, name="Power plc"))
    [alert] = [one for one in market.solve() if isinstance(one, Alert)]
    assert alert.rule == RuleName.COMMITTED_SHORT
    assert alert.reasons[0].unit == "GRM"


def agree(market: Market) -> None:
    for number, side in enumerate(Side):
        match = only(market.state.matches("ohio"))
        at = market.at("synergy.commands.v1")
        market.state.apply_command(order(number, match, side=side), at)
    market.take()


def test_an_alert_of_a_market_that_has_another_name_now_is_cleared() -> None:
    market = started(POWER, MIX, ASH, CEMENT)
    market.solve()
    agree(market)
    market.feed(supply("power", "fly_ash", 10, properties=GOOD_ASH))
    assert (RuleName.COMMITTED_SHORT, "RAISED") in alerts(market.solve())
    market.feed(supply("power", "fly_ash", 150, properties=GOOD_ASH))  # and its market is dirty
    market.take()
    slag = CATALOGUE.uses["bf_slag_cement"]
    uses = {**CATALOGUE.uses, **{f"x{n}": replace(slag, id=f"x{n}") for n in range(9)}}
    found = markets(CATALOGUE.materials, uses, CATALOGUE.blends)
    index = index_of(
        CATALOGUE.materials, uses, CATALOGUE.industries, (CATALOGUE.coefficients, found, ())
    )
    renamed = replace(CATALOGUE, uses=MappingProxyType(uses), markets=found, index=index)
    assert renamed.market_of("fly_ash") != CATALOGUE.market_of("fly_ash")
    market.state = MarketState.restore(renamed, market.parts.items(), BLOCKS.decode, POLICY)
    assert (RuleName.COMMITTED_SHORT, "CLEARED") in alerts(market.solve())


def test_thousands_of_flags_make_a_match_that_fits_its_topic() -> None:
    flags = tuple(f"seq {number}" for number in range(12_000))
    market = started(POWER, MIX, replace(ASH, flags=flags), CEMENT)
    match = only(matches(market.solve()))
    more = only_reason(match, Code.FLAGGED_MORE)
    assert more.value == 12_000 - sum(one.code == Code.FLAGGED for one in match.reasons)
    assert len(CODEC.encode(match)) < 10_000


def only_reason(match: Match, code: Code) -> Any:
    [reason] = [one for one in match.reasons if one.code == code]
    return reason
