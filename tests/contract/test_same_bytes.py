"""The stages and the ledger agree on which bytes are readings: what counts is kept, and so is all else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from schemas.block import BlockReaders, decode_batch
from schemas.codec import HEADER_BYTES, Codec
from tests.ledger.engine import open_ledger
from tests.ledger.samples import SCHEMA_IDS, availability, frame

VALUES = 800
CODEC = Codec({"".join(p.title() for p in name.split("_")): n for name, n in SCHEMA_IDS.items()})


def damaged(value: bytes, draw: random.Random) -> bytes:
    """Return a value as it is, or with bytes changed, cut off, added, taken out or put in."""
    content = bytearray(value)
    at = draw.randrange(HEADER_BYTES, len(content))
    noise = draw.randbytes(draw.randrange(1, 5))
    match draw.randrange(6):
        case 0:
            content[at : at + len(noise)] = noise
        case 1:
            del content[draw.randrange(len(content)) :]
        case 2:
            content += draw.randbytes(draw.randrange(1, 30))
        case 3:
            del content[at : at + len(noise)]
        case 4:
            content[at:at] = noise
        case _:
            pass
    return bytes(content)


@pytest.mark.parametrize("seed", [1, 2])
def test_stage_and_ledger_agree_on_every_value(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - damage, not secrets
    values = [
        damaged(frame("availability", availability(number)), draw)
        for number in range(1, VALUES + 1)
    ]
    decoded = decode_batch(values, BlockReaders(CODEC), draw.getrandbits(63))
    good = {row for group in decoded.groups for row in group.rows.tolist()}
    bad = {one.row: one.error for one in decoded.bad}
    assert good.isdisjoint(bad)
    assert good | bad.keys() == set(range(VALUES))
    assert len(good) > VALUES / 10
    with open_ledger(tmp_path / "ledger") as ledger:
        offsets = [ledger.append_bytes(value) for value in values]
        assert offsets == list(range(VALUES))
        ledger.drain()
        kept = {
            int(str(offset)): bytes.fromhex(str(value))
            for offset, value in ledger.all("SELECT _offset, hex(_value) FROM availability")
        }
        apart = {
            int(str(offset)): (str(reason), bytes.fromhex(str(value)))
            for offset, reason, value in ledger.all(
                "SELECT _offset, reason, hex(_value) FROM undecodable"
            )
        }
    assert kept.keys().isdisjoint(apart)
    assert kept | {offset: value for offset, (_, value) in apart.items()} == dict(enumerate(values))
    assert good <= kept.keys()
    for offset in (
        kept.keys() - good
    ):  # a number out of range; the rejection takes it out of what counts
        assert bad[offset].code == "wrong_avro"
    assert {offset: reason for offset, (reason, _) in apart.items()} == {
        offset: error.code for offset, error in bad.items() if offset in apart
    }
