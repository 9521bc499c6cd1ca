"""How much arrives: signed MQTT QoS 1 packs to stored, and HTTP packs accepted.

Raw limits of the same run: bare NATS publishes of the same bytes (acknowledged by nobody), and
bare SQLite inserts without index, signature or rollup.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from pathlib import Path

import nats

from benchmarks.figures import Figure, Figures
from benchmarks.installation import Installation, installation
from benchmarks.load import LoadProcess
from benchmarks.posts import PostProcess
from davy.ingest.broker import Broker
from davy.ingest.nats_config import BrokerSettings


async def run(quick: bool) -> Figures:
    """Packs of one reading, of fifty, and posts of a hundred."""
    scale = 1 if quick else 3
    singles = await _stored(packs=60_000 * scale, readings=1)
    fifties = await _stored(packs=6_000 * scale, readings=50)
    posts = await _posted(posts=6_000 * scale, readings=100)
    raw_nats = await _bare_nats(200_000)
    raw_sqlite = await asyncio.to_thread(_bare_sqlite, 500_000)
    async with installation() as davy:
        papers = await davy.add(1000, ["gas=:methane"])
        load = LoadProcess(davy.sendings(papers, 3000, 1))
        await load.ready()
        load.go()
        await load.result()
        await davy.stored(3000)
        rss = davy.process.memory_info().rss / 1e6
    return {
        "mqtt_single_packs_per_s": Figure(singles, "packs/s", raw_nats, 15_000),
        "mqtt_fifty_readings_per_s": Figure(fifties * 50, "readings/s", raw_sqlite, 150_000),
        "http_hundred_readings_per_s": Figure(posts * 100, "readings/s", raw_sqlite, 200_000),
        "rss_1000_devices_mb": Figure(rss, "MB", None, 250, at_most=True),
    }


async def _stored(packs: int, readings: int, devices: int = 8) -> float:
    async with installation() as davy:
        papers = await davy.add(devices, ["gas=:methane"])
        load = LoadProcess(davy.sendings(papers, packs, readings))
        await load.ready()
        started = time.perf_counter()
        load.go()
        await davy.stored(packs // devices * devices * readings)
        seconds = time.perf_counter() - started
        await load.result()
        await _check(davy, packs // devices * devices * readings)
    return packs / seconds


async def _posted(posts: int, readings: int, devices: int = 8) -> float:
    async with installation() as davy:
        papers = await davy.add(devices, ["gas=:methane"])
        load = PostProcess(davy.run["api"], davy.sendings(papers, posts, readings))
        await load.ready()
        started = time.perf_counter()
        load.go()
        accepted = await load.result()
        seconds = time.perf_counter() - started
        if accepted != posts // devices * devices * readings:
            raise RuntimeError(f"{accepted} readings were accepted of {posts * readings}")
        await davy.stored(accepted)
        await _check(davy, accepted)
    return posts / seconds


async def _check(davy: Installation, readings: int) -> None:
    """A figure counts only if every reading is in the database once."""
    path = davy.folder / "data" / "davy.db"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as sql:
        found = sql.execute("SELECT count(*) FROM readings").fetchone()[0]
    if found != readings:
        raise RuntimeError(f"{found} readings are stored of {readings}")


async def _bare_nats(messages: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        async with Broker(BrokerSettings(data_dir=Path(folder), mqtt_port=0)) as broker:
            credentials = broker.nats_credentials
            client = await nats.connect(
                broker.nats_url, user=credentials.user, password=credentials.password
            )
            payload = b"." * 326
            started = time.perf_counter()
            for _ in range(messages):
                await client.publish("bare", payload)
            await client.flush()
            seconds = time.perf_counter() - started
            await client.close()
    return messages / seconds


def _bare_sqlite(rows: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        sql = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        sql.execute("PRAGMA journal_mode=WAL")
        sql.execute("PRAGMA synchronous=NORMAL")
        sql.execute("CREATE TABLE t (channel INTEGER, time_s REAL, value REAL, flags INTEGER)")
        data = [(i % 8, i * 1.0, 400.0, 0) for i in range(1000)]
        started = time.perf_counter()
        for _ in range(rows // 1000):
            sql.execute("BEGIN")
            sql.executemany("INSERT INTO t VALUES (?,?,?,?)", data)
            sql.execute("COMMIT")
        seconds = time.perf_counter() - started
        sql.close()
    return rows / seconds
