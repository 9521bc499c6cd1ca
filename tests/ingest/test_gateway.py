"""The gate: judged once, in the log before anybody is told, and never lost in between."""

from __future__ import annotations

import asyncio

import pytest

from davy.domain.errors import BrokerError, Reason
from davy.ingest.gateway import MOST_READINGS, Message
from davy.ingest.timekeeper import Timekeeper
from davy.wire.entries import Block, Enrolled, Resumed, Tick, batch_of, partition_of
from davy.wire.senml import Sample, encode
from davy.wire.window import Ledger
from tests.ingest.gates import DIRECTORY, NOW_S, Gate, over_mqtt, pack
from tests.installation import until


async def test_what_passes_is_one_block_in_the_order_in_which_it_came():
    gate = Gate()
    outcomes = await gate.gateway.take(
        "mqtt", [over_mqtt(pack(float(n), n), n + 1) for n in range(300)]
    )
    assert [one.accepted for one in outcomes] == [1] * 300
    ((partition, block),) = gate.log.entries
    assert partition == 0
    assert isinstance(block, Block)
    assert block.position == 300
    assert gate.log.values() == [float(n) for n in range(300)]
    assert gate.reconciles()


async def test_a_block_is_never_larger_than_the_broker_takes_and_a_pack_is_never_cut():
    gate = Gate()
    messages = [over_mqtt(pack(float(n), n, rows=3000), n + 1) for n in range(12)]
    await gate.gateway.take("mqtt", messages)
    sizes = [len(batch_of(block, Ledger())) for _, block in gate.log.entries]  # type: ignore[arg-type]
    assert sum(sizes) == 36_000
    assert all(size <= MOST_READINGS and size % 3000 == 0 for size in sizes)
    assert gate.gateway.meters.blocks == len(sizes)


async def test_each_zone_goes_to_its_own_partition():
    gate = Gate(partitions=8)
    await gate.gateway.take(
        "mqtt", [over_mqtt(pack(1.0, 0), 1), over_mqtt(pack(2.0, 0, "b"), 2, "b")]
    )
    assert {partition for partition, _ in gate.log.entries} == {
        partition_of("home.one", 8),
        partition_of("home.two", 8),
    }


async def test_what_a_crash_delivers_again_is_told_by_its_place_signed_or_not():
    gate = Gate()
    plain = encode("meter", [Sample("gas", 5.0, "ppm", NOW_S)])
    messages = [over_mqtt(pack(1.0, 0), 1), over_mqtt(plain, 2, "meter")]
    await gate.gateway.take("mqtt", messages)
    again = await gate.gateway.take("mqtt", [*messages, over_mqtt(pack(2.0, 1), 3)])
    assert [(one.accepted, one.duplicate) for one in again] == [(0, 1), (0, 1), (1, 0)]
    assert gate.gateway.meters.redelivered == 2
    assert gate.log.values() == [1.0, 5.0, 2.0]
    assert gate.evidence == []
    assert gate.reconciles()


async def test_a_retransmission_is_no_attack_and_a_replay_is():
    gate = Gate()
    packs = [pack(1.0, 5), pack(1.0, 5), pack(2.0, 5), pack(3.0, 4), pack(4.0, 9, boot=0)]
    outcomes = await gate.gateway.take("http", [Message(one, NOW_S) for one in packs])
    assert [one.refusal.reason if one.refusal else one.accepted for one in outcomes] == [
        1,
        0,
        Reason.REPLAYED,
        1,
        Reason.STALE,
    ]
    assert [one.reason for one in gate.evidence] == [Reason.REPLAYED, Reason.STALE]
    assert gate.reconciles()


async def test_evidence_says_who_where_and_what():
    gate = Gate()
    messages = [
        over_mqtt(b"junk", 1),
        over_mqtt(pack(1.0, 0, "gone"), 2, "gone"),
        Message(pack(1.0, 0, "shed"), NOW_S),
        Message(b"x", NOW_S, "davy.v1.home.a.frames"),
    ]
    await gate.gateway.take("mqtt", messages)
    assert [(one.reason, one.device, one.payload) for one in gate.evidence] == [
        (Reason.MALFORMED, "a", b"junk"),
        (Reason.REVOKED_DEVICE, "gone", messages[1].payload),
        (Reason.UNKNOWN_DEVICE, "", messages[2].payload),
        (Reason.FOREIGN_TOPIC, "a", b"x"),
    ]
    assert gate.log.entries == []
    assert gate.reconciles()


async def test_a_log_that_fails_is_tried_again_under_one_key_and_nobody_is_told_before():
    gate = Gate()
    gate.log.broken = BrokerError("the disk is full")
    taking = asyncio.create_task(gate.gateway.take("http", [Message(pack(1.0, 0), NOW_S)]))
    await until(lambda: len(gate.log.keys) >= 2)
    assert not taking.done()
    assert gate.troubles[0] == "the disk is full"
    gate.log.broken = None
    assert [one.accepted for one in await taking] == [1]
    assert len(set(gate.log.keys)) == 1, "the server knows a second attempt by it"
    assert gate.troubles[-1] == "over"
    assert gate.log.values() == [1.0]


async def test_what_was_judged_and_not_written_is_welcome_when_it_comes_again():
    gate = Gate()
    messages = [over_mqtt(pack(1.0, 0), 1), over_mqtt(pack(2.0, 1), 2)]
    gate.log.broken = RuntimeError("a fault of our own")
    with pytest.raises(RuntimeError):
        await gate.gateway.take("mqtt", messages)
    gate.log.broken = None
    outcomes = await gate.gateway.take("mqtt", messages)
    assert [one.accepted for one in outcomes] == [1, 1]
    assert gate.log.values() == [1.0, 2.0]


async def test_the_gate_of_a_restart_knows_what_the_log_knows():
    gate, later = Gate(), Gate()
    await gate.gateway.take("mqtt", [over_mqtt(pack(1.0, 0), 7)])
    ledger = Ledger()
    (_, block) = gate.log.entries[0]
    assert isinstance(block, Block)
    batch_of(block, ledger)
    later.gateway.restore(ledger, {("mqtt", 0): block.position})
    outcomes = await later.gateway.take(
        "mqtt", [over_mqtt(pack(1.0, 0), 7), over_mqtt(pack(1.0, 0), 8), over_mqtt(pack(9.0, 0), 9)]
    )
    meters = later.gateway.meters
    assert (meters.redelivered, meters.retransmissions) == (1, 1)
    assert outcomes[2].refusal is not None
    assert later.log.entries == []


async def test_a_new_key_begins_a_new_count_between_two_packs():
    gate = Gate()
    await gate.gateway.take("http", [Message(pack(1.0, 0, boot=9), NOW_S)])
    await gate.gateway.enrol([Enrolled(forgotten=(0,))], DIRECTORY)
    (outcome,) = await gate.gateway.take("http", [Message(pack(2.0, 0, boot=1), NOW_S)])
    assert outcome.accepted == 1
    assert [type(entry) for _, entry in gate.log.entries] == [Block, Enrolled, Block]


async def test_an_entry_for_all_goes_to_every_partition_and_one_of_a_zone_to_its_own():
    gate = Gate(partitions=4)
    await gate.gateway.write(Resumed(NOW_S))
    await gate.gateway.write(Tick(NOW_S), "home.one")
    assert [partition for partition, _ in gate.log.entries] == [
        0, 1, 2, 3, partition_of("home.one", 4),
    ]  # fmt: skip


async def test_a_tick_never_overtakes_what_has_not_been_read():
    gate = Gate()
    read_to = {"mqtt": 0.0, "http": 50.0}
    clock = Timekeeper(gate.gateway, [lambda: read_to["mqtt"], lambda: read_to["http"]], 0.001)
    working = asyncio.create_task(clock.run())
    await asyncio.sleep(0.02)
    assert gate.log.entries == [], "an input that was never read holds time back"
    for mqtt_s, wanted in ((10.0, 10.0), (9.0, 10.0), (60.0, 50.0)):
        read_to["mqtt"] = mqtt_s
        await until(lambda wanted=wanted: clock.watermark_s == wanted)
        await asyncio.sleep(0.005)
    working.cancel()
    assert [entry for _, entry in gate.log.entries] == [Tick(10.0), Tick(50.0)]
