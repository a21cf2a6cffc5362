"""Routing and derived ids: the same everywhere, for ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from aiokafka import partitioner as aiokafka_partitioner
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Direction
from schemas.identity import reading_id, series_key
from schemas.routing import murmur2, partition_for

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "routing_vectors.json").read_text(encoding="utf-8")
)


def test_the_hash_is_the_one_of_the_java_client() -> None:
    assert {key: murmur2(key.encode()) for key in VECTORS["murmur2"]} == VECTORS["murmur2"]


@given(st.binary(max_size=70))
def test_the_hash_agrees_with_an_independent_client(key: bytes) -> None:
    hash_of = cast("Callable[[bytes], int]", aiokafka_partitioner.murmur2)
    assert murmur2(key) & 0xFFFFFFFF == hash_of(key) & 0xFFFFFFFF


def test_partitions_of_known_keys_never_change() -> None:
    found = {
        key: {count: partition_for(key, int(count)) for count in counts}
        for key, counts in VECTORS["partitions"].items()
    }
    assert found == VECTORS["partitions"]


@given(st.text(st.characters(codec="utf-8")), st.integers(1, 1000))
def test_a_partition_is_one_of_the_topic(key: str, partitions: int) -> None:
    assert 0 <= partition_for(key, partitions) < partitions


def test_a_topic_without_partitions_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one partition"):
        partition_for("us-wv-mitchell", 0)


def test_a_reading_has_the_same_id_whoever_derives_it() -> None:
    expected = UUID("7fed4532-5005-5eb5-a1ce-75f6748a04d2")
    assert reading_id("epa:mitchell-1", "us-wv-mitchell", 1, 42) == expected
    others = {
        reading_id("epa:mitchell-2", "us-wv-mitchell", 1, 42),
        reading_id("epa:mitchell-1", "us-wv-amos", 1, 42),
        reading_id("epa:mitchell-1", "us-wv-mitchell", 2, 42),
        reading_id("epa:mitchell-1", "us-wv-mitchell", 1, 43),
        reading_id("epa:mitchell-1", "us-wv-mitchell", 14, 2),
    }
    assert len(others | {expected}) == 6


def test_a_series_key_names_facility_material_and_direction() -> None:
    assert (
        series_key("us-wv-mitchell", "fly-ash", Direction.SUPPLY)
        == b"us-wv-mitchell|fly-ash|SUPPLY"
    )
    assert series_key("钢厂", "slag", Direction.DEMAND).decode() == "钢厂|slag|DEMAND"
