"""A log that cannot be written: gas is announced all the same, and kept once it can be."""

from __future__ import annotations

import asyncio
import os
import signal

from davy.service.lifeline import NOTE
from tests.installation import Installation, until


async def test_gas_is_announced_while_nothing_can_be_written_and_stored_once_afterwards(
    davy: Installation,
):
    assert davy.running is not None
    box = await davy.add("kitchen-1")
    assert (await davy.post(box.ppm(300.0))).status_code == 202
    broker = davy.running.broker.pid
    async with davy.live() as watch:
        os.kill(broker, signal.SIGSTOP)
        try:
            stuck = [asyncio.create_task(davy.post(box.ppm(400.0)))]
            await until(lambda: "log" in {t.what for t in _health(davy)}, 15)

            stuck.append(asyncio.create_task(davy.post(box.ppm(12_000.0))))

            told = await until(lambda: [one for one in watch.of("alarm") if one["note"] == NOTE])
            assert {"kitchen-1.gas.low", "kitchen-1.gas.high"} <= {one["id"] for one in told}
            assert davy.count() == 1, "nothing more was kept"
        finally:
            os.kill(broker, signal.SIGCONT)
        await asyncio.gather(*stuck)

        await until(lambda: davy.count() == 3, 20)
        await until(lambda: "log" not in {trouble.what for trouble in _health(davy)})
        assert [raw for _, raw in davy.stored()["kitchen-1.gas"]] == [300.0, 400.0, 12_000.0]
        assert await davy.state("kitchen-1.gas.high") == "unacked"


def _health(davy: Installation):  # type: ignore[no-untyped-def]
    assert davy.running is not None
    return davy.running.station.health.troubles
