"""The durable way in over a real broker: no acknowledged pack is lost, whatever is cut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from urllib.parse import urlsplit

import aiomqtt
import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from davy.domain.errors import BrokerError
from davy.ingest.broker import Broker
from davy.ingest.nats_config import BrokerSettings, BrokerUser
from davy.ingest.stored import CONSUMER, STREAM, Stored
from tests.ingest.gates import Gate, pack
from tests.installation import ended, until

DEVICE = BrokerUser(site="home", device="a", token="token-of-a")
TOPIC = "davy/v1/home/a/readings"


class Wire:
    """A TCP proxy that can be cut: what is on its way is lost, and both ends may come back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._links: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Ends every connection without a word."""
        for link in list(self._links):
            link.transport.abort()
        self._links.clear()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, beyond = await asyncio.open_connection("127.0.0.1", self._port)
        self._links |= {writer, beyond}
        with suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(_pump(reader, beyond), _pump(there, writer))


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(1 << 14):
        target.write(data)
        await target.drain()
    target.close()


@asynccontextmanager
async def connected(broker: Broker, port: int | None = None) -> AsyncIterator[Client]:
    login = broker.nats_credentials

    async def quiet(_: Exception) -> None:
        return

    client = await nats.connect(
        f"nats://127.0.0.1:{port or urlsplit(broker.nats_url).port}",
        user=login.user,
        password=login.password,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.02,
        error_cb=quiet,
    )
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def reading(client: Client, gate: Gate, inbox_bytes: int = 1 << 28) -> AsyncIterator[Stored]:
    """The durable way in, at work."""
    stored = Stored(client, gate.gateway, time.time, inbox_bytes)
    await stored.open({})
    work = asyncio.create_task(stored.run())
    try:
        yield stored
    finally:
        await ended(work)


@pytest.fixture
async def broker(tmp_path) -> AsyncIterator[Broker]:
    async with Broker(BrokerSettings(data_dir=tmp_path / "nats", mqtt_port=0)) as running:
        login = running.nats_credentials
        async with aiomqtt.Client(
            running.mqtt.host, running.mqtt.port, username=login.user, password=login.password
        ):
            pass  # the stream of stored messages appears with the first client
        async with connected(running) as client:
            await Stored(client, Gate().gateway, time.time, 1 << 28).open({})
        await running.set_devices([DEVICE])
        yield running


@asynccontextmanager
async def device(broker: Broker) -> AsyncIterator[aiomqtt.Client]:
    at = broker.mqtt
    async with aiomqtt.Client(
        at.host, at.port, username="a", password=DEVICE.token, identifier="a"
    ) as client:
        client.pending_calls_threshold = 10_000
        yield client


async def test_what_was_acknowledged_before_anybody_read_is_read_in_order(broker: Broker):
    gate = Gate()
    async with device(broker) as client:
        await asyncio.gather(*(client.publish(TOPIC, pack(float(n), n), qos=1) for n in range(500)))
    async with connected(broker) as link, reading(link, gate):
        await until(lambda: len(gate.log.values()) == 500)
    assert gate.log.values() == [float(n) for n in range(500)]


async def test_a_message_is_acknowledged_when_it_stands_in_the_log_and_not_before(broker: Broker):
    gate = Gate()
    async with device(broker) as client, connected(broker) as link, reading(link, gate):
        gate.log.slow.clear()
        await client.publish(TOPIC, pack(1.0, 0), qos=1)
        await until(lambda: gate.gateway.meters.messages == 1)
        stream = link.jetstream()
        assert (await stream.consumer_info(STREAM, CONSUMER)).num_ack_pending == 1
        gate.log.slow.set()

        async def acknowledged() -> bool:
            return (await stream.consumer_info(STREAM, CONSUMER)).num_ack_pending == 0

        await until(acknowledged)


async def test_a_reader_that_died_before_it_acknowledged_is_followed_by_one_that_begins_there(
    broker: Broker,
):
    first, second = Gate(), Gate()
    async with device(broker) as client:
        async with connected(broker) as link, reading(link, first):
            await client.publish(TOPIC, pack(1.0, 0), qos=1)
            await until(lambda: first.log.values() == [1.0])
            first.log.slow.clear()
            await client.publish(TOPIC, pack(2.0, 1), qos=1)
            await until(lambda: first.gateway.meters.messages == 2)
        async with connected(broker) as link, reading(link, second):
            await until(lambda: second.log.values() == [2.0])


async def test_no_acknowledged_pack_is_lost_when_the_connection_is_cut_again_and_again(broker):
    gate, chance = Gate(), Random(1815)
    sent = 0
    async with (
        Wire(urlsplit(broker.nats_url).port or 0) as wire,
        connected(broker, wire.port) as link,
        reading(link, gate),
        device(broker) as client,
    ):

        async def publish() -> None:
            nonlocal sent
            while True:
                await asyncio.gather(
                    *(
                        client.publish(TOPIC, pack(float(n), n), qos=1)
                        for n in range(sent, sent + 50)
                    )
                )
                sent += 50

        publishing = asyncio.create_task(publish())
        for _ in range(12):
            await asyncio.sleep(chance.uniform(0.02, 0.3))
            wire.cut()
        here = sent
        await until(lambda: sent > here + 100)
        await ended(publishing)
        await until(lambda: len(gate.log.values()) >= sent)

    values = gate.log.values()
    assert values == [float(n) for n in range(len(values))], "once, in order, without a gap"
    assert sent <= len(values) <= sent + 50
    assert gate.reconciles()


async def test_time_goes_on_only_as_far_as_everything_was_read(broker: Broker):
    gate = Gate()
    async with device(broker) as client, connected(broker) as link, reading(link, gate) as stored:
        await until(lambda: stored.drained_s() > 0)
        assert stored.drained_s() <= time.time()
        gate.log.slow.clear()
        await client.publish(TOPIC, pack(1.0, 0), qos=1)
        arrived_s = time.time()
        await until(lambda: gate.gateway.meters.messages == 1)
        await asyncio.sleep(1.2)  # longer than any pull
        assert stored.drained_s() <= arrived_s
        gate.log.slow.set()
        await until(lambda: stored.drained_s() > arrived_s)


async def test_a_broker_that_keeps_its_messages_elsewhere_is_told(tmp_path):
    async with (
        Broker(BrokerSettings(data_dir=tmp_path / "nats", mqtt_port=0)) as running,
        connected(running) as link,
    ):
        with pytest.raises(BrokerError, match="use the nats-server version that Davy names"):
            await Stored(link, Gate().gateway, time.time, 1 << 28).open({})


async def test_a_delivery_that_was_lost_on_the_way_comes_again_before_what_followed_it(broker):
    gate = Gate()
    async with device(broker) as client:
        packs = [pack(float(n), n) for n in range(20)]
        await asyncio.gather(*(client.publish(TOPIC, one, qos=1) for one in packs))
    async with connected(broker) as link:
        stored = Stored(link, gate.gateway, time.time, 1 << 28)
        await stored.open({})
        take, lost = stored._take, []

        async def forgetful(inbox: str, message: Msg) -> None:
            if message.data == packs[7] and not lost:
                lost.append(message)
                stored._owed -= 1
            else:
                await take(inbox, message)

        stored._take = forgetful  # type: ignore[method-assign]
        work = asyncio.create_task(stored.run())
        await until(lambda: len(gate.log.values()) == 20)
        await ended(work)
    assert lost
    assert gate.log.values() == [float(n) for n in range(20)]
