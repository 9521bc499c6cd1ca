"""Davy's eye on itself: disk, pipeline, evidence, and what is old enough to be forgotten."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from davy.domain.errors import BrokerError, StoreError
from davy.ingest.log import Log
from davy.service.evidence import EvidenceBag
from davy.service.health import Health
from davy.service.loop import Loop
from davy.store.port import Store
from davy.store.words import Retention

_LEAST_FREE_BYTES = 256 << 20
_STALLED_S = 5.0
_HEALTH_EVERY_S = 10


class Caretaker:
    """Looks after a running station.

    Args:
        data_dir: whose disk is watched.
        store: what is retained and forgotten.
        log: what the pipeline should have read.
        loop: how far it has.
        health: who is told.
        evidence: what is to be written.
        tell_health: says how Davy is to those who watch, so that a quiet site is known to live.
        clock: seconds since 1970 UTC.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        store: Store,
        log: Log,
        loop: Loop,
        health: Health,
        evidence: EvidenceBag,
        tell_health: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._data_dir = data_dir
        self._store = store
        self._log = log
        self._loop = loop
        self._health = health
        self._evidence = evidence
        self._tell_health = tell_health
        self._clock = clock

    async def watch(self) -> None:
        """Once a second, for ever."""
        beats = 0
        while True:
            await asyncio.sleep(1.0)
            beats += 1
            await self._evidence.write()
            self._watch_disk()
            await self._watch_pipeline()
            if beats % _HEALTH_EVERY_S == 0:
                self._tell_health()

    async def retain(self, keep: Retention) -> None:
        """Forgets what is older than it should be, a little at a time, for ever."""
        while True:
            forget = partial(self._store.retain, self._clock(), keep)
            try:
                gone = await asyncio.to_thread(forget)
            except StoreError:
                gone = 0  # the writer has said so already
            await asyncio.sleep(0.05 if gone else 300.0)

    def _watch_disk(self) -> None:
        free = shutil.disk_usage(self._data_dir).free
        full = free < _LEAST_FREE_BYTES
        self._health.tell(
            "disk", f"only {free >> 20} MiB are free; make room or keep less" if full else None
        )

    async def _watch_pipeline(self) -> None:
        try:
            _, last = await self._log.bounds()
        except BrokerError:
            return  # the broker's supervisor has said so already
        stalled = last > self._loop.offset and self._clock() - self._loop.alive_s > _STALLED_S
        self._health.tell(
            "pipeline",
            f"it stands at {self._loop.offset} of {last} log entries" if stalled else None,
        )
