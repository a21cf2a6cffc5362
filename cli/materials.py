"""`synergy materials` and `synergy industries`: what the catalogue knows, without a running stack."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from cli.tables import aligned
from synergy.catalogue import load_catalogue
from synergy.catalogue.documents import (
    industries_of,
    industry_document,
    material_document,
    material_row,
    names_of,
)

Form = Literal["text", "json"]
Document = Mapping[str, Any]


class UnknownNameError(Exception):
    """The catalogue has nothing of that name."""


def show_materials(name: str | None, form: Form) -> int:
    """Print all materials, or everything that is known of one. Raises UnknownNameError."""
    catalogue = load_catalogue()
    if name is None:
        rows = [material_row(one) for _, one in sorted(catalogue.materials.items())]
        return _print({"materials": rows, "total": len(rows)}, _table(rows), form)
    material = catalogue.resolve(name)
    if material is None:
        raise UnknownNameError(f"{name!r} is no material. {catalogue.names_like(name)}")
    found = material_document(catalogue, material)
    return _print(found, _material_lines(found), form)


def show_industries(code: str | None, form: Form) -> int:
    """Print all industries, or what plants of one could give and take. Raises UnknownNameError."""
    catalogue = load_catalogue()
    if code is None:
        rows = industries_of(catalogue)
        return _print({"industries": rows, "total": len(rows)}, _table(rows), form)
    found = industry_document(catalogue, code)
    if found is None:
        fix = "Write an ISIC Rev. 4 class such as 3510, or its NACE class; `synergy industries` lists all."
        raise UnknownNameError(f"{code!r} is no industry of the catalogue. {fix}")
    return _print(found, _industry_lines(found), form)


def _print(document: Document, lines: Iterable[str], form: Form) -> int:
    if form == "json":
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    columns = list(rows[0])
    yield from aligned(columns, [[row[column] for column in columns] for row in rows])


def _material_lines(found: Document) -> Iterator[str]:
    yield f"{found['id']}  {found['name_en']}  {found['name_zh']}"
    also = ", ".join(found["aliases"])
    codes = {"EWC": found["ewc"], "China": [found["china_code"]], "HS": found["hs"]}
    shown = [f"{name} {', '.join(values)}" for name, values in codes.items() if any(values)]
    yield from (f"  also called: {also}",) if also else ()
    yield from (f"  codes: {'; '.join(shown)}",) if shown else ()
    traits = [f"in {found['unit']}", "hazardous" if found["hazardous"] else "not hazardous"]
    traits.append("can be stored" if found["storable"] else "can't be stored")
    yield f"  {found['role']}, {', '.join(traits)}"
    analysed = [f"{one['name']} ({one['name_zh']}, {one['unit']})" for one in found["properties"]]
    yield from (f"  analysed: {', '.join(analysed)}",) if analysed else ()
    for title, uses in (("uses", found["uses"]), ("replaced by", found["replaced_by"])):
        if uses:
            yield f"{title}:"
            for use in uses:
                yield from _use_lines(use)


def _industry_lines(found: Document) -> Iterator[str]:
    industry = found["industry"]
    yield f"{industry['id']}  {industry['name_en']}  {industry['name_zh']}"
    for title in ("gives", "takes"):
        yield f"{title}:" if found[title] else f"{title}: nothing that the catalogue knows"
        for use in found[title]:
            yield from _use_lines(use)


def _use_lines(use: Document) -> Iterator[str]:
    material, need = use["material"], use["substitutes"]
    yield f"  {use['name_en']}  {use['name_zh']}"
    yield (
        f"    {material['name_en']} for {need['name_en']}: {use['ratio']} to 1, "
        f"at most {float(use['share_cap']):.0%} of the blend, from {use['lot_per_day']:g} {use['unit']} a day"
    )
    yield f"    from {names_of(use['givers'])} to {names_of(use['receivers'])}"
    if use["treatment"] is not None:
        yield f"    treatment: {use['treatment']['name_en']} {use['treatment']['name_zh']}"
    for limit in use["limits"]:
        where = f" ({limit['country']})" if limit["country"] else ""
        yield (
            f"    {limit['property']['name_en']} {limit['property']['name_zh']} "
            f"{limit['relation'].lower().replace('_', ' ')} {limit['limit']:g} {limit['unit']}{where}"
        )
