"""Writes the second's tick into the log, and never ahead of what has not been read yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from davy.ingest.gateway import Gateway
from davy.wire.entries import Tick

Drained = Callable[[], float]
"""Says up to when an input has been read: all that arrived before is in the log."""


class Timekeeper:
    """Ticks once a second with the time up to which every input has been read.

    After a restart with a backlog that is the past, so nobody is called silent whose packs
    wait to be read.
    """

    def __init__(self, gateway: Gateway, inputs: Sequence[Drained], every_s: float = 1.0) -> None:
        self.watermark_s = 0.0
        self._gateway = gateway
        self._inputs = inputs
        self._every_s = every_s

    async def run(self) -> None:
        """Ticks for ever."""
        while True:
            drained_s = min(drained() for drained in self._inputs)
            if drained_s > self.watermark_s:
                self.watermark_s = drained_s
                await self._gateway.write(Tick(drained_s))
            await asyncio.sleep(self._every_s)
