"""The quick ways in: QoS 0 packs, which nobody has stored, and the presence of devices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from davy.domain.batch import Presence
from davy.domain.errors import Refusal
from davy.ingest.gateway import Gateway, Message
from davy.wire.entries import Presences
from davy.wire.topics import parse

SOURCE = "direct"
_MOST_WAITING = 50_000
_MOST_AT_ONCE = 1000


class _Status(msgspec.Struct):
    state: str


class Direct:
    """Listens to readings with QoS 0 and to `/status`.

    A core subscriber sees QoS 1 packs as well; those are marked and come the durable way. A
    status is unsigned: it may raise trouble and never clears any, so only `offline` counts.
    `offer` is shown every message as it comes, whatever becomes of it.
    """

    def __init__(
        self,
        client: Client,
        gateway: Gateway,
        clock: Callable[[], float],
        offer: Callable[[Message], None],
    ) -> None:
        self.dropped = 0
        self._offer = offer
        self._client = client
        self._gateway = gateway
        self._clock = clock
        self._waiting: list[Message] = []
        self._gone: list[Presence] = []
        self._news = asyncio.Event()

    def drained_s(self) -> float:
        """All that came before this is in the log."""
        return self._waiting[0].arrived_s if self._waiting else self._clock()

    async def open(self) -> None:
        """Subscribes; nats-py does so again after each reconnect."""
        await self._client.subscribe("davy.v1.*.*.readings", cb=self._reading)
        await self._client.subscribe("davy.v1.*.*.status", cb=self._status)

    async def run(self) -> None:
        """Brings what waits to the gateway, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                some = self._waiting[:_MOST_AT_ONCE]
                await self._gateway.take(SOURCE, some)
                del self._waiting[: len(some)]
            while self._gone:
                gone, self._gone = tuple(self._gone), []
                await self._gateway.write(Presences(gone))

    async def _reading(self, message: Msg) -> None:
        arrived = Message(message.data, self._clock(), message.subject)
        self._offer(arrived)
        if (message.headers or {}).get("Nmqtt-Pub") != "0":
            return
        if len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1  # QoS 0 promises nothing, and memory is finite
            return
        self._waiting.append(arrived)
        self._news.set()

    async def _status(self, message: Msg) -> None:
        try:
            topic = parse(message.subject)
            status = msgspec.json.decode(message.data, type=_Status)
        except (Refusal, msgspec.DecodeError):
            return
        sender = self._gateway.directory.senders.get(topic.device)
        known = sender is not None and sender.site == topic.site
        if sender is not None and known and status.state == "offline":
            self._gone.append(Presence(device=sender.index, online=False, at_s=self._clock()))
            self._news.set()
