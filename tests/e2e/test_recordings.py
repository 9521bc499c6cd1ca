"""Real recordings at full speed over MQTT QoS 1: every reading is stored once, in order."""

from __future__ import annotations

import asyncio
import csv
import gzip
import math
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from davy.simulate.device import VirtualDevice
from davy.wire.senml import Sample
from tests.installation import DavyProcess, until

Rows = dict[str, list[tuple[Sample, ...]]]
"""By device, what it measured at each instant, in order."""


def present(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.parent.name} is not here; set DAVY_DATA to the folder of recordings")
    return path


def film_ratio(lpg: float) -> float:
    """Rs/R0, of which the file's lpg is an exact function (`data/README.md`)."""
    return math.exp((math.log10(lpg) - 2.3) * -0.47 + 0.21)


def mq2_telemetry(data: Path) -> Rows:
    """Three devices on one day: Rs/R0 of an MQ-2, temperature and humidity, 50,270 rows."""
    path = present(data / "mq2_telemetry" / "iot_mq2_telemetry_24h.csv.gz")
    rows: Rows = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    shift_s = round(time.time() - float(table[-1]["ts"]) - 60)  # that day is today
    for row in table:
        time_s = float(row["ts"]) + shift_s
        rows[row["device"]].append(
            (
                Sample("mq2", film_ratio(float(row["lpg"])), "/", time_s),
                Sample("temperature", float(row["temp"]), "Cel", time_s),
                Sample("humidity", float(row["humidity"]), "%RH", time_s),
            )
        )
    return rows


def enose(data: Path) -> Rows:
    """Seven MQ sensors on one board, ADC counts every two seconds, 6,400 rows."""
    path = present(data / "enose" / "Gas_Sensors_Measurements.csv")
    with path.open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    first_s = round(time.time()) - 2.0 * len(table)
    names = [name for name in table[0] if name.startswith("MQ")]
    return {
        "enose": [
            tuple(
                Sample(name.lower(), float(row[name]), "count", first_s + 2.0 * index)
                for name in names
            )
            for index, row in enumerate(table)
        ]
    }


async def replayed(
    process: DavyProcess, rows: Rows, channels: tuple[str, ...], most_samples: int
) -> None:
    """Publishes all of it and compares the database with what was sent, number by number."""
    davy = await process.start()
    for name in rows:
        await davy.add(name, *channels, zone=name, heartbeat_s=90_000.0)
    async with AsyncExitStack() as stack:
        devices = []
        for name, moments in rows.items():
            device = VirtualDevice(
                davy.boxes[name].account,
                boot=1,
                most_samples=most_samples,
                most_waiting=10**6,
                most_in_flight=256,
            )
            device.measure(sample for moment in moments for sample in moment)
            devices.append(await stack.enter_async_context(device))
        await asyncio.gather(*(device.drained(60) for device in devices))
    sent: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for name, moments in rows.items():
        for sample in (sample for moment in moments for sample in moment):
            assert sample.time_s is not None
            sent[f"{name}.{sample.channel}"].append((sample.time_s, sample.value))
    # One row of the telemetry stands there twice, number by number: that is one reading.
    once = {name: list(dict.fromkeys(found)) for name, found in sent.items()}
    await until(lambda: davy.count() >= sum(len(found) for found in once.values()), 30)

    assert davy.stored() == once
    meters = await davy.meters()
    assert meters["davy_readings_total"] == sum(len(found) for found in sent.values())
    assert await davy.reconciled()


async def test_a_day_of_three_mq2_devices_is_stored_once_and_in_order(davy_process, data):
    rows = mq2_telemetry(data)
    assert sum(len(moments) for moments in rows.values()) == 50_270
    await replayed(davy_process, rows, ("mq2=MQ-2:smoke", "temperature", "humidity"), 3)


async def test_an_electronic_nose_in_packs_of_seven_rows_is_stored_once_and_in_order(
    davy_process, data
):
    channels = ("mq2", "mq3", "mq5", "mq6", "mq7", "mq8", "mq135")
    await replayed(davy_process, enose(data), channels, most_samples=49)
