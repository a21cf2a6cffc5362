"""What an industry code means, whatever classification it is written in."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final


class Scheme(StrEnum):
    """The classifications that are understood."""

    ISIC = "isic"
    NACE = "nace"
    NAICS = "naics"
    GBT = "gbt"


class IndustryError(Exception):
    """A code names no ISIC class, or several. `fix` says what to write instead."""

    def __init__(self, code: str, problem: str, fix: str) -> None:
        super().__init__(f"industry {code!r}: {problem}; {fix}")
        self.code = code
        self.problem = problem
        self.fix = fix


EXAMPLES: Final = (
    "write an ISIC Rev. 4 class such as 2394, or naics:327310, nace:23.51 or gbt:3011 (GB/T 4754)"
)
_PREFIXES: Final[Mapping[str, Scheme]] = MappingProxyType(
    {
        "isic": Scheme.ISIC,
        "nace": Scheme.NACE,
        "naics": Scheme.NAICS,
        "gbt": Scheme.GBT,
        "gb/t": Scheme.GBT,
        "gb/t4754": Scheme.GBT,
        "gb": Scheme.GBT,
    }
)
_PREFIXED: Final = re.compile(r"([a-z/0-9-]*[a-z/][a-z/0-9-]*)\s*[:\uff1a ]\s*(\S+)", re.IGNORECASE)
_CHINA: Final = "CN"


def find_industry(text: str, country: str = "") -> str:
    """Return the ISIC Rev. 4 class of a code.

    A bare code of four digits is an ISIC class, of six digits a NAICS code; with a dot it is NACE, with a letter in
    front GB/T 4754. In China a bare code that both ISIC and GB/T 4754 have is refused: they mean different things.

    Raises:
        IndustryError: the code is unknown, or can mean several classes.

    >>> find_industry("2394"), find_industry("naics:327310"), find_industry("23.51")
    ('2394', '2394', '2394')
    >>> find_industry("C3011"), find_industry("GB/T 4754: 4411"), find_industry("gbt:3110")
    ('2394', '3510', '2410')
    """
    code = " ".join(text.split())
    scheme, digits = _scheme(code)
    if scheme is Scheme.ISIC:
        return _isic(code, digits, country)
    found = _crosswalk().get((scheme, digits))
    if found is None:
        raise IndustryError(text, f"no {scheme} code {digits} is known here", EXAMPLES)
    classes, name = found
    if len(classes) != 1:
        choice = " or ".join(f"{one} ({isic_classes()[one]})" for one in classes)
        raise IndustryError(text, f"{name} is in several ISIC classes", f"write {choice}")
    [only] = classes
    return only


def _scheme(code: str) -> tuple[Scheme, str]:
    prefixed = _PREFIXED.fullmatch(code)
    if prefixed is not None:
        name = prefixed[1].casefold().removesuffix("-2017")
        if name not in _PREFIXES:
            raise IndustryError(code, f"there is no classification {prefixed[1]!r}", EXAMPLES)
        return _PREFIXES[name], _digits(prefixed[2])
    if re.fullmatch(r"GB/?T? ?4754(-2017)? ?:? ?[A-Z]?\d{4}", code, re.IGNORECASE):
        return Scheme.GBT, code[-4:]
    if re.fullmatch(r"\d\d\.\d{1,2}", code):
        return Scheme.NACE, _digits(code)
    if re.fullmatch(r"[A-T]\d{4}", code):
        return Scheme.GBT, code[1:]
    return (Scheme.NAICS if re.fullmatch(r"\d{6}", code) else Scheme.ISIC), code


def _digits(code: str) -> str:
    return re.sub(r"[^\d]", "", code)


def _isic(code: str, digits: str, country: str) -> str:
    chinese = _crosswalk().get((Scheme.GBT, digits))
    known = isic_classes().get(digits)
    bare = code == digits
    if known is None:
        if chinese is not None:
            fix = f"write gbt:{digits} if you mean {chinese[1]}"
            raise IndustryError(code, "it is no ISIC class, but one of GB/T 4754", fix)
        raise IndustryError(code, "it is no ISIC Rev. 4 class of four digits", EXAMPLES)
    if bare and country == _CHINA and chinese is not None and chinese[0] != (digits,):
        fix = f"write isic:{digits} ({known}) or gbt:{digits} ({chinese[1]})"
        raise IndustryError(code, "ISIC and GB/T 4754 both have it, for different things", fix)
    return digits


@cache
def isic_classes() -> Mapping[str, str]:
    """Return the English name of every ISIC Rev. 4 class."""
    return MappingProxyType({row["code"]: row["name_en"] for row in _rows("isic_rev4.csv")})


@cache
def _crosswalk() -> Mapping[tuple[Scheme, str], tuple[tuple[str, ...], str]]:
    """Return ISIC classes and name by classification and code."""
    return MappingProxyType(
        {
            (Scheme(row["scheme"]), row["code"]): (tuple(row["isic"].split("|")), row["name"])
            for row in _rows("crosswalk.csv")
        }
    )


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = (files("synergy.industries") / name).read_text(encoding="utf-8")
    return csv.DictReader(io.StringIO(text))
