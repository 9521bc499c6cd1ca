"""What was refused, on its way into quarantine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from davy.domain.errors import StoreError
from davy.ingest.gateway import Refused
from davy.store.port import Store
from davy.store.words import Evidence

_MOST = 5000
_MOST_BYTES = 32 << 20


class EvidenceBag:
    """Gathers evidence without blocking anybody and writes it when asked.

    A flood must not fill the memory: what is beyond a bound is only counted, by the gateway.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: list[Evidence] = []
        self._bytes = 0

    def keep(self, refused: Sequence[Refused]) -> None:
        """Takes what the gateway refused."""
        for one in refused:
            if len(self._kept) >= _MOST or self._bytes > _MOST_BYTES:
                return
            self._bytes += len(one.payload)
            self._kept.append(
                Evidence(
                    at_s=one.at_s,
                    reason=one.reason,
                    detail=one.detail,
                    device=one.device,
                    topic=one.topic,
                    payload=one.payload,
                )
            )

    async def write(self) -> None:
        """Brings it to the store; what cannot be written now stays for the next time."""
        some, self._kept, self._bytes = self._kept, [], 0
        if not some:
            return
        try:
            await asyncio.to_thread(self._store.quarantine_put, some)
        except StoreError:  # the writer has said so already
            self._kept = some + self._kept
            self._bytes = sum(len(one.payload) for one in self._kept)
