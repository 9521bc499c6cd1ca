"""A log that is older than the store: a power cut, or a copy put back. Gas must still alarm."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.installation import Box, Installation, davy_in, until


async def send(davy: Installation, box: Box, *values: float) -> None:
    """Over MQTT with QoS 1, a pack a value."""
    async with box.mqtt() as client:
        for value in values:
            await client.publish(box.topic, box.ppm(value), qos=1)


@pytest.mark.parametrize("copy", ["older", "none"])
async def test_gas_alarms_and_is_stored_although_the_log_was_set_back(tmp_path: Path, copy: str):
    nats = tmp_path / "data" / "nats"
    async with davy_in(tmp_path) as davy:
        box = await davy.add("kitchen-1")
        await send(davy, box, 100.0, 101.0)
        await until(lambda: davy.count() == 2)
    shutil.copytree(nats, tmp_path / "copy")
    async with davy_in(tmp_path) as davy:
        box.papers = await davy.get("/devices/kitchen-1/papers")
        await send(davy, box, *(200.0 + i for i in range(20)))
        await until(lambda: davy.count() == 22)
    shutil.rmtree(nats)
    if copy == "older":
        shutil.copytree(tmp_path / "copy", nats)

    async with davy_in(tmp_path) as davy:
        box.papers = await davy.get("/devices/kitchen-1/papers")
        await send(davy, box, 12_000.0)
        assert (await davy.post(box.ppm(12_500.0))).status_code == 202

        await until(lambda: davy.count() == 24)
        assert await davy.state("kitchen-1.gas.high") == "unacked"
        trail = [row["action"] for row in await davy.get("/audit")]
        assert "log set back" in trail
    async with davy_in(tmp_path) as davy:
        assert await davy.state("kitchen-1.gas.high") == "unacked", "and it stays so"
        trail = [row["action"] for row in await davy.get("/audit")]
        assert trail.count("log set back") == 1, "it was mended once, and is whole now"
