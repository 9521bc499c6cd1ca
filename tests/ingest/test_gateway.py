"""The gate: judged once, in the log before anybody is told, and never lost in between."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.installation import until

from davy.domain.errors import BrokerError, Reason
from davy.domain.site import Trust
from davy.ingest.gateway import MOST_READINGS, Directory, Gateway, Message, Refused
from davy.ingest.inbox import Inbox
from davy.ingest.log import LogSettings
from davy.ingest.timekeeper import Timekeeper
from davy.wire.channels import ChannelKey, Channels
from davy.wire.entries import Block, Enrolled, Entry, Resumed, Tick, batch_of, partition_of
from davy.wire.envelope import Sender
from davy.wire.jws import sign
from davy.wire.senml import Sample, encode
from davy.wire.window import Ledger

KEY = bytes(range(32))
NOW_S = 1.76e9


class Shelf:
    """A log in memory; while `broken` it refuses, and `slow` makes it wait."""

    def __init__(self, partitions: int = 1) -> None:
        self.settings = LogSettings(partitions=partitions)
        self.entries: list[tuple[int, Entry]] = []
        self.keys: list[str | None] = []
        self.broken: Exception | None = None
        self.slow = asyncio.Event()
        self.slow.set()

    async def append(self, partition: int, entry: Entry, key: str | None = None) -> int:
        """As `Log.append`."""
        await self.slow.wait()
        self.keys.append(key)
        if self.broken is not None:
            raise self.broken
        self.entries.append((partition, entry))
        return len(self.entries)

    def values(self) -> list[float]:
        """All readings in the log that are no twins."""
        ledger, found = Ledger(), []
        for _, entry in self.entries:
            if isinstance(entry, Block):
                batch = batch_of(entry, ledger)
                found += batch.raw[batch.flags == 0].tolist()
        return found


def sender(device: str, index: int, **more: object) -> Sender:
    channels = Channels({"gas": ChannelKey(index, frozenset({"ppm"}), "ppm")})
    settings = {"key": KEY, "site": "home", **more}
    return Sender(device=device, index=index, channels=channels, **settings)  # type: ignore[arg-type]


SENDERS = {
    "a": sender("a", 0),
    "b": sender("b", 1),
    "gone": sender("gone", 2, revoked=True),
    "meter": sender("meter", 3, trust=Trust.TRANSPORT, key=None),
}
DIRECTORY = Directory(
    SENDERS, {"a": "home.one", "b": "home.two", "gone": "home.one", "meter": "home.one"}
)


class Gate:
    """A gateway with what it told."""

    def __init__(self, partitions: int = 1) -> None:
        self.log = Shelf(partitions)
        self.evidence: list[Refused] = []
        self.troubles: list[str] = []
        self.gateway = Gateway(
            self.log,  # type: ignore[arg-type]
            self.evidence.extend,
            lambda cause: self.troubles.append(str(cause) if cause else "over"),
        )
        self.gateway.directory = DIRECTORY

    def reconciles(self) -> bool:
        m = self.gateway.meters
        return m.messages == m.packs + m.retransmissions + m.redelivered + sum(m.refused.values())


def pack(value: float, seq: int, device: str = "a", boot: int = 1, rows: int = 1) -> bytes:
    samples = [Sample("gas", value, "ppm", NOW_S + row) for row in range(rows)]
    return sign(encode(device, samples), KEY, device, boot, seq)


def over_mqtt(payload: bytes, position: int, device: str = "a") -> Message:
    return Message(payload, NOW_S, f"$MQTT.msgs.davy.v1.home.{device}.readings", position)


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
    await gate.gateway.enrol(Enrolled(forgotten=(0,)), DIRECTORY)
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


# ---- requests


async def test_requests_that_come_together_share_a_block_and_each_gets_its_own_answer():
    gate = Gate()
    inbox = Inbox(gate.gateway, lambda: NOW_S)
    working = asyncio.create_task(inbox.run())
    gate.log.slow.clear()
    first = asyncio.create_task(inbox.submit(pack(0.0, 0)))
    await until(lambda: not gate.gateway._lock.locked() or inbox._waiting)
    others = [asyncio.create_task(inbox.submit(pack(float(n), n))) for n in range(1, 100)]
    bad = asyncio.create_task(inbox.submit(b"junk"))
    await asyncio.sleep(0)
    assert inbox.drained_s() == NOW_S
    gate.log.slow.set()
    outcomes = [await first, *[await one for one in others]]
    working.cancel()
    assert [one.accepted for one in outcomes] == [1] * 100
    refusal = (await bad).refusal
    assert refusal is not None
    assert refusal.reason is Reason.MALFORMED
    assert gate.gateway.meters.blocks <= 2
    assert gate.log.values() == [float(n) for n in range(100)]


async def test_a_request_that_waits_too_long_is_told_to_come_again_and_then_counts_once():
    gate = Gate()
    inbox = Inbox(gate.gateway, time.time, wait_s=0.05)
    working = asyncio.create_task(inbox.run())
    gate.log.slow.clear()
    with pytest.raises(BrokerError, match="send this pack again later"):
        await inbox.submit(pack(1.0, 0))
    gate.log.slow.set()
    again = await inbox.submit(pack(1.0, 0))
    working.cancel()
    assert (again.accepted, again.duplicate) == (0, 1)
    assert gate.log.values() == [1.0]


async def test_more_than_may_wait_are_told_so_at_once():
    inbox = Inbox(Gate().gateway, time.time, most_waiting=2)
    waiting = [asyncio.create_task(inbox.submit(pack(1.0, n))) for n in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(BrokerError, match="2 packs wait already"):
        await inbox.submit(pack(1.0, 2))
    for one in waiting:
        one.cancel()


# ---- time


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
