"""A device made of software that speaks the real contract over a real connection.

It keeps what it cannot send, sends the oldest first, and sends again, byte for byte, what was
not acknowledged when the connection broke. It has no clock: its samples carry their times.
"""

from __future__ import annotations

import asyncio
import logging
import math
import ssl
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, Self

import aiomqtt

from davy.domain.errors import BrokerError
from davy.wire.jws import sign
from davy.wire.senml import Sample, encode
from davy.wire.topics import Topic

ONLINE, OFFLINE = b'{"state":"online"}', b'{"state":"offline"}'
BACKOFF_S = (0.1, 5.0)
KEEPALIVE_S = 15
_LOG = logging.getLogger(f"{__name__}.mqtt")
_LOG.setLevel(logging.CRITICAL)  # what breaks is told in `trouble`, not on the terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What somebody was told when the device was added; without a key it does not sign."""

    site: str
    device: str
    token: str = field(repr=False)
    key: bytes | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = 1883
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    def topic(self, leaf: str) -> str:
        """Where it publishes."""
        return Topic(self.site, self.device, leaf).mqtt


class _Pack(NamedTuple):
    token: bytes
    samples: int


class VirtualDevice:
    """Speaks for one device while the context lasts.

    Args:
        account: who it is, and where the broker is.
        boot: how often it was started, more than ever before; `seq` begins at 0.
        most_samples: what one pack holds at most; a backlog is sent in full packs.
        most_waiting: samples kept while they cannot be sent; then the oldest are lost.
        most_in_flight: packs sent and not yet acknowledged. Beyond 1,023 a pack that has to
            be sent again could lie behind Davy's window.

    Example:
        async with VirtualDevice(account, boot=1) as kitchen:
            kitchen.measure([Sample("mq4", 412.0, "mV", time_s)])
            await kitchen.drained()
    """

    def __init__(
        self,
        account: Account,
        *,
        boot: int,
        most_samples: int = 50,
        most_waiting: int = 100_000,
        most_in_flight: int = 64,
    ) -> None:
        self.account = account
        self.connected = False
        self.connections = 0
        self.trouble = ""
        """Why it is not connected, in the words of the network or the broker."""
        self.packs = 0
        """Packs that were acknowledged."""
        self.acknowledged = 0
        """Samples in those packs."""
        self.lost = 0
        """Samples that found no room."""
        self._boot = boot
        self._seq = 0
        self._most_samples = most_samples
        self._most_waiting = most_waiting
        self._most_in_flight = most_in_flight
        self._waiting: deque[Sample] = deque()
        self._in_flight: dict[int, _Pack] = {}  # in the order of their numbers
        self._news = asyncio.Event()
        self._changed = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._leaving = False

    async def __aenter__(self) -> Self:
        self._life = asyncio.create_task(self._live(), name=f"device {self.account.device}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leaving = True
        if self._life is not None:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)

    # ---- what it is told, and what can be known of it

    def measure(self, samples: Iterable[Sample]) -> None:
        """Takes samples to be sent as soon as they can be; a time of None means *on arrival*."""
        self._waiting.extend(samples)
        while len(self._waiting) > self._most_waiting:
            self._waiting.popleft()
            self.lost += 1
        self._news.set()

    @property
    def waiting(self) -> int:
        """Samples that were not acknowledged yet."""
        return len(self._waiting) + sum(pack.samples for pack in self._in_flight.values())

    async def online(self, within_s: float = 10.0) -> None:
        """Waits for the connection.

        Raises:
            BrokerError: there is none in this time; it goes on trying.
        """
        await self._until(lambda: self.connected, within_s)

    async def room(self, samples: int = 1, within_s: float = math.inf) -> None:
        """Waits until that many samples more would push none out of the buffer."""
        most = max(0, self._most_waiting - samples)
        await self._until(lambda: len(self._waiting) <= most, within_s)

    async def drained(self, within_s: float = math.inf) -> None:
        """Waits until everything was acknowledged.

        Raises:
            BrokerError: it was not in this time; it goes on trying.
        """
        await self._until(lambda: not self._waiting and not self._in_flight, within_s)

    async def _until(self, reached: Callable[[], bool], within_s: float) -> None:
        try:
            async with asyncio.timeout(None if within_s == math.inf else within_s):
                while not reached():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as cause:
            at = f"{self.account.host}:{self.account.port}"
            why = self.trouble or f"{self.waiting} samples wait for an acknowledgement"
            raise BrokerError(
                f"device {self.account.device} at {at}: {why}; is the broker up, and the token "
                "the device's own?"
            ) from cause

    # ---- its life

    async def _live(self) -> None:
        pause_s, longest_s = BACKOFF_S
        while not self._leaving:  # a cancellation can be lost where a connection breaks as well
            before = self.connections
            try:
                await self._speak()
            except* aiomqtt.MqttError as group:
                self.trouble = str(group.exceptions[0])
            finally:
                self.connected = False
            pause_s = BACKOFF_S[0] if self.connections > before else min(pause_s * 2, longest_s)
            await asyncio.sleep(0 if self._leaving else pause_s)

    async def _speak(self) -> None:
        """One connection, until it breaks."""
        status = self.account.topic("status")
        async with self._client(status) as client:
            self.connections += 1
            client.pending_calls_threshold = self._most_in_flight + 2
            await client.publish(status, ONLINE, qos=1, retain=True)
            self.connected, self.trouble = True, ""
            self._changed.set()
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_notice_the_end(client))
                    for seq, pack in tuple(self._in_flight.items()):
                        group.create_task(self._send(client, seq, pack))
                    await self._send_what_comes(client, group)
            except asyncio.CancelledError:
                # It leaves in order, so there will be no last will.
                with suppress(aiomqtt.MqttError):
                    await client.publish(status, OFFLINE, qos=1, retain=True, timeout=1)
                raise

    def _client(self, status: str) -> aiomqtt.Client:
        account = self.account
        return aiomqtt.Client(
            account.host,
            account.port,
            username=account.device,
            password=account.token,
            identifier=account.device,
            tls_context=account.tls,
            will=aiomqtt.Will(status, OFFLINE, qos=1, retain=True),
            keepalive=KEEPALIVE_S,
            max_inflight_messages=self._most_in_flight + 2,
            logger=_LOG,
        )

    async def _send_what_comes(self, client: aiomqtt.Client, group: asyncio.TaskGroup) -> None:
        """Signs and sends while there is something to send and room on the way.

        Tasks begin in the order in which they are made, and each hands its pack to the
        connection before it first waits: so packs leave in the order of their numbers.
        """
        while True:
            while self._waiting and len(self._in_flight) < self._most_in_flight:
                seq, pack = self._next()
                group.create_task(self._send(client, seq, pack))
            self._news.clear()
            await self._news.wait()

    def _next(self) -> tuple[int, _Pack]:
        """The next pack: its number is given now, as it is sent."""
        account, waiting = self.account, self._waiting
        samples = list(islice(waiting, self._most_samples))
        for _ in samples:
            waiting.popleft()
        token = encode(account.device, samples)
        if account.key is not None:
            token = sign(token, account.key, account.device, self._boot, self._seq)
        seq, pack = self._seq, _Pack(token, len(samples))
        self._in_flight[seq] = pack
        self._seq += 1
        return seq, pack

    async def _send(self, client: aiomqtt.Client, seq: int, pack: _Pack) -> None:
        topic = self.account.topic("readings")
        await client.publish(topic, pack.token, qos=1, timeout=math.inf)
        del self._in_flight[seq]
        self.packs += 1
        self.acknowledged += pack.samples
        self._news.set()
        self._changed.set()


async def _notice_the_end(client: aiomqtt.Client) -> None:
    """Raises MqttError when the connection breaks: a publish that waits would not notice."""
    async for _ in client.messages:
        pass
