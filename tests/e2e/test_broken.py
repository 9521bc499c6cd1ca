"""What Davy leans on breaks: the broker dies, the log or the store cannot be written."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import nats
from nats.aio.client import Client

from davy.ingest.log import STREAM
from davy.simulate.device import VirtualDevice
from davy.wire.senml import Sample
from tests.installation import Installation, davy_in, until


def broker_of(davy: Installation):  # type: ignore[no-untyped-def]
    assert davy.running is not None
    return davy.running.broker


async def measure(device: VirtualDevice, into: list[tuple[float, float]]) -> None:
    """A reading every five milliseconds."""
    while True:
        into.append((round(time.time(), 4), float(len(into) % 1000)))
        device.measure([Sample("gas", into[-1][1], "ppm", into[-1][0])])
        await asyncio.sleep(0.005)


async def test_a_broker_that_dies_is_started_again_and_nothing_is_lost(davy: Installation):
    box = await davy.add("kitchen-1")
    measured: list[tuple[float, float]] = []
    async with VirtualDevice(box.account, boot=1) as device, davy.live() as watch:
        measuring = asyncio.create_task(measure(device, measured))
        await until(lambda: len(watch.readings) > 20)
        for _ in range(2):
            before = broker_of(davy).pid
            os.kill(before, signal.SIGKILL)
            await until(lambda before=before: broker_of(davy).pid not in {0, before})
            here = len(measured)
            await until(lambda here=here: device.acknowledged > here, 15)
        measuring.cancel()
        await device.drained(15)
        await until(lambda: davy.count() == len(measured))
        await until(lambda: len(watch.readings) == len(measured))

        assert davy.stored()["kitchen-1.gas"] == measured
        assert [(row[1], row[2]) for row in watch.readings] == measured
        troubles = [{one["what"] for one in told["troubles"]} for told in watch.of("health")]
        assert {"broker"} in troubles
        assert troubles[-1] == set()
        assert await davy.states() == {}


async def test_a_reading_is_seen_soon_after_the_broker_has_come_back(davy: Installation):
    box = await davy.add("kitchen-1")
    assert (await davy.post(box.ppm(1.0))).status_code == 202
    async with davy.live() as watch:
        os.kill(broker_of(davy).pid, signal.SIGKILL)
        start = time.monotonic()
        assert (await davy.post(box.ppm(20_000.0))).status_code == 202  # it waits for the log
        await until(lambda: ("kitchen-1.gas.high", "rise", "unacked") in watch.alarms)

        assert time.monotonic() - start < 4.0


async def test_what_could_not_be_heard_while_the_broker_was_away_is_not_silence(davy: Installation):
    box = await davy.add("kitchen-1", heartbeat_s=2.0)
    broker = broker_of(davy)
    async with box.mqtt() as client:
        await client.publish(box.topic, box.ppm(1.0), qos=1)
    await until(lambda: davy.count() == 1)
    os.kill(broker.pid, signal.SIGSTOP)  # it hangs: no connection, no word
    await asyncio.sleep(3.0)
    before = broker.pid
    os.kill(before, signal.SIGKILL)
    await until(lambda: broker.pid not in {0, before} and broker.state.phase == "running")
    async with box.mqtt() as client:
        for _ in range(10):
            await client.publish(box.topic, box.ppm(1.0), qos=1)
            await asyncio.sleep(0.1)
    await until(lambda: davy.count() == 11)

    assert await davy.get("/alarms/kitchen-1.silent/transitions") == []


@asynccontextmanager
async def itself(davy: Installation) -> AsyncIterator[Client]:
    """A connection with Davy's own rights."""
    broker = broker_of(davy)
    login = broker.nats_credentials
    client = await nats.connect(broker.nats_url, user=login.user, password=login.password)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def full_log(davy: Installation) -> AsyncIterator[None]:
    """The log takes nothing more, as on a full disk: the server refuses each append."""
    async with itself(davy) as client:
        stream = client.jetstream()
        config = (await stream.stream_info(STREAM)).config
        await stream.update_stream(config, max_msg_size=1)
        try:
            yield
        finally:
            await stream.update_stream(config, max_msg_size=-1)


async def test_a_log_that_cannot_be_written_is_trouble_and_loses_nothing(davy: Installation):
    box, poster = await davy.add("kitchen-1"), await davy.add("kitchen-2")
    measured: list[tuple[float, float]] = []
    async with VirtualDevice(box.account, boot=1) as device:
        measuring = asyncio.create_task(measure(device, measured))
        await until(lambda: davy.count() > 20)
        async with full_log(davy):

            async def told() -> bool:
                return "log" in await davy.troubles()

            await until(told)
            assert (await davy.http.get(f"{davy.url}/readyz")).status_code == 503
            assert (await davy.http.get(f"{davy.url}/healthz")).status_code == 200
            waiting = asyncio.create_task(davy.post(poster.ppm(3.0)))
            here = len(measured)
            await until(lambda: device.acknowledged > here, 5)  # the broker keeps them meanwhile
            assert not waiting.done()

        async def over() -> bool:
            return await davy.troubles() == set()

        await until(over, 15)
        assert (await waiting).status_code == 202
        measuring.cancel()
        await device.drained(15)
        await until(lambda: davy.count() == len(measured) + 1)

    assert davy.stored()["kitchen-1.gas"] == measured
    assert (await davy.meters())["davy_redelivered_total"] == 0


async def test_a_request_that_waits_too_long_for_the_log_is_told_to_come_again(davy: Installation):
    assert davy.running is not None
    davy.running.station.inbox._wait_s = 0.3
    box = await davy.add("kitchen-1")
    pack = box.ppm(3.0)
    async with full_log(davy):
        told = await davy.post(pack)

    assert told.status_code == 503
    assert told.headers["retry-after"]

    async def taken() -> bool:
        return (await davy.post(pack)).status_code == 202

    await until(taken)
    await until(lambda: davy.count() == 1)
    assert (await davy.post(pack)).json() == {"accepted": 0, "duplicate": 1, "quarantined": []}


async def test_an_inbox_that_is_full_makes_devices_keep_their_packs(tmp_path):
    async with davy_in(tmp_path, {"broker": {"inbox_mib": 8}}) as davy:
        box = await davy.add("kitchen-1")
        began_s = float(round(time.time()) - 60_000)
        rows = [(began_s + second, float(second)) for second in range(60_000)]
        async with VirtualDevice(box.account, boot=1, most_samples=3000) as device:
            async with full_log(davy):
                device.measure(Sample("gas", value, "ppm", time_s) for time_s, value in rows)

                async def quiet() -> bool:
                    before = device.acknowledged
                    await asyncio.sleep(0.5)
                    return 0 < before == device.acknowledged

                await until(quiet, 20)
            await device.drained(30)
        await until(lambda: davy.count() == len(rows), 20)
        assert davy.stored()["kitchen-1.gas"] == rows


def writer_of(davy: Installation) -> sqlite3.Connection:
    assert davy.running is not None
    link = davy.running.station.store._writer  # type: ignore[attr-defined]
    assert isinstance(link, sqlite3.Connection)
    return link


@asynccontextmanager
async def full_store(davy: Installation) -> AsyncIterator[None]:
    """The database may not grow, as on a full disk."""
    link = writer_of(davy)
    (pages,) = link.execute("PRAGMA page_count").fetchone()
    link.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        with suppress(sqlite3.ProgrammingError):  # it was closed meanwhile
            link.execute("PRAGMA max_page_count = 1073741823")


async def test_a_full_store_is_trouble_gas_is_still_told_and_all_is_stored_afterwards(davy):
    box, other = await davy.add("kitchen-1"), await davy.add("kitchen-2")
    measured: list[tuple[float, float]] = []
    async with VirtualDevice(box.account, boot=1) as device, davy.live() as watch:
        measuring = asyncio.create_task(measure(device, measured))
        await until(lambda: davy.count() > 20)
        async with full_store(davy):

            async def told() -> bool:
                return "store" in await davy.troubles()

            await until(told)
            await davy.post(other.ppm(20_000.0))
            await until(lambda: ("kitchen-2.gas.high", "rise", "unacked") in watch.alarms, 2)
            await until(lambda: any(row[0] == "kitchen-2.gas" for row in watch.readings), 3)
            assert "kitchen-2.gas" not in davy.stored()
        measuring.cancel()
        await device.drained(10)
        await until(lambda: davy.count() == len(measured) + 1, 15)

        async def over() -> bool:
            return await davy.troubles() == set()

        await until(over)

    assert davy.stored()["kitchen-1.gas"] == measured
    (rise,) = [
        one
        for one in await davy.get("/alarms/kitchen-2.gas.high/transitions")
        if one["event"] == "rise"
    ]
    assert rise["value"] == 20_000.0


async def test_a_davy_that_ends_while_the_store_is_full_stores_all_when_it_starts_again(tmp_path):
    began_s = float(round(time.time()) - 3000)
    rows = [(began_s + second, float(second)) for second in range(3000)]
    async with davy_in(tmp_path) as davy:
        box = await davy.add("kitchen-1")
        async with full_store(davy):
            for start in range(0, 3000, 1000):
                pack = box.pack(
                    *(Sample("gas", v, "ppm", t) for t, v in rows[start : start + 1000])
                )
                assert (await davy.post(pack)).status_code == 202

            async def told() -> bool:
                return "store" in await davy.troubles()

            await until(told)
            await davy.running._stop()

    async with davy_in(tmp_path) as davy:
        await until(lambda: davy.count() == len(rows))
        assert davy.stored()["kitchen-1.gas"] == rows
