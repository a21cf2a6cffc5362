"""Markets: the connected components of the use graph.

Materials are joined when they share a use (the by-product and what it substitutes), a blend (all
that goes into it) or a treatment (one unit may serve both).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from synergy.catalogue.model import Blend, Market, Material, Use


def _root(parent: dict[str, str], node: str) -> str:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


def connected(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return the components, each sorted, ordered by their first node.

    >>> connected("abcd", [("a", "c"), ("c", "d")])
    [['a', 'c', 'd'], ['b']]
    """
    parent = {node: node for node in nodes}
    for left, right in edges:
        first, second = sorted((_root(parent, left), _root(parent, right)))
        parent[second] = first
    groups: dict[str, list[str]] = {}
    for node in sorted(parent):
        groups.setdefault(_root(parent, node), []).append(node)
    return sorted(groups.values())


def markets(
    materials: Mapping[str, Material], uses: Mapping[str, Use], blends: Mapping[str, Blend]
) -> tuple[Market, ...]:
    """Return the markets of the catalogue. A material without any use is a market of its own."""
    edges: list[tuple[str, str]] = []
    treated: dict[str, str] = {}
    for use in uses.values():
        edges.append((use.material, use.substitutes))
        if use.blend is not None:
            edges.append((use.material, blends[use.blend].need))
        if use.treatment is not None:
            edges.append((use.material, treated.setdefault(use.treatment, use.material)))
    return tuple(_market(group, uses) for group in connected(materials, edges))


def _market(group: list[str], uses: Mapping[str, Use]) -> Market:
    inside = [use for use in uses.values() if use.material in group]
    count = Counter(use.material for use in inside)
    return Market(
        id=min(group, key=lambda material: (-count[material], material)),
        materials=tuple(group),
        uses=tuple(sorted(use.id for use in inside)),
    )
