"""`GET /api/v1/filters`: what the lists can be filtered by now, with names, for the choices of a screen."""

from __future__ import annotations

from typing import Any

from console.views import Views
from synergy.catalogue import Catalogue


def filters(views: Views, catalogue: Catalogue) -> dict[str, Any]:
    """Return programmes with their parks, and the materials that somebody offers or needs."""
    parks: dict[str, set[str]] = {name: set() for name in views.programmes}
    for facts in views.facilities.values():
        found = parks.setdefault(facts.programme, set())
        if facts.park is not None:
            found.add(facts.park)
    materials = sorted({material for _, _, material, _ in views.positions})
    return {
        "programmes": [{"id": name, "parks": sorted(parks[name])} for name in sorted(parks)],
        "materials": [
            {"id": one.id, "name": one.name_en, "name_zh": one.name_zh}
            for material in materials
            if (one := catalogue.materials.get(material)) is not None
        ],
    }
