"""A whole Davy in a process of its own, as the benchmarks measure it: nothing is left out.

The process that is measured serves; this one sends and watches.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.load import Sending
from davy.wire.jws import key_from_text

_TOML = """
[server]
port = 0
[broker]
mqtt_port = 0
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """A running Davy: where it is, its process, and a client with the program's token."""

    folder: Path
    process: psutil.Process
    run: dict[str, Any]
    http: httpx.AsyncClient

    async def add(self, count: int, channels: Sequence[str]) -> list[dict[str, Any]]:
        """Enrols devices `d0` … and gives their papers."""
        orders = [
            {"id": f"d{i}", "site": "bench", "zone": f"z{i % 8}", "channels": list(channels)}
            for i in range(count)
        ]
        reply = await self.http.post("/api/v1/devices", json=orders, timeout=120)
        reply.raise_for_status()
        papers: list[dict[str, Any]] = reply.json()
        return papers

    def sendings(
        self, papers: Sequence[dict[str, Any]], packs: int, readings: int, channel: str = "gas"
    ) -> list[Sending]:
        """A load of so many packs in all, spread over the devices."""
        return [
            Sending(
                port=self.run["mqtt"]["port"],
                device=paper["device"],
                token=paper["token"],
                topic=paper["topic"],
                key=key_from_text(paper["key"]),
                channel=channel,
                packs=packs // len(papers),
                readings=readings,
            )
            for paper in papers
        ]

    async def metric(self, name: str) -> float:
        """One value of `/metrics`."""
        page = await self.http.get("/metrics")
        for line in page.text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        raise KeyError(name)

    async def stored(self, readings: int, within_s: float = 120.0) -> None:
        """Returns when so many readings are accepted and none waits for the store."""
        async with asyncio.timeout(within_s):
            while (
                await self.metric("davy_readings_total") < readings
                or await self.metric("davy_unstored_entries") > 0
            ):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def installation(folder: Path | None = None) -> AsyncIterator[Installation]:
    """Starts `davy serve` in a folder of its own and stops it at the end."""
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = folder / "davy.toml"
        config.write_text(_TOML)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "davy", "serve", "-c", str(config)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "DAVY_LOG": "error"},
        )
        try:
            run = await _run_file(folder / "data" / "davy.run.json", process)
            headers = {"Authorization": f"Bearer {run['token']}"}
            async with httpx.AsyncClient(base_url=run["api"], headers=headers) as http:
                yield Installation(folder, psutil.Process(process.pid), run, http)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _run_file(path: Path, process: asyncio.subprocess.Process) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while process.returncode is None:
            if path.exists():
                with contextlib.suppress(json.JSONDecodeError):
                    found: dict[str, Any] = json.loads(path.read_text())
                    return found
            await asyncio.sleep(0.005)
    raise RuntimeError(f"davy serve ended with {process.returncode}")
