"""The keys of the changelog parts: kind, programme, and the names of the thing."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Final

from synergy.market.parts import UnreadablePart
from synergy.market.series import Pair, Series

_COMPACT: Final = json.JSONEncoder(separators=(",", ":"))
"""One for all keys: `json.dumps` makes one for each call that wants anything but its own separators."""
_REMEMBERED: Final = 1 << 16
"""Keys at hand, mostly those of series: each of their positions is a part under the same key."""


@lru_cache(maxsize=_REMEMBERED)
def key_of(kind: str, programme: str, *names: str) -> bytes:
    """Return the key of a part; JSON, so that no name can be mistaken for two.

    >>> key_of("facts", "ohio", "wv_mitchell")
    b'["facts","ohio","wv_mitchell"]'
    """
    return _COMPACT.encode((kind, programme, *names)).encode()


def names_of(key: bytes) -> tuple[str, str]:
    """Return kind and programme of a part from its key.

    Raises:
        UnreadablePart: the key is none of `key_of`.
    """
    try:
        kind, programme, *_ = json.loads(key)
    except ValueError as error:
        raise UnreadablePart(key, str(error)) from error
    return str(kind), str(programme)


def series_names(series: Series) -> tuple[str, ...]:
    """Return the names of a series in a key."""
    return (series.facility, series.material, series.direction.value)


def pair_names(pair: Pair) -> tuple[str, ...]:
    """Return the names of a pair in a key."""
    return (pair.giver, pair.material, pair.receiver, pair.need, pair.use, pair.treatment)
