"""How long a restart takes with 10,000 channels: from the start of the process to *ready*.

The raw limit beside it: a Python that imports what Davy imports and does nothing.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, Figures
from benchmarks.installation import installation
from benchmarks.load import LoadProcess

DEVICES = 2500
CHANNELS = ["gas=MQ-4:methane", "co=:carbon-monoxide", "temperature", "humidity"]


async def run(quick: bool) -> Figures:
    """Stops in order, and stops by kill -9 in the middle of a load."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with installation(folder) as davy:
            papers = await davy.add(DEVICES, CHANNELS)
            load = LoadProcess(davy.sendings(papers[:250], 5000, 1, channel="gas"))
            await load.ready()
            load.go()
            await load.result()
            await davy.stored(5000)
        orderly = await _restart(folder)
        async with installation(folder) as davy:
            load = LoadProcess(davy.sendings(papers[250:500], 20_000, 1, channel="gas"))
            await load.ready()
            load.go()
            await asyncio.sleep(1.0)
            davy.process.kill()
        (folder / "data" / "davy.run.json").unlink(missing_ok=True)
        killed = await _restart(folder)
    bare = min([await _bare() for _ in range(2 if quick else 5)])
    return {
        "restart_10000_channels_s": Figure(orderly, "s", bare, 3, at_most=True),
        "restart_after_kill_s": Figure(killed, "s", bare, 3, at_most=True),
    }


async def _restart(folder: Path) -> float:
    started = time.perf_counter()
    async with installation(folder) as davy:
        seconds = time.perf_counter() - started
        reply = await davy.http.get("/api/v1/channels")
        if len(reply.json()) != DEVICES * len(CHANNELS):
            raise RuntimeError(f"{len(reply.json())} channels came back")
    return seconds


async def _bare() -> float:
    started = time.perf_counter()
    code = "import davy.cli, davy.service.compose, davy.api.server"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    await process.wait()
    return time.perf_counter() - started
