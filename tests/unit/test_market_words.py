"""Every reason has words in both languages, and a facility never reads about a third one."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest

from schemas.events import Reason, Unmatched
from synergy.market import Code, Language, View, load_words
from tests.market.plants import (
    CATALOGUE,
    GOOD_ASH,
    HIGH_LOI_ASH,
    MARCH,
    Market,
    facts,
    matches,
    need,
    supply,
)

WORDS = load_words(CATALOGUE, {"power": "Mitchell", "mixing_works": "Wheeling ready-mix"})
THIRD_PARTY = {
    *(Code.ALTERNATIVE_RECEIVER, Code.ALTERNATIVE_GIVER, Code.TAKEN_BY_OTHERS, Code.BLOCKED),
    *(Code.DECLINED_BEFORE, Code.PERMIT_MISSING),
}
PRICES = {code for code in Code if code.name.startswith("BINDING")} | {Code.NO_GAIN}


def fields_of(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_every_code_is_worded_and_every_wording_is_a_code() -> None:
    assert set(WORDS.wordings) == {code.value for code in Code}


@pytest.mark.parametrize("code", list(Code))
def test_both_languages_say_the_same_things(code: Code) -> None:
    wording = WORDS.wordings[code]
    for view in View:
        english = wording.templates[view, Language.EN]
        chinese = wording.templates[view, Language.ZH]
        assert fields_of(english) == fields_of(chinese)
        assert bool(english) == bool(chinese)
        assert all(ord(letter) < 0x2000 for letter in english)
    assert wording.templates[View.OPERATOR, Language.EN]
    assert any("一" <= letter <= "鿿" for letter in wording.templates[View.OPERATOR, Language.ZH])


@pytest.mark.parametrize("code", sorted(THIRD_PARTY))
def test_the_facilitys_view_names_no_third_facility(code: Code) -> None:
    for language in Language:
        seen = fields_of(WORDS.wordings[code].templates[View.FACILITY, language])
        assert not seen & {"subject", "value"}


@pytest.mark.parametrize("code", sorted(PRICES))
def test_the_facilitys_view_has_no_price_of_others(code: Code) -> None:
    for language in Language:
        template = WORDS.wordings[code].templates[View.FACILITY, language]
        assert not fields_of(template) & {"value", "unit"}


def crowded() -> Market:
    market = Market().tick(MARCH)
    market.feed(
        facts("power", "3510", (39.90, -80.80)),
        facts("rival_station", "3510", (39.95, -80.75)),
        facts("mixing_works", "2395", (40.00, -80.70)),
        facts("secret_kiln", "2394", (39.70, -80.90)),
        supply("power", "fly_ash", 300, properties=GOOD_ASH),
        supply("rival_station", "fly_ash", 600, properties=HIGH_LOI_ASH),
        need("mixing_works", "portland_cement", 300),
        need("secret_kiln", "clay", 300),
    )
    return market


def test_a_match_in_the_facilitys_view_never_names_or_prices_a_third_plant() -> None:
    market = crowded()
    found = matches(market.solve())
    assert len(found) >= 2
    named = 0
    for match in found:
        others = {"power", "rival_station", "mixing_works", "secret_kiln"} - {
            match.giver,
            match.receiver,
        }
        for language in Language:
            text = " ".join(WORDS.match(match, View.FACILITY, language))
            assert not any(other in text for other in others)
            assert "USD" not in text
            named += any(
                other in " ".join(WORDS.match(match, View.OPERATOR, language)) for other in others
            )
    assert named > 0, "the operator sees the alternatives"


def test_an_unmatched_series_in_the_facilitys_view_names_nobody_else() -> None:
    events = crowded().solve()
    statements = [item for item in events if isinstance(item, Unmatched)]
    for statement in statements:
        others = {"power", "rival_station", "mixing_works", "secret_kiln"} - {statement.facility}
        text = " ".join(WORDS.unmatched(statement, View.FACILITY, Language.EN))
        assert text
        assert not any(other in text for other in others)


def test_a_failed_limit_reads_like_a_sentence() -> None:
    reason = Reason(
        code=Code.LIMIT_FAILED,
        subject="loi",
        value=7.0,
        limit=6.0,
        unit="%",
        text="fly_ash_ready_mix",
    )
    english = WORDS.reason(reason, View.FACILITY, Language.EN)
    assert english == "loss on ignition is 7 %, Binder in ready-mix concrete takes at most 6 %."
    chinese = WORDS.reason(reason, View.OPERATOR, Language.ZH)
    assert chinese is not None
    assert chinese.endswith("预拌混凝土掺合料要求不高于6 %。")
    impure = replace(reason, subject="purity", value=80.0, limit=94.0, text="fgd_gypsum_wallboard")
    assert "at least 94 %" in (WORDS.reason(impure, View.FACILITY, Language.EN) or "")


def test_names_of_facilities_are_shown_where_they_are_known() -> None:
    reason = Reason(code=Code.STALE, subject="power")
    assert "Mitchell" in (WORDS.reason(reason, View.OPERATOR, Language.EN) or "")
    assert "Mitchell" not in (WORDS.reason(reason, View.FACILITY, Language.EN) or "")


def test_a_code_from_a_newer_version_is_shown_as_it_is_to_the_operator_only() -> None:
    reason = Reason(code="from_the_future")
    assert WORDS.reason(reason, View.OPERATOR, Language.EN) == "from_the_future"
    assert WORDS.reason(reason, View.FACILITY, Language.EN) is None
