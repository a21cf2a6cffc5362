"""Ports of the embedded stack."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.embedded.ports import HOST, NoFreePortError, choose, is_free, remembered


@pytest.fixture
def taken() -> Iterator[int]:
    """Give a port that somebody listens on."""
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        yield server.getsockname()[1]


def test_the_usual_port_is_taken_when_it_is_free(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        free = probe.getsockname()[1]
    assert choose(tmp_path / "ports.json", {"kafka": free}) == {"kafka": free}


def test_a_taken_port_is_passed_over_and_names_never_share_one(tmp_path: Path, taken: int) -> None:
    chosen = choose(tmp_path / "ports.json", {"kafka": taken, "store": taken})
    assert taken not in chosen.values()
    assert len(set(chosen.values())) == 2
    assert all(port > taken for port in chosen.values())


def test_a_second_start_gets_the_same_ports(tmp_path: Path, taken: int) -> None:
    file = tmp_path / "ports.json"
    first = choose(file, {"kafka": taken})
    assert choose(file, {"kafka": 1}) == first == remembered(file)


def test_ports_of_other_names_stay_remembered(tmp_path: Path, taken: int) -> None:
    file = tmp_path / "ports.json"
    first = choose(file, {"kafka": taken})
    second = choose(file, {"store": taken}, avoid=frozenset(first.values()))
    assert remembered(file) == first | second


def test_a_port_that_only_looked_free_can_be_avoided(tmp_path: Path, taken: int) -> None:
    file = tmp_path / "ports.json"
    first = choose(file, {"kafka": taken})["kafka"]
    assert choose(file, {"kafka": taken}, avoid=frozenset({first}))["kafka"] not in (first, taken)


def test_the_search_ends(tmp_path: Path) -> None:
    everything = frozenset(range(1, 65_536))
    with pytest.raises(NoFreePortError, match="kafka"):
        choose(tmp_path / "ports.json", {"kafka": 9092}, avoid=everything)


def test_a_port_somebody_listens_on_is_not_free(taken: int) -> None:
    assert not is_free(taken)
