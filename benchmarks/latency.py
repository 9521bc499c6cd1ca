"""From the publish to the alarm on the live stream, at 500 packs a second.

The raw limit beside it: one bare publish and its delivery through the same kind of broker.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import nats
import numpy as np

from benchmarks.figures import Figure, Figures
from benchmarks.installation import Installation, installation
from benchmarks.load import connect_packet, publish_packet
from davy.ingest.broker import Broker
from davy.ingest.nats_config import BrokerSettings
from davy.wire.jws import key_from_text, sign
from davy.wire.senml import Sample, encode

RATE = 500
DEVICES = 50
_CALM_PPM, _GAS_PPM = 300.0, 6000.0


async def run(quick: bool) -> Figures:
    """Fifty devices in turn; each goes over its low limit once in ten packs."""
    seconds = 12 if quick else 60
    async with installation() as davy:
        papers = await davy.add(DEVICES, ["gas=:methane"])
        sent: dict[str, float] = {}
        seen: list[float] = []
        watching = asyncio.create_task(_watch(davy, sent, seen))
        await _publish(davy, papers, sent, seconds)
        await asyncio.sleep(0.5)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    if len(seen) < RATE * seconds // 10 * 0.99:
        raise RuntimeError(f"only {len(seen)} alarms of {RATE * seconds // 10} were seen")
    bare = await _bare()
    p50, p99 = np.percentile(np.array(seen) * 1e3, [50, 99])
    return {
        "publish_to_alarm_p50_ms": Figure(float(p50), "ms", bare, 6, at_most=True),
        "publish_to_alarm_p99_ms": Figure(float(p99), "ms", bare, 25, at_most=True),
        "alarms_seen": Figure(len(seen), "alarms"),
    }


async def _watch(davy: Installation, sent: dict[str, float], seen: list[float]) -> None:
    async with davy.http.stream("GET", "/api/v1/live", timeout=None) as reply:
        kind = ""
        async for line in reply.aiter_lines():
            if line.startswith("event:"):
                kind = line[6:].strip()
            elif line.startswith("data:") and kind == "alarm":
                now = time.perf_counter()
                alarm = json.loads(line[5:])
                if alarm["level"] == "low" and alarm["event"] == "rise":
                    seen.append(now - sent.pop(alarm["device"]))


async def _publish(
    davy: Installation, papers: list[dict[str, Any]], sent: dict[str, float], seconds: float
) -> None:
    writers = []
    async with asyncio.TaskGroup() as tasks:
        reading = []
        for paper in papers:
            reader, writer = await asyncio.open_connection("127.0.0.1", davy.run["mqtt"]["port"])
            writer.write(connect_packet(paper["device"], paper["device"], paper["token"]))
            await reader.readexactly(4)
            reading.append(tasks.create_task(_drain(reader)))
            writers.append(writer)
        started = time.perf_counter()
        for number in range(int(RATE * seconds)):
            due = started + number / RATE
            while (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait if wait > 0.002 else 0)
            turn, who = divmod(number, DEVICES)
            paper = papers[who]
            value = _GAS_PPM if turn % 10 == 5 else _CALM_PPM
            sample = Sample("gas", value, "ppm", round(time.time(), 4))
            key = key_from_text(paper["key"])
            pack = sign(encode(paper["device"], [sample]), key, paper["device"], 1, turn)
            packet = publish_packet(paper["topic"].encode(), pack, turn % 65535 + 1)
            if value == _GAS_PPM:
                sent[paper["device"]] = time.perf_counter()
            writers[who].write(packet)
        for task in reading:
            task.cancel()
    for writer in writers:
        writer.close()


async def _drain(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass


async def _bare() -> float:
    """Median milliseconds of one publish to one subscriber."""
    with tempfile.TemporaryDirectory() as folder:
        async with Broker(BrokerSettings(data_dir=Path(folder), mqtt_port=0)) as broker:
            credentials = broker.nats_credentials
            client = await nats.connect(
                broker.nats_url, user=credentials.user, password=credentials.password
            )
            came = asyncio.Event()

            async def on_message(_: object) -> None:
                came.set()

            await client.subscribe("bare", cb=on_message)
            took = []
            for _ in range(300):
                came.clear()
                started = time.perf_counter()
                await client.publish("bare", b"." * 300)
                await came.wait()
                took.append(time.perf_counter() - started)
                await asyncio.sleep(0.002)
            await client.close()
    return float(np.median(took) * 1e3)
