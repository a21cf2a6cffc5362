"""Industry codes of four classifications become ISIC classes, or say what to write instead."""

from __future__ import annotations

import pytest

from synergy.catalogue import load_catalogue
from synergy.industries import IndustryError, find_industry, isic_classes


def test_every_industry_of_the_catalogue_is_an_isic_class() -> None:
    assert len(isic_classes()) == 419
    assert load_catalogue().industries.keys() <= isic_classes().keys()


@pytest.mark.parametrize(
    ("written", "isic"),
    [
        ("3510", "3510"),
        ("isic: 3510", "3510"),
        ("naics:221112", "3510"),
        ("331110", "2410"),
        ("nace:35.11", "3510"),
        ("23.51", "2394"),
        ("gbt:4411", "3510"),
        ("GB/T 4754-2017 3011", "2394"),
        ("C3031", "2392"),
    ],
)
def test_a_code_of_any_classification_is_understood(written: str, isic: str) -> None:
    assert find_industry(written) == isic


@pytest.mark.parametrize(
    ("written", "country", "hint"),
    [
        ("cement", "", "gbt:3011"),
        ("", "", "2394"),
        ("9999", "", "naics:327310"),
        ("4411", "", "gbt:4411"),
        ("3011", "CN", "isic:3011"),
        ("327420", "", "2394"),
        ("sic:3241", "", "naics"),
    ],
)
def test_what_names_no_class_or_several_is_refused_with_what_to_write(
    written: str, country: str, hint: str
) -> None:
    with pytest.raises(IndustryError) as refused:
        find_industry(written, country)
    assert hint in refused.value.fix


def test_a_code_that_two_classifications_share_is_only_doubtful_where_both_are_used() -> None:
    assert find_industry("3011", "US") == "3011"
    assert find_industry("2394", "CN") == "2394"
