"""The bridge, against real foreign brokers: a second nats-server, and Mosquitto where it is."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import nats
import pytest

from davy.domain.errors import BrokerError, Reason
from davy.ingest.bridge import GRACE_S, Bridge, BridgeSettings
from davy.ingest.broker import Broker
from davy.ingest.external import Credentials, Endpoint
from davy.ingest.gateway import Gateway, Message, Outcome, Refused
from davy.ingest.log import Log, LogSettings
from davy.ingest.nats_config import BrokerSettings, BrokerUser
from davy.simulate.device import Account, VirtualDevice
from davy.wire.entries import Block, batch_of
from davy.wire.jws import key_to_text
from davy.wire.senml import Sample
from davy.wire.window import Ledger
from tests.ingest.bridge_process import directory

CHILD = Path(__file__).with_name("bridge_process.py")
TOKEN = "token-of-the-device"
KEYS = {f"nose-{n}": bytes([n] * 32) for n in range(4)}
PER_DEVICE = 500


@dataclass(frozen=True)
class Foreign:
    """A broker that the site runs: its port, and Davy's login there."""

    port: int
    login: Credentials | None = None
    broker: Broker | None = None


@asynccontextmanager
async def foreign_nats(directory: Path) -> AsyncIterator[Foreign]:
    async with Broker(BrokerSettings(data_dir=directory / "foreign", mqtt_port=0)) as broker:
        await broker.set_devices([BrokerUser(site="home", device=d, token=TOKEN) for d in KEYS])
        yield Foreign(broker.mqtt.port, broker.nats_credentials, broker)


@asynccontextmanager
async def mosquitto(directory: Path) -> AsyncIterator[Foreign]:
    binary = shutil.which("mosquitto") or shutil.which(
        "mosquitto", path="/usr/sbin:/usr/local/sbin"
    )
    if binary is None:
        pytest.skip("mosquitto is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = directory / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    process = await asyncio.create_subprocess_exec(
        binary, "-c", str(config), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await until(lambda: listens(port))
        yield Foreign(port)
    finally:
        process.kill()
        await process.wait()


async def until(reached: Callable[[], bool], within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not reached():  # noqa: ASYNC110 - nothing here sets an event
            await asyncio.sleep(0.01)


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


@pytest.fixture
async def ours(tmp_path: Path) -> AsyncIterator[Broker]:
    """The broker that holds Davy's log."""
    async with Broker(BrokerSettings(data_dir=tmp_path / "ours", mqtt_port=0)) as broker:
        yield broker


@asynccontextmanager
async def opened(broker: Broker) -> AsyncIterator[Log]:
    login = broker.nats_credentials
    client = await nats.connect(broker.nats_url, user=login.user, password=login.password)
    log = Log(client, LogSettings())
    await log.open()
    try:
        yield log
    finally:
        await client.close()


@dataclass
class House:
    """A bridge that runs, and what it said."""

    bridge: Bridge
    gateway: Gateway
    running: asyncio.Task[None]
    refused: list[Refused]
    said: list[BrokerError | None]


@asynccontextmanager
async def bridged(
    log: Log, foreign: Foreign, kind: type[Gateway] = Gateway
) -> AsyncIterator[House]:
    refused: list[Refused] = []
    said: list[BrokerError | None] = []
    gateway = kind(log, keep=refused.extend, on_trouble=said.append)
    gateway.directory = directory({device: key_to_text(key) for device, key in KEYS.items()})
    settings = BridgeSettings(broker=Endpoint("127.0.0.1", foreign.port), credentials=foreign.login)
    bridge = Bridge(settings, gateway, time.time, said.append)
    running = asyncio.create_task(bridge.run())
    try:
        yield House(bridge, gateway, running, refused, said)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def nose(foreign: Foreign, device: str, boot: int = 1) -> VirtualDevice:
    account = Account(site="home", device=device, token=TOKEN, key=KEYS[device], port=foreign.port)
    return VirtualDevice(account, boot=boot, most_samples=1)


def numbered(numbers: Sequence[int]) -> list[Sample]:
    return [Sample("mq4", float(n), "mV", 1.7e9 + n) for n in numbers]


async def blocks(log: Log) -> list[Block]:
    _, last = await log.bounds()
    found: list[Block] = []
    async for some in log.read(0):
        found += [one.entry for one in some if isinstance(one.entry, Block)]
        if some[-1].sequence >= last:
            break
    return found


async def impatient(foreign: Foreign) -> None:
    """A NATS sends again after 30 s what was not acknowledged; the tests wait one."""
    if foreign.broker is None or foreign.login is None:
        return
    user, password = foreign.login.user, foreign.login.password
    client = await nats.connect(foreign.broker.nats_url, user=user, password=password)
    stream = client.jetstream()
    for info in await stream.consumers_info("$MQTT_msgs"):
        await stream.add_consumer("$MQTT_msgs", replace(info.config, ack_wait=1))
    await client.close()


class Process:
    """The bridge as a process of its own, so that it can be killed like one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.connected = False
        self.packs = self.known = 0
        self._reading = asyncio.create_task(self._read())

    @staticmethod
    async def start(ours: Broker, foreign: Foreign) -> Process:
        login = ours.nats_credentials
        told = {
            "nats": ours.nats_url,
            "user": login.user,
            "password": login.password,
            "port": foreign.port,
            "login": foreign.login and [foreign.login.user, foreign.login.password],
            "keys": {device: key_to_text(key) for device, key in KEYS.items()},
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(CHILD), json.dumps(told), stdout=asyncio.subprocess.PIPE
        )
        return Process(process)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            if line.startswith(b"["):
                self.connected = True
                self.packs, self.known = json.loads(line)

    async def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        await self._reading


class DiesAfterwards(Gateway):
    """A gateway whose process ends when the log has the packs and the broker does not know."""

    async def take(self, source: str, messages: Sequence[Message]) -> list[Outcome]:
        await super().take(source, messages)
        raise ProcessLookupError("killed")


FOREIGN = {"nats-server": foreign_nats, "mosquitto": mosquitto}


@pytest.fixture(params=FOREIGN)
async def foreign(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Foreign]:
    async with FOREIGN[request.param](tmp_path) as running:
        yield running


async def test_a_bridge_killed_in_the_middle_of_2000_packs_loses_none_and_stores_none_twice(
    ours, foreign
):
    total = PER_DEVICE * len(KEYS)
    first = await Process.start(ours, foreign)
    await until(lambda: first.connected)
    await impatient(foreign)
    async with AsyncExitStack() as stack:
        noses = [await stack.enter_async_context(nose(foreign, device)) for device in KEYS]
        for one in noses:
            one.measure(numbered(range(PER_DEVICE // 2)))
        await until(lambda: first.packs > 0)
        for one in noses:
            one.measure(numbered(range(PER_DEVICE // 2, PER_DEVICE)))
        await first.kill()
        for one in noses:
            await one.drained(20)
    second = await Process.start(ours, foreign)
    try:
        async with opened(ours) as log:
            async with asyncio.timeout(60):
                while len(stored := readings(await blocks(log))) < total:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
    finally:
        await second.kill()

    assert first.packs < total
    for index in range(len(KEYS)):
        theirs = [value for channel, value in stored if channel == index]
        assert sorted(theirs) == list(range(PER_DEVICE))
        if foreign.broker is None:  # a NATS may bring what was not acknowledged behind the rest
            assert theirs == list(range(PER_DEVICE)), "in the order of the device"


async def test_what_the_log_has_and_the_broker_was_not_told_of_comes_again_and_is_known(
    ours, foreign
):
    async with opened(ours) as log:
        async with bridged(log, foreign, DiesAfterwards) as house:
            await until(lambda: house.bridge.connected)
            await impatient(foreign)
            async with nose(foreign, "nose-0") as device:
                device.measure(numbered([1]))
                await device.drained(10)
            await until(house.running.done)
            ledger = house.gateway._ledger
        async with bridged(log, foreign) as again:
            again.gateway.restore(ledger, {})
            await until(lambda: again.gateway.meters.messages > 0, 60)

            assert again.gateway.meters.retransmissions == 1
            assert readings(await blocks(log)) == [(0, 1.0)]


async def test_packs_sent_while_nobody_read_are_read_later(ours, foreign):
    async with opened(ours) as log:
        async with bridged(log, foreign) as house:
            await until(lambda: house.bridge.connected)
        async with nose(foreign, "nose-0") as device:
            device.measure(numbered(range(300)))
            await device.drained(10)
        async with bridged(log, foreign) as house:
            await until(lambda: house.gateway.meters.packs == 300)

            assert readings(await blocks(log)) == [(0, float(n)) for n in range(300)]
            assert house.bridge.sessions_lost == 0


async def test_a_broker_that_dies_is_trouble_until_it_is_back_and_nothing_is_lost(ours, tmp_path):
    async with (
        foreign_nats(tmp_path) as foreign,
        opened(ours) as log,
        bridged(log, foreign) as house,
        nose(foreign, "nose-0") as device,
    ):
        await until(lambda: house.bridge.connected)
        assert foreign.broker is not None
        os.kill(foreign.broker.pid, signal.SIGKILL)
        await until(lambda: bool(house.said))
        device.measure(numbered(range(10)))
        await until(lambda: house.gateway.meters.packs == 10, 30)

        assert isinstance(house.said[0], BrokerError)
        assert f"bridge to mqtt://127.0.0.1:{foreign.port}: the connection ended" in str(
            house.said[0]
        )
        assert house.said[-1] is None


async def test_a_wrong_password_is_told_with_the_address_and_without_the_password(ours, tmp_path):
    async with foreign_nats(tmp_path) as foreign, opened(ours) as log:
        wrong = replace(foreign, login=Credentials("_davy", "open-sesame"))
        async with bridged(log, wrong) as house:
            await until(lambda: bool(house.said))

            assert "refused: " in str(house.said[0])
            assert f"mqtt://127.0.0.1:{foreign.port}" in str(house.said[0])
            assert "sesame" not in str(house.said[0])


async def test_a_forged_pack_becomes_evidence_and_is_acknowledged(ours, tmp_path):
    async with foreign_nats(tmp_path) as foreign, opened(ours) as log:
        async with bridged(log, foreign) as house:
            await until(lambda: house.bridge.connected)
            account = Account(
                site="home", device="nose-0", token=TOKEN, key=bytes(32 * [9]), port=foreign.port
            )
            async with VirtualDevice(account, boot=1) as forger:
                forger.measure(numbered([1]))
                await until(lambda: bool(house.refused))
        async with bridged(log, foreign) as later:
            await until(lambda: later.bridge.connected)
            await asyncio.sleep(0.3)

            assert [one.reason for one in house.refused] == [Reason.BAD_SIGNATURE]
            assert house.refused[0].topic == "davy/v1/home/nose-0/readings"
            assert later.gateway.meters.messages == 0


async def test_time_is_told_up_to_now_once_all_that_waited_was_read(ours, foreign):
    async with opened(ours) as log, bridged(log, foreign) as house:
        await until(lambda: house.bridge.connected)
        await until(lambda: time.time() - house.bridge.drained_s() < 0.2, 2)


async def test_a_broker_that_is_away_holds_time_back_a_little_and_never_stops_it(ours):
    nobody = Foreign(port=9)
    async with opened(ours) as log, bridged(log, nobody) as house:
        await until(lambda: bool(house.said))
        behind_s = time.time() - house.bridge.drained_s()

        assert behind_s == pytest.approx(GRACE_S, abs=0.2)


def readings(blocks: Sequence[Block]) -> list[tuple[int, float]]:
    """(channel, value) as a reader of the log takes them: what stands twice counts once."""
    ledger = Ledger()
    found: list[tuple[int, float]] = []
    for block in blocks:
        batch = batch_of(block, ledger)
        new = batch.flags == 0
        found += zip(batch.channel[new].tolist(), batch.raw[new].tolist(), strict=True)
    return found
