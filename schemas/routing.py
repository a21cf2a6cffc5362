"""Which partition a record goes to: chosen by the product, never by a client's default partitioner.

The routing key is not the record key: the facility for availability and facilities, the programme behind balance. The
hash is Kafka's murmur2, as in the Java client's DefaultPartitioner, so that other producers can do the same.
"""

from __future__ import annotations

from typing import Final

_SEED: Final = 0x9747_B28C
_FACTOR: Final = 0x5BD1_E995
_MASK: Final = 0xFFFF_FFFF


def murmur2(key: bytes) -> int:
    """Return Kafka's 32-bit murmur2 of the bytes, signed as in Java.

    Source: org.apache.kafka.common.utils.Utils.murmur2.

    >>> murmur2(b"foobar")
    -790332482
    """
    found = _SEED ^ len(key)
    whole = len(key) & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(key[start : start + 4], "little") * _FACTOR & _MASK
        word = (word ^ word >> 24) * _FACTOR & _MASK
        found = (found * _FACTOR & _MASK) ^ word
    if rest := key[whole:]:
        found = (found ^ int.from_bytes(rest, "little")) * _FACTOR & _MASK
    found = (found ^ found >> 13) * _FACTOR & _MASK
    found ^= found >> 15
    return found - (1 << 32) if found >> 31 else found


def partition_for(routing_key: str, partitions: int) -> int:
    """Return the partition of a routing key among `partitions`.

    Raises:
        ValueError: there is no partition to choose from.

    >>> partition_for("us-wv-mitchell", 4)
    0
    """
    if partitions < 1:
        raise ValueError(f"a topic has at least one partition, found {partitions}")
    return (murmur2(routing_key.encode()) & 0x7FFF_FFFF) % partitions
