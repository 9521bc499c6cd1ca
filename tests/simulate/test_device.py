"""A virtual device against the real broker: what it says is what the contract says."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import aiomqtt
import pytest

from davy.domain.errors import BrokerError
from davy.ingest.broker import Broker
from davy.ingest.nats_config import BrokerSettings, BrokerUser
from davy.simulate.device import Account, VirtualDevice
from davy.wire.jws import verify
from davy.wire.senml import Sample, decode

KEY = bytes(range(32))
TOKEN = "kitchen-token"
READINGS = "davy/v1/home/kitchen-1/readings"
STATUS = "davy/v1/home/kitchen-1/status"


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with Broker(BrokerSettings(data_dir=tmp_path / "nats", mqtt_port=0)) as running:
        await running.set_devices([BrokerUser(site="home", device="kitchen-1", token=TOKEN)])
        yield running


class Ear:
    """Hears everything that is published, as Davy's own user."""

    def __init__(self, broker: Broker) -> None:
        self.heard: list[tuple[str, bytes]] = []
        login = broker.nats_credentials
        self._client = aiomqtt.Client(
            broker.mqtt.host, broker.mqtt.port, username=login.user, password=login.password
        )

    async def __aenter__(self) -> Ear:
        await self._client.__aenter__()
        await self._client.subscribe("davy/v1/#", qos=1)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *about: object) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        with suppress(aiomqtt.MqttError):
            await self._client.__aexit__(None, None, None)

    async def _listen(self) -> None:
        async for message in self._client.messages:
            self.heard.append((str(message.topic), bytes(message.payload)))

    def packs(self) -> list[bytes]:
        return [payload for topic, payload in self.heard if topic == READINGS]

    def states(self) -> list[bytes]:
        return [payload for topic, payload in self.heard if topic == STATUS]


class Relay:
    """A wire that can be cut: TCP to the broker, without a word to either end."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, far_writer}
        for one, other in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._carry(one, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)


def kitchen(port: int, *, key: bytes | None = KEY, boot: int = 3, **more: int) -> VirtualDevice:
    account = Account(site="home", device="kitchen-1", token=TOKEN, key=key, port=port)
    return VirtualDevice(account, boot=boot, **more)


def numbered(count: int, start: int = 0) -> list[Sample]:
    return [Sample("mq4", float(n), "mV", 1.7e9 + n) for n in range(start, start + count)]


def values(packs: list[bytes], *, signed: bool = True) -> list[float]:
    payloads = [verify(pack, lambda _: KEY).payload if signed else pack for pack in packs]
    return [v for payload in payloads for v in decode(payload, "kitchen-1", 1.7e9).values]


async def until(reached: Callable[[], bool], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not reached():  # noqa: ASYNC110 - nothing here sets an event
            await asyncio.sleep(0.01)


async def test_it_signs_what_it_sends_and_counts_from_zero(broker):
    async with Ear(broker) as ear, kitchen(broker.mqtt.port, most_samples=2) as device:
        device.measure(numbered(5))
        await device.drained(5)
        await until(lambda: len(ear.packs()) == 3)

        signed = [verify(pack, lambda _: KEY) for pack in ear.packs()]
        assert [(one.device, one.boot, one.seq) for one in signed] == [
            ("kitchen-1", 3, 0),
            ("kitchen-1", 3, 1),
            ("kitchen-1", 3, 2),
        ]
        assert values(ear.packs()) == [0, 1, 2, 3, 4]
        assert (device.packs, device.acknowledged, device.waiting, device.lost) == (3, 5, 0, 0)


async def test_without_a_key_it_sends_plain_senml(broker):
    async with Ear(broker) as ear, kitchen(broker.mqtt.port, key=None) as device:
        device.measure(numbered(2))
        await until(lambda: bool(ear.packs()))

        assert values(ear.packs(), signed=False) == [0, 1]


async def test_a_sample_without_a_time_is_of_the_moment_at_which_it_arrives(broker):
    async with Ear(broker) as ear, kitchen(broker.mqtt.port) as device:
        device.measure([Sample("mq4", 412.0, "mV")])
        await until(lambda: bool(ear.packs()))

        payload = verify(ear.packs()[0], lambda _: KEY).payload
        assert decode(payload, "kitchen-1", 1.7e9).times_s == [1.7e9]


async def test_many_packs_on_the_way_at_once_arrive_in_the_order_of_their_numbers(broker):
    async with Ear(broker) as ear, kitchen(broker.mqtt.port, most_samples=1) as device:
        device.measure(numbered(2000))
        await device.drained(20)
        await until(lambda: len(ear.packs()) == 2000)

        assert [verify(pack, lambda _: KEY).seq for pack in ear.packs()] == list(range(2000))


async def test_it_is_online_when_it_comes_and_offline_when_it_goes(broker):
    async with Ear(broker) as ear:
        async with kitchen(broker.mqtt.port) as device:
            await device.online(5)
        await until(lambda: len(ear.states()) == 2)

        assert ear.states() == [b'{"state":"online"}', b'{"state":"offline"}']


async def test_a_cut_wire_leaves_the_last_will_and_what_waited_follows_with_the_same_bytes(broker):
    async with Ear(broker) as ear, Relay(broker.mqtt.port) as wire:
        async with kitchen(wire.port, most_samples=1) as device:
            await device.online(5)
            device.measure(numbered(1000))
            await until(lambda: device.packs > 100)
            wire.cut()
            device.measure(numbered(1000, start=1000))
            await device.drained(20)
            await until(lambda: len(set(ear.packs())) == 2000)

        once = list(dict.fromkeys(ear.packs()))
        assert values(once) == list(range(2000)), "in order, and what came twice is byte for byte"
        assert [verify(pack, lambda _: KEY).seq for pack in once] == list(range(2000))
        assert device.connections == 2
        assert b'{"state":"offline"}' in ear.states()[1:3]


async def test_a_broker_that_is_killed_gets_every_sample_when_it_is_back(broker):
    async with kitchen(broker.mqtt.port, most_samples=1) as device:
        await device.online(5)
        os.kill(broker.pid, signal.SIGKILL)
        device.measure(numbered(500))
        await device.drained(20)

        assert (device.acknowledged, device.connections) == (500, 2)


async def test_when_there_is_no_room_the_oldest_samples_are_lost_and_counted(broker):
    device = kitchen(broker.mqtt.port, most_waiting=3)
    device.measure(numbered(5))
    async with Ear(broker) as ear, device:
        await device.drained(5)
        await until(lambda: bool(ear.packs()))

        assert device.lost == 2
        assert values(ear.packs()) == [2, 3, 4]


async def test_a_wrong_token_is_said_with_device_and_address(broker):
    account = Account(site="home", device="kitchen-1", token="another-one", port=broker.mqtt.port)
    async with VirtualDevice(account, boot=1) as device:
        with pytest.raises(BrokerError) as told:
            await device.online(0.5)

    assert f"device kitchen-1 at 127.0.0.1:{broker.mqtt.port}" in str(told.value)
    assert "another-one" not in str(told.value)


async def test_ten_thousand_packs_a_second_leave_one_process(broker):
    names = [f"nose-{n}" for n in range(6)]
    await broker.set_devices([BrokerUser(site="home", device=name, token=TOKEN) for name in names])
    devices = [
        VirtualDevice(
            Account(site="home", device=name, token=TOKEN, key=KEY, port=broker.mqtt.port),
            boot=1,
            most_samples=1,
        )
        for name in names
    ]
    for device in devices:
        await device.__aenter__()
    await asyncio.gather(*(device.online(5) for device in devices))

    began_s = time.process_time()
    for device in devices:
        device.measure(numbered(1000))
    await asyncio.gather(*(device.drained(30) for device in devices))
    cpu_s = time.process_time() - began_s

    for device in devices:
        await device.__aexit__()
    # Our own CPU time, twice what was measured: a busy machine must not fail this.
    assert cpu_s / 6000 < 130e-6
