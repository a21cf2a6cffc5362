"""Ports of the embedded stack."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.embedded.ports import HOST, NoFreePortError, PortClaims, choose, is_free, remembered


@pytest.fixture
def taken() -> Iterator[int]:
    """Give a port that somebody listens on."""
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def claims(tmp_path: Path) -> Iterator[PortClaims]:
    """Give claims that no other stack of this machine sees."""
    held = PortClaims(tmp_path)
    yield held
    held.close()


def test_the_usual_port_is_taken_when_it_is_free(tmp_path: Path, claims: PortClaims) -> None:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        free = probe.getsockname()[1]
    assert choose(tmp_path / "ports.json", {"kafka": free}, claims) == {"kafka": free}


def test_a_taken_port_is_passed_over_and_names_never_share_one(
    tmp_path: Path, taken: int, claims: PortClaims
) -> None:
    chosen = choose(tmp_path / "ports.json", {"kafka": taken, "store": taken}, claims)
    assert taken not in chosen.values()
    assert len(set(chosen.values())) == 2
    assert all(port > taken for port in chosen.values())


def test_a_second_start_gets_the_same_ports(tmp_path: Path, taken: int, claims: PortClaims) -> None:
    file = tmp_path / "ports.json"
    first = choose(file, {"kafka": taken}, claims)
    assert choose(file, {"kafka": 1}, claims) == first == remembered(file)


def test_ports_of_other_names_stay_remembered(
    tmp_path: Path, taken: int, claims: PortClaims
) -> None:
    file = tmp_path / "ports.json"
    first = choose(file, {"kafka": taken}, claims)
    second = choose(file, {"store": taken}, claims, avoid=frozenset(first.values()))
    assert remembered(file) == first | second


def test_a_port_that_only_looked_free_can_be_avoided(
    tmp_path: Path, taken: int, claims: PortClaims
) -> None:
    file = tmp_path / "ports.json"
    first = choose(file, {"kafka": taken}, claims)["kafka"]
    assert choose(file, {"kafka": taken}, claims, avoid=frozenset({first}))["kafka"] not in (
        first,
        taken,
    )


def test_the_search_ends(tmp_path: Path, claims: PortClaims) -> None:
    everything = frozenset(range(1, 65_536))
    with pytest.raises(NoFreePortError, match="kafka"):
        choose(tmp_path / "ports.json", {"kafka": 9092}, claims, avoid=everything)


def test_a_port_somebody_listens_on_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_two_stacks_that_start_at_once_get_different_ports(tmp_path: Path, taken: int) -> None:
    first, second = PortClaims(tmp_path), PortClaims(tmp_path)
    one = choose(tmp_path / "one" / "ports.json", {"kafka": taken}, first)
    two = choose(tmp_path / "two" / "ports.json", {"kafka": taken}, second)
    assert one != two
    first.close()
    assert second.take(one["kafka"]), "a claim ends with its holder"
    second.close()
