"""What stands in the log: there and back, and blocks that are columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.domain.alarm import Act, Event
from davy.domain.batch import Presence
from davy.domain.errors import DavyError
from davy.domain.flags import Flag
from davy.domain.site import Zone
from davy.wire.channels import Columns
from davy.wire.entries import (
    Acts,
    Enrolled,
    Packed,
    Presences,
    Resumed,
    Tick,
    batch_of,
    block_of,
    decode,
    encode,
    partition_of,
)
from davy.wire.envelope import NO_COUNT, Envelope, Sender
from davy.wire.window import Ledger

KITCHEN = Sender(device="kitchen", index=3, site="home", channels=None, key=bytes(32))  # type: ignore[arg-type]
METER = Sender(device="meter", index=4, site="home", channels=None, key=bytes(32))  # type: ignore[arg-type]


def pack(
    *values: float, seq: int = 0, boot: int = 1, sender: Sender = KITCHEN, mark: int | None = None
) -> Packed:
    n = len(values)
    columns = Columns(
        channel=np.arange(n, dtype=np.int32),
        time_s=1.7e9 + np.arange(n, dtype=np.float64),
        raw=np.array(values, np.float64),
        unit=np.full(n, 3, np.uint8),
        bad=(),
    )
    seen = seq + 1 if mark is None else mark
    return Packed(Envelope(sender, boot, seq, seen, columns), 1.7e9 + 60 + seq, position=seq + 7)


ENTRIES = [
    Tick(1.7e9 + 0.1),
    Resumed(1.7e9),
    Presences((Presence(device=3, online=False, at_s=1.7e9),)),
    Acts((Act(id="x", point=5, event=Event.SHELVE, by="anna", at_s=1.0, until_s=2.0, note="ü"),)),
    Enrolled(zones=(Zone(index=0, site="home", name="kitchen"),), forgotten=(3, 4)),
    block_of([pack(1.0, 2.0), pack(-0.0, 1e308, seq=1)], "mqtt"),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: type(entry).__name__)
def test_an_entry_comes_back_as_it_was_written(entry):
    assert decode(encode(entry)) == entry


@pytest.mark.parametrize(
    "data", [b"", b"\x93", b"garbage", encode(ENTRIES[0])[:-1], b"\x91\xa3new"]
)
def test_what_is_no_entry_of_ours_is_told(data):
    with pytest.raises(DavyError, match="written by a newer Davy"):
        decode(data)


@given(
    st.lists(st.lists(st.floats(allow_nan=False), min_size=1, max_size=5), min_size=1, max_size=8)
)
def test_a_block_holds_every_number_of_its_packs_bit_for_bit(packs):
    block = block_of([pack(*values, seq=seq) for seq, values in enumerate(packs)], "http")
    batch = batch_of(block, Ledger())
    assert batch.raw.tolist() == [value for values in packs for value in values]
    assert batch.arrived_s.tolist() == [
        1.7e9 + 60 + seq for seq, values in enumerate(packs) for _ in values
    ]
    assert batch.channel.tolist() == [row for values in packs for row in range(len(values))]
    assert batch.boot.tolist() == [1] * sum(map(len, packs))
    assert not batch.flags.any()
    assert (block.source, block.position) == ("http", len(packs) + 6)


TWINS = [
    ("new numbers", [(0, 1, 9), (1, 1, 9)], [False, False]),
    ("the same pack again", [(0, 1, 9), (0, 1, 9)], [False, True]),
    ("a used number with other bytes", [(0, 1, 9), (0, 1, 8)], [False, True]),
    ("an older boot", [(0, 2, 9), (1, 1, 9)], [False, True]),
    ("overtaken, and new all the same", [(1, 1, 9), (0, 1, 9)], [False, False]),
    ("devices that do not count", [(NO_COUNT, NO_COUNT, 0), (NO_COUNT, NO_COUNT, 0)], [False] * 2),
]


@pytest.mark.parametrize(("numbers", "twins"), [t[1:] for t in TWINS], ids=[t[0] for t in TWINS])
def test_what_the_ledger_has_seen_is_flagged_and_kept(numbers, twins):
    packs = [pack(1.0, 2.0, seq=seq, boot=boot, mark=mark) for seq, boot, mark in numbers]
    batch = batch_of(block_of(packs, "mqtt"), Ledger())
    assert len(batch) == 4
    assert ((batch.flags & Flag.DUPLICATE) != 0).tolist() == [t for t in twins for _ in range(2)]


def test_the_ledger_of_the_reader_moves_on_from_block_to_block():
    ledger, block = Ledger(), block_of([pack(1.0), pack(2.0, sender=METER)], "mqtt")
    assert not batch_of(block, ledger).flags.any()
    assert (batch_of(block, ledger).flags == Flag.DUPLICATE).all()


def test_what_votes_together_travels_together_and_zones_are_spread():
    zones = [f"home.zone-{number}" for number in range(1000)]
    partitions = [partition_of(zone, 8) for zone in zones]
    assert partitions == [partition_of(zone, 8) for zone in zones]
    assert set(partitions) == set(range(8))
    assert max(partitions.count(one) for one in range(8)) < 200
    assert {partition_of(zone, 1) for zone in zones} == {0}
