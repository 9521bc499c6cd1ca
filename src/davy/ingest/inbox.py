"""The HTTP way in: requests that come at the same time go into the log together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from davy.domain.errors import BrokerError
from davy.ingest.gateway import Gateway, Message, Outcome

SOURCE = "http"
_MOST_AT_ONCE = 256


class Inbox:
    """Gathers what requests bring and answers each when its pack is safely in the log.

    Args:
        gateway: judges and writes.
        clock: seconds since 1970 UTC, when a pack arrived.
        offer: is shown every message as it comes, whatever becomes of it.
        wait_s: how long a request waits for the log before it is told to come again.
        most_waiting: requests beyond this are told so at once.
    """

    def __init__(
        self,
        gateway: Gateway,
        clock: Callable[[], float],
        offer: Callable[[Message], None],
        *,
        wait_s: float = 10.0,
        most_waiting: int = 4096,
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._offer = offer
        self._wait_s = wait_s
        self._most_waiting = most_waiting
        self._waiting: list[tuple[Message, asyncio.Future[Outcome]]] = []
        self._news = asyncio.Event()

    def drained_s(self) -> float:
        """All that came before this is in the log."""
        return self._waiting[0][0].arrived_s if self._waiting else self._clock()

    async def submit(self, payload: bytes, bearer: str | None = None) -> Outcome:
        """Brings one pack into the log.

        Args:
            payload: the request's body.
            bearer: the device whose token came with the request, None for a signed pack.

        Raises:
            BrokerError: too many wait, or the log cannot be written now; the device shall
                send the same pack again later.
        """
        if len(self._waiting) >= self._most_waiting:
            raise BrokerError(f"{self._most_waiting} packs wait already; send this one again later")
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        message = Message(payload, self._clock(), bearer=bearer)
        self._offer(message)
        self._waiting.append((message, answer))
        self._news.set()
        try:
            return await asyncio.wait_for(answer, self._wait_s)
        except TimeoutError as cause:
            raise BrokerError(
                "the log cannot be written now; send this pack again later"
            ) from cause

    async def run(self) -> None:
        """Brings what waits to the gateway, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                some = self._waiting[:_MOST_AT_ONCE]
                outcomes = await self._gateway.take(SOURCE, [message for message, _ in some])
                del self._waiting[: len(some)]
                for (_, answer), outcome in zip(some, outcomes, strict=True):
                    if not answer.done():
                        answer.set_result(outcome)
