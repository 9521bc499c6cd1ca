"""Recordings played: over MQTT into the real log, and as batches without a broker."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiomqtt
import nats
import numpy as np
import pytest

from davy.domain.batch import Batch
from davy.domain.errors import BrokerError, UnknownName
from davy.domain.plan import Plan
from davy.domain.site import UNITS, Zone
from davy.ingest.broker import Broker
from davy.ingest.gateway import Directory, Gateway
from davy.ingest.log import Log, LogSettings
from davy.ingest.nats_config import BrokerSettings, BrokerUser
from davy.ingest.recorded import Recorded, read
from davy.ingest.replay import batches, play
from davy.ingest.stored import Stored
from davy.service.papers import DeviceOrder, sender_of
from davy.simulate.device import Account, VirtualDevice
from davy.store.words import Secret
from davy.wire.entries import Block, batch_of
from davy.wire.window import Ledger

DATA = Path(os.environ.get("DAVY_DATA") or Path(__file__).parents[2] / "../shared/data")
TELEMETRY = DATA / "mq2_telemetry" / "iot_mq2_telemetry_24h.csv.gz"
ENOSE = DATA / "enose" / "Gas_Sensors_Measurements.csv"
KEY, TOKEN = bytes(32), "token-of-a-recording"


def needs(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.parent.name}: the recording is not at hand (DAVY_DATA)")
    return path


def recording(directory: Path, *rows: str) -> Recorded:
    path = directory / "nose-1.csv"
    path.write_text("\n".join(("time,mq4,temperature", *rows)))
    return read(path, channels=["mq4=MQ-4:methane", "temperature"])


def plan_of(recorded: Recorded) -> Plan:
    """What is enrolled for it: everything in one zone."""
    plan = Plan().with_zones(Zone(index=0, site="home", name="kitchen"))
    for index, (device, channels) in enumerate(recorded.orders()):
        order = DeviceOrder(id=device, site="home", zone="kitchen", channels=channels)
        plan = plan.with_devices(order.drawn(index, plan.channel_count))
    return plan


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with Broker(BrokerSettings(data_dir=tmp_path / "nats", mqtt_port=0)) as running:
        yield running


class House:
    """Broker, durable way in, gateway and log, with a recording's devices enrolled."""

    def __init__(self, broker: Broker, plan: Plan) -> None:
        self.broker = broker
        self.plan = plan

    async def __aenter__(self) -> House:
        login, mqtt = self.broker.nats_credentials, self.broker.mqtt
        first = aiomqtt.Client(mqtt.host, mqtt.port, username=login.user, password=login.password)
        async with first:
            pass  # the stream of the durable way in exists once somebody has connected
        self._client = await nats.connect(
            self.broker.nats_url, user=login.user, password=login.password
        )
        self.log = Log(self._client, LogSettings())
        await self.log.open()
        self.gateway = Gateway(self.log, keep=print, on_trouble=print)
        stored = Stored(self._client, self.gateway, time.time, 1 << 30)
        await stored.open({})
        senders = {d.id: sender_of(d, Secret(KEY, TOKEN)) for d in self.plan.devices}
        self.gateway.directory = Directory(senders, dict.fromkeys(senders, "home.kitchen"))
        users = [BrokerUser(site="home", device=d, token=TOKEN) for d in senders]
        await self.broker.set_devices(users)
        self._reading = asyncio.create_task(stored.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        await self._client.close()

    def device(self, name: str, most_samples: int = 3) -> VirtualDevice:
        account = Account(
            site="home", device=name, token=TOKEN, key=KEY, port=self.broker.mqtt.port
        )
        return VirtualDevice(account, boot=1, most_samples=most_samples)

    async def logged(self, readings: int) -> list[Batch]:
        """What a reader of the log sees, once that many readings are there."""
        ledger, found, seen = Ledger(), [], 0
        async for some in self.log.read(0):
            found += [batch_of(one.entry, ledger) for one in some if isinstance(one.entry, Block)]
            seen = sum(map(len, found))
            if seen >= readings:
                break
        return found


@pytest.mark.parametrize("path", [TELEMETRY, ENOSE], ids=["mq2_telemetry", "enose"])
async def test_a_real_recording_stands_in_the_log_once_and_in_order(path, broker):
    recorded = read(needs(path))
    plan = plan_of(recorded)
    told: list[tuple[int, int]] = []
    async with House(broker, plan) as house, AsyncExitStack() as stack:
        devices = {
            d.id: await stack.enter_async_context(house.device(d.id, most_samples=len(d.channels)))
            for d in plan.devices
        }
        played = await play(recorded, devices, on_progress=lambda *now: told.append(now))
        found = await house.logged(len(recorded))

    assert played.readings == len(recorded)
    assert played.packs == len(recorded.moments) - 1
    assert told[-1] == (len(recorded), len(recorded))
    assert sum(map(len, found)) == len(recorded)
    assert not any(batch.flags.any() for batch in found)
    channel = np.concatenate([batch.channel for batch in found])
    raw = np.concatenate([batch.raw for batch in found])
    time_s = np.concatenate([batch.time_s for batch in found])
    keys = {c.key: c.id for d in plan.devices for c in d.channels}
    for at, track in enumerate(recorded.tracks):
        mine = channel == keys[f"{track.device}.{track.channel}"]
        np.testing.assert_array_equal(raw[mine], recorded.value[recorded.track == at])
        np.testing.assert_array_equal(time_s[mine], recorded.time_s[recorded.track == at])


async def test_at_twenty_times_the_speed_two_seconds_pass_in_a_tenth(broker, tmp_path):
    recorded = recording(tmp_path, *(f"{1.7e9 + n / 2},{n},20" for n in range(5)))
    async with House(broker, plan_of(recorded)) as house, house.device("nose-1") as device:
        played = await play(recorded, {"nose-1": device}, speed=20)

    assert 0.1 <= played.seconds < 1.0
    assert played.readings == 10
    assert played.readings_per_s == pytest.approx(10 / played.seconds)


async def test_a_device_that_was_not_added_is_named(broker, tmp_path):
    with pytest.raises(UnknownName, match="device nose-1 is not there to be played"):
        await play(recording(tmp_path, "1700000000,1,20"), {})


async def test_a_broker_that_does_not_let_a_device_in_ends_the_replay(broker, tmp_path):
    account = Account(site="home", device="nose-1", token="wrong-token", port=broker.mqtt.port)
    async with VirtualDevice(account, boot=1) as device:
        with pytest.raises(BrokerError, match="device nose-1 at"):
            await play(recording(tmp_path, "1700000000,1,20"), {"nose-1": device}, patience_s=0.5)


def test_batches_come_in_order_of_time_with_a_tick_every_second(tmp_path):
    recorded = recording(
        tmp_path, "1700000002.5,3,20", "1700000000.2,1,", "1700000000.9,2,", "1700000005,4,"
    )

    found = list(batches(recorded, plan_of(recorded)))

    assert [batch.watermark_s - 1.7e9 for batch in found] == [1, 2, 3, 4, 5, 6]
    assert [batch.raw.tolist() for batch in found] == [[1, 2], [], [3, 20], [], [], [4]]
    assert [UNITS[code].value for code in found[2].unit] == ["mV", "Cel"]
    for batch in found:
        assert np.all(batch.time_s < batch.watermark_s)
        np.testing.assert_array_equal(batch.arrived_s, batch.time_s)


def test_a_silence_of_days_is_ticked_through_once_a_minute_after_its_first_hour(tmp_path):
    recorded = recording(tmp_path, "1700000000,1,", f"{1.7e9 + 86_400},2,")

    marks = np.array([batch.watermark_s for batch in batches(recorded, plan_of(recorded))])

    steps = np.diff(marks)
    assert np.all(steps[:3600] == 1)
    assert np.all(steps[3601:-2] == 60)
    assert marks[-1] == 1.7e9 + 86_401
    assert len(marks) < 3600 + 86_400 / 60


def test_the_telemetry_passes_as_batches_without_a_reading_lost():
    recorded = read(needs(TELEMETRY))

    found = list(batches(recorded, plan_of(recorded)))

    time_s = np.concatenate([batch.time_s for batch in found])
    assert len(time_s) == len(recorded)
    assert np.all(np.diff(time_s) >= 0)
    assert np.max(np.diff([batch.watermark_s for batch in found])) == 1.0
    assert not math.isnan(found[-1].watermark_s)


def test_a_recording_of_channels_that_are_not_enrolled_is_refused(tmp_path):
    with pytest.raises(UnknownName, match=r"channel nose-1\.mq4 of the recording"):
        next(batches(recording(tmp_path, "1700000000,1,20"), Plan()))
