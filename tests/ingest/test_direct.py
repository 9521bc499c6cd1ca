"""The quick ways in over a real broker: QoS 0, and what a device's status tells."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import nats
import pytest

from davy.domain.batch import Presence
from davy.ingest import direct as directs
from davy.ingest.broker import Broker
from davy.ingest.direct import Direct
from davy.ingest.gateway import Message
from davy.ingest.nats_config import BrokerSettings, BrokerUser
from davy.wire.entries import Presences
from tests.ingest.gates import Gate, pack
from tests.installation import ended, until

DEVICE = BrokerUser(site="home", device="a", token="token-of-a")
READINGS, STATUS = "davy/v1/home/a/readings", "davy/v1/home/a/status"


class Way:
    """A gate with the quick way in before it."""

    def __init__(self, gate: Gate, direct: Direct, shown: list[Message]) -> None:
        self.gate, self.direct, self.shown = gate, direct, shown


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with Broker(BrokerSettings(data_dir=tmp_path / "nats", mqtt_port=0)) as running:
        await running.set_devices([DEVICE])
        yield running


@pytest.fixture
async def way(broker: Broker) -> AsyncIterator[Way]:
    login, gate, shown = broker.nats_credentials, Gate(), []
    client = await nats.connect(broker.nats_url, user=login.user, password=login.password)
    direct = Direct(client, gate.gateway, time.time, shown.append)
    await direct.open()
    await client.flush()
    work = asyncio.create_task(direct.run())
    yield Way(gate, direct, shown)
    await ended(work)
    await client.close()


@asynccontextmanager
async def device(broker: Broker) -> AsyncIterator[aiomqtt.Client]:
    at = broker.mqtt
    async with aiomqtt.Client(at.host, at.port, username="a", password=DEVICE.token) as client:
        yield client


async def test_a_qos_0_pack_goes_this_way_and_a_qos_1_pack_does_not(broker: Broker, way: Way):
    async with device(broker) as client:
        await client.publish(READINGS, pack(1.0, 0), qos=1)
        await client.publish(READINGS, pack(2.0, 1), qos=0)
        await client.publish(READINGS, b"junk", qos=0)
        await until(lambda: way.gate.gateway.meters.messages == 2)
    assert way.gate.log.values() == [2.0]
    assert [one.payload for one in way.gate.evidence] == [b"junk"]
    # Whoever watches for gas while the log is held up is shown all of them.
    assert [one.payload for one in way.shown] == [pack(1.0, 0), pack(2.0, 1), b"junk"]


async def test_time_stands_while_something_waits(broker: Broker, way: Way):
    way.gate.log.slow.clear()
    async with device(broker) as client:
        await client.publish(READINGS, pack(1.0, 0), qos=0)
        await until(lambda: way.gate.gateway.meters.messages == 1)
    arrived_s = way.direct.drained_s()
    await asyncio.sleep(0.05)
    assert way.direct.drained_s() == arrived_s < time.time() - 0.04
    way.gate.log.slow.set()
    await until(lambda: way.direct.drained_s() > arrived_s)


async def test_what_memory_has_no_room_for_is_dropped_and_counted(broker, way, monkeypatch):
    monkeypatch.setattr(directs, "_MOST_WAITING", 5)
    way.gate.log.slow.clear()
    async with device(broker) as client:
        for seq in range(9):
            await client.publish(READINGS, pack(float(seq), seq), qos=0)
        await until(lambda: way.direct.dropped == 4)
    way.gate.log.slow.set()
    await until(lambda: len(way.gate.log.values()) == 5)
    assert way.gate.log.values() == [0.0, 1.0, 2.0, 3.0, 4.0]


async def test_only_offline_counts_and_only_of_a_device_that_is_known(broker: Broker, way: Way):
    async with device(broker) as client:
        for text in (b'{"state":"online"}', b"", b"junk", b"\xff", b'{"state":["offline"]}'):
            await client.publish(STATUS, text, qos=1)
        await client.publish(STATUS, b'{"state":"offline","why":"battery"}', qos=1, retain=True)
        await until(lambda: way.gate.log.entries)
    ((_, entry),) = way.gate.log.entries
    assert isinstance(entry, Presences)
    (presence,) = entry.presences
    assert presence == Presence(device=0, online=False, at_s=presence.at_s)
    assert presence.at_s == pytest.approx(time.time(), abs=5)
