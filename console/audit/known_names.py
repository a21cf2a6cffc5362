"""Checks that what a named query is asked about exists in the ledger, and says what may have been meant.

An answer without rows would look like "nothing happened" when a name was only typed wrongly.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from console.problems import Problem, ProblemError
from runtime.ledger_database import Rows
from synergy.catalogue import Catalogue
from synergy.catalogue.near_names import near

Ask = Callable[[str, Mapping[str, object]], Awaitable[Rows]]


# All that the ledger has of a kind, as one column. A facility that was never enrolled still has rejected readings.
_NAMES: Final[Mapping[str, str]] = {
    "programme": (
        "SELECT DISTINCT programme FROM facilities UNION DISTINCT "
        "SELECT DISTINCT programme FROM facility_facts"
    ),
    "park": "SELECT DISTINCT assumeNotNull(park) FROM facilities WHERE isNotNull(park)",
    "facility": (
        "SELECT DISTINCT id FROM facilities UNION DISTINCT SELECT DISTINCT facility FROM availability "
        "UNION DISTINCT SELECT DISTINCT assumeNotNull(facility) FROM rejected WHERE isNotNull(facility)"
    ),
}
_MATERIALS: Final = "SELECT DISTINCT material FROM availability"
_CALLED: Final = "SELECT DISTINCT id, name FROM facilities"
_BEGINNINGS: Final[Mapping[str, str]] = {
    "transaction": (
        "SELECT DISTINCT toString(agreement) FROM transactions WHERE startsWith(toString(agreement), {wanted:String}) "
        "OR startsWith(ifNull(toString(delivery), ''), {wanted:String}) LIMIT 6"
    ),
    "match": "SELECT DISTINCT toString(id) FROM matches WHERE startsWith(toString(id), {wanted:String}) LIMIT 6",
}


async def settled(
    values: Mapping[str, object], catalogue: Catalogue, ask: Ask
) -> dict[str, object]:
    """Return the values with materials as ids and beginnings of ids completed.

    Raises:
        ProblemError: the ledger has nothing of that name, or several begin like it.
    """
    found = dict(values)
    for name, value in values.items():
        if name in _BEGINNINGS:
            found[name] = await _completed(name, str(value), ask)
        elif name == "material":
            known = catalogue.resolve(str(value))
            found[name] = known.id if known else await _material(str(value), catalogue, ask)
        elif name in _NAMES:
            await _check(name, str(value), ask)
    return found


async def _completed(name: str, wanted: str, ask: Ask) -> str:
    rows = (await ask(_BEGINNINGS[name], {"wanted": wanted.lower()})).rows
    found = [str(row[0]) for row in rows]
    if len(found) == 1:
        return found[0]
    if not found:
        fix = (
            f"`synergy {name} list` shows those that are open; give the whole id or its beginning."
        )
        raise ProblemError(_problem(name, f"the ledger has none whose id begins {wanted!r}", fix))
    shown = ", ".join(sorted(found)[:5])
    raise ProblemError(
        _problem(name, f"several ids begin {wanted!r}", f"Give more of it: {shown}.")
    )


async def _material(wanted: str, catalogue: Catalogue, ask: Ask) -> str:
    """Return a material that readings name and the catalogue does not: those were rejected."""
    known = {str(row[0]) for row in (await ask(_MATERIALS, {})).rows}
    if wanted not in known:
        called = {**catalogue.index.names, **{name: name for name in known}}
        closest = dict.fromkeys(called[name] for name in near(wanted, called))
        raise ProblemError(_unknown("material", wanted, list(closest)))
    return wanted


async def _check(name: str, wanted: str, ask: Ask) -> None:
    known = [str(row[0]) for row in (await ask(_NAMES[name], {})).rows]
    if wanted in known:
        return
    closest = near(wanted, known)
    if name == "facility":
        called = {str(row[1]): str(row[0]) for row in (await ask(_CALLED, {})).rows}
        closest += [called[one] for one in near(wanted, called) if called[one] not in closest]
    raise ProblemError(_unknown(name, wanted, closest[:5]))


def _unknown(name: str, wanted: str, closest: list[str]) -> Problem:
    fix = f"Near: {', '.join(closest)}." if closest else "No name is like it; look at the lists."
    return _problem(name, f"the ledger knows no {name} {wanted!r}", fix)


def _problem(name: str, detail: str, fix: str) -> Problem:
    return Problem(status=404, reason=f"unknown_{name}", detail=detail, field=name, fix=fix)
