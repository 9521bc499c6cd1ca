"""A Davy that runs: it starts in order, ends when it is told to, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from davy.domain.errors import StoreError
from davy.service.compose import compose
from davy.service.config import load
from tests.installation import davy_in, until, write_config


async def test_it_ends_though_a_task_forgets_that_it_was_cancelled(tmp_path: Path):
    async with davy_in(tmp_path) as davy:

        async def forgetful() -> None:
            with_patience = 2
            while with_patience:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    with_patience -= 1

        davy.running._run("forgetful", forgetful)
        await asyncio.sleep(0)
        async with asyncio.timeout(8):
            await davy.running._stop()


async def test_a_fault_in_a_task_is_trouble_and_not_the_end(tmp_path: Path):
    async with davy_in(tmp_path) as davy:
        faults = iter([RuntimeError("a fault of our own")])

        async def faulty() -> None:
            for fault in faults:
                raise fault
            await asyncio.Event().wait()

        davy.running._run("faulty", faulty)

        async def told() -> bool:
            return "faulty" in await davy.troubles()

        async def over() -> bool:
            return not await davy.troubles()

        await until(told)
        await until(over)
        box = await davy.add("kitchen-1")
        assert (await davy.post(box.ppm(1.0))).status_code == 202


async def test_nothing_is_left_behind(tmp_path: Path):
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    async with davy_in(tmp_path) as davy:
        broker = davy.running.broker.pid
        assert psutil.pid_exists(broker)
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before
    assert not psutil.pid_exists(broker)


async def test_two_davys_do_not_share_a_folder(tmp_path: Path):
    async with davy_in(tmp_path):
        with pytest.raises(StoreError, match="another Davy writes this database"):
            compose(load(write_config(tmp_path)))


async def test_a_restart_begins_at_the_snapshot_and_not_at_the_beginning(tmp_path: Path):
    async with davy_in(tmp_path) as davy:
        box = await davy.add("kitchen-1")
        await davy.post(box.ppm(6_000.0))
        await until(lambda: davy.count() == 1)
        last = davy.running.station.loop.offset
    with davy.read() as store:
        stored = store.snapshot()
    assert stored is not None
    assert stored[0] >= last
    async with davy_in(tmp_path) as davy:
        assert await davy.state("kitchen-1.gas.low") == "unacked"
        assert (await davy.post(box.ppm(100.0))).status_code == 202
