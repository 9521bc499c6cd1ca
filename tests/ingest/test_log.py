"""The log over a real broker: in order, acknowledged, and read through whatever happens."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import nats
import pytest

from davy.domain.errors import BrokerError
from davy.ingest.broker import Broker
from davy.ingest.log import STREAM, Log, LogSettings
from davy.ingest.nats_config import BrokerSettings
from davy.wire.entries import Tick
from tests.installation import ended, until


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    async with Broker(BrokerSettings(data_dir=tmp_path / "nats", mqtt_port=0)) as running:
        yield running


@asynccontextmanager
async def opened(broker: Broker, **settings: object) -> AsyncIterator[Log]:
    """A log over a connection that comes back."""
    login, logs = broker.nats_credentials, []

    async def again() -> None:
        logs[0].reconnected()

    async def quiet(_: Exception) -> None:
        return

    client = await nats.connect(
        broker.nats_url,
        user=login.user,
        password=login.password,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.1,
        reconnected_cb=again,
        error_cb=quiet,
    )
    logs.append(Log(client, LogSettings(**settings)))  # type: ignore[arg-type]
    try:
        await logs[0].open()
        yield logs[0]
    finally:
        with suppress(OSError):  # the broker may have gone first
            await client.close()


class Reader:
    """Follows a log in the background."""

    def __init__(self, log: Log, after: int = 0) -> None:
        self.seen: list[tuple[int, int, float]] = []
        self._task = asyncio.create_task(self._read(log, after))

    async def _read(self, log: Log, after: int) -> None:
        while True:
            with suppress(BrokerError):
                async for some in log.read(self.seen[-1][0] if self.seen else after):
                    self.seen += [(s, p, entry.watermark_s) for s, p, entry in some]  # type: ignore[union-attr]
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        await ended(self._task)


async def test_entries_are_read_in_the_order_in_which_they_were_written(broker: Broker):
    async with opened(broker, partitions=3) as log:
        assert await log.bounds() == (1, 0)
        places = [await log.append(number % 3, Tick(float(number))) for number in range(1, 200)]
        assert places == list(range(1, 200))
        assert await log.bounds() == (1, 199)
        reader = Reader(log, after=100)
        await until(lambda: len(reader.seen) == 99)
        await log.append(0, Tick(200.0))
        await until(lambda: len(reader.seen) == 100)
        await reader.stop()
    assert reader.seen == [(n, n % 3, float(n)) for n in range(101, 200)] + [(200, 0, 200.0)]


async def test_a_second_attempt_at_the_same_entry_is_stored_once(broker: Broker):
    async with opened(broker) as log:
        assert await log.append(0, Tick(1.0), "one") == await log.append(0, Tick(1.0), "one")
        await log.append(0, Tick(2.0), "two")
        assert await log.bounds() == (1, 2)


async def test_a_log_that_is_opened_again_has_its_new_limits_and_all_its_entries(broker: Broker):
    async with opened(broker, keep_bytes=4 << 30) as log:
        await log.append(0, Tick(1.0))
    for keep_bytes in (6 << 30, 1 << 20):  # together more than the broker may keep
        async with opened(broker, keep_bytes=keep_bytes) as log:
            assert await log.bounds() == (1, 1)
            assert (await log._stream.stream_info(STREAM)).config.max_bytes == keep_bytes


async def test_reading_goes_on_where_the_oldest_were_forgotten(broker: Broker):
    async with opened(broker) as log:
        for number in range(1, 21):
            await log.append(0, Tick(float(number)))
        await log._stream.purge_stream(STREAM, seq=11)
        reader = Reader(log)
        await until(lambda: len(reader.seen) == 10)
        await reader.stop()
        assert await log.bounds() == (11, 20)
    assert [sequence for sequence, _, _ in reader.seen] == list(range(11, 21))


async def test_a_reader_misses_nothing_when_the_broker_is_killed_again_and_again(broker: Broker):
    async with opened(broker) as log:
        reader = Reader(log)
        written: list[float] = []

        async def write() -> None:
            while True:
                number = float(len(written) + 1)
                with suppress(BrokerError):
                    await log.append(0, Tick(number), f"tick {number}")
                    written.append(number)

        writing = asyncio.create_task(write())
        for _ in range(3):
            here = len(written)
            await until(lambda here=here: len(written) > here + 50, 10)
            before = broker.pid
            os.kill(before, signal.SIGKILL)
            await until(lambda before=before: broker.pid not in {0, before}, 10)
        here = len(written)
        await until(lambda: len(written) > here + 50, 10)
        await ended(writing)
        await until(lambda: len(reader.seen) >= len(written), 10)
        await reader.stop()
    times = [watermark_s for _, _, watermark_s in reader.seen]
    assert times[: len(written)] == written
    assert [s for s, _, _ in reader.seen] == list(range(1, len(reader.seen) + 1))


async def test_a_log_without_its_broker_says_so(broker: Broker):
    async with opened(broker) as log:
        await broker.stop()
        asking = asyncio.create_task(log.bounds())
        with pytest.raises(BrokerError, match="is the broker up, and its disk free"):
            await asking
