"""kill -9 at any moment: what was acknowledged is stored once, and alarms stand as they stood."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from random import Random

import httpx
import pytest

from davy.simulate.device import VirtualDevice
from davy.wire.senml import Sample
from tests.installation import JOSE, Box, DavyProcess, until

PACE_S = 0.002


class Feeder:
    """One device that measures over MQTT while its neighbour posts over HTTP, without a rest."""

    def __init__(self, mqtt: VirtualDevice, poster: Box) -> None:
        self.mqtt = mqtt
        self.poster = poster
        self.measured: list[tuple[float, float]] = []
        self.posted: list[tuple[float, float]] = []

    async def measure(self) -> None:
        """A reading every few milliseconds, each with a time and a value of its own."""
        while True:
            row = (round(time.time(), 4), float(len(self.measured) % 1000))
            self.measured.append(row)
            self.mqtt.measure([Sample("gas", row[1], "ppm", row[0])])
            await asyncio.sleep(PACE_S)

    async def post(self, url: str) -> None:
        """Packs one after another; one that was not answered is sent again, byte for byte."""
        async with httpx.AsyncClient(timeout=15) as http:
            while True:
                row = (round(time.time(), 4), float(len(self.posted) % 1000))
                pack = self.poster.pack(Sample("gas", row[1], "ppm", row[0]))
                await self._deliver(http, url, pack)
                self.posted.append(row)

    async def _deliver(self, http: httpx.AsyncClient, url: str, pack: bytes) -> None:
        while True:
            try:
                reply = await http.post(f"{url}/api/v1/readings", content=pack, headers=JOSE)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if reply.status_code == 202:
                return
            assert reply.status_code == 503, reply.text
            await asyncio.sleep(0.05)


async def rounds_of_kills(process: DavyProcess, chance: Random, rounds: int) -> None:
    """Feeds from four devices of each kind, kills and restarts, and counts at the end."""
    davy = await process.start()
    for index in range(4):
        await davy.add(f"mqtt-{index}", zone=f"zone-{index}")
        await davy.add(f"http-{index}", zone=f"zone-{index}")
    async with AsyncExitStack() as stack:
        feeders = []
        for index in range(4):
            device = VirtualDevice(davy.boxes[f"mqtt-{index}"].account, boot=1, most_samples=5)
            await stack.enter_async_context(device)
            feeders.append(Feeder(device, davy.boxes[f"http-{index}"]))
        measuring = [asyncio.create_task(one.measure()) for one in feeders]
        posting = [asyncio.create_task(one.post(davy.url)) for one in feeders]
        for _ in range(rounds):
            await asyncio.sleep(chance.uniform(0.2, 1.2))
            await process.kill()
            davy = await process.start()
        before = sum(len(one.posted) for one in feeders)
        await until(lambda: sum(len(one.posted) for one in feeders) > before + 20)
        for task in measuring:
            task.cancel()
        await asyncio.gather(*(one.mqtt.drained(20) for one in feeders))
        for task in posting:
            task.cancel()
        broken = await asyncio.gather(*posting, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in broken), broken
        assert await davy.states() == {}, "nobody was silent, and nothing was wrong"

    acknowledged = sum(len(one.measured) + len(one.posted) for one in feeders)
    await until(lambda: davy.count() >= acknowledged, 20)
    stored = davy.stored()
    for index, one in enumerate(feeders):
        assert stored[f"mqtt-{index}.gas"] == one.measured
        found = stored[f"http-{index}.gas"]
        # The pack that was on its way when the posting ended may have arrived unanswered.
        assert found[: len(one.posted)] == one.posted
        assert len(found) <= len(one.posted) + 1


async def test_nothing_that_was_acknowledged_is_lost_or_stored_twice(davy_process):
    await rounds_of_kills(davy_process, Random(1815), rounds=4)


@pytest.mark.long
async def test_nor_after_twenty_kills(davy_process):
    await rounds_of_kills(davy_process, Random(1816), rounds=20)


async def test_alarms_come_back_as_they_stood(davy_process):
    davy = await davy_process.start()
    boxes = {name: await davy.add(name, zone=name) for name in ("a", "b", "c", "d")}
    for box in boxes.values():
        await davy.post(box.ppm(6000.0))  # 12 %LEL: above low, below high
    await until(lambda: davy.act("a.gas.low", "ack", note="seen"))
    assert (await davy.act("b.gas.low", "shelve", for_s=3600, note="calibrating")).is_success
    assert (await davy.act("c.gas.low", "ack")).is_success
    await davy.post(boxes["c"].ppm(100.0))
    assert (await davy.act("d.gas.rise", "out-of-service")).is_success

    async def settled() -> bool:
        return await davy.state("c.gas.low") == "latched"

    await until(settled)
    before = {one["id"]: one for one in await davy.get("/alarms", state="all")}
    stories = {key: await davy.get(f"/alarms/{key}/transitions") for key in before}

    await davy_process.kill()
    davy = await davy_process.start()

    after = {one["id"]: one for one in await davy.get("/alarms", state="all")}
    standing = {key: one["state"] for key, one in after.items() if one["state"] != "normal"}
    assert standing == {
        "a.gas.low": "acked",
        "b.gas.low": "shelved",
        "c.gas.low": "latched",
        "d.gas.low": "unacked",
        "d.gas.rise": "out_of_service",
    }
    assert after == before
    assert {key: await davy.get(f"/alarms/{key}/transitions") for key in after} == stories
    assert (await davy.act("c.gas.low", "reset")).json()["state"] == "normal"


class Talker:
    """A device that publishes ten times a second, and knows what was acknowledged."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.acknowledged: list[tuple[float, float]] = []

    async def talk(self, for_s: float) -> None:
        """One connection, for so long."""
        ends_s = time.monotonic() + for_s
        async with self.box.mqtt() as client:
            while time.monotonic() < ends_s:
                row = (round(time.time(), 4), float(len(self.acknowledged)))
                pack = self.box.pack(Sample("gas", row[1], "ppm", row[0]))
                await client.publish(self.box.topic, pack, qos=1)
                self.acknowledged.append(row)
                await asyncio.sleep(0.1)


async def test_after_a_restart_with_a_backlog_only_the_device_that_stopped_is_silent(davy_process):
    davy = await davy_process.start()
    alive = Talker(await davy.add("alive", zone="one", heartbeat_s=1.5))
    stopped = await davy.add("stopped", zone="two", heartbeat_s=1.5)
    await davy.post(stopped.ppm(1.0))
    await alive.talk(0.3)
    await until(lambda: davy.count() == 1 + len(alive.acknowledged))
    davy_process.freeze()
    await alive.talk(2.5)  # the broker acknowledges, and nobody reads: this is the backlog
    await davy_process.kill()

    davy = await davy_process.start()

    await alive.talk(3.0)
    assert (await davy.states()) == {"stopped.silent": "unacked"}
    assert await davy.get("/alarms/alive.silent/transitions") == []
    online = {one["id"]: one["online"] for one in await davy.get("/devices")}
    assert online == {"alive": True, "stopped": False}
    await until(lambda: davy.count() == 1 + len(alive.acknowledged))
    assert davy.stored()["alive.gas"] == alive.acknowledged


async def test_a_davy_that_was_held_up_calls_nobody_silent_whose_packs_wait(davy_process):
    davy = await davy_process.start()
    alive = Talker(await davy.add("alive", heartbeat_s=1.5))
    await alive.talk(0.5)
    davy_process.freeze()
    talking = asyncio.create_task(alive.talk(5.0))
    await asyncio.sleep(2.5)  # longer than the heartbeat
    davy_process.thaw()
    await talking

    await until(lambda: davy.count() == len(alive.acknowledged))
    assert await davy.get("/alarms/alive.silent/transitions") == []
