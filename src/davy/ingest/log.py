"""The log: one JetStream stream in which everything stands in order, and the only input.

Appending is acknowledged by the server when it is stored. Reading starts at any sequence and
follows the end.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NamedTuple

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import (
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)

from davy.domain.errors import BrokerError
from davy.wire.entries import Entry, decode, encode

STREAM = "DAVY"
_SUBJECT = "davy.log"
_WAIT_S = 5.0
_MOST_AT_ONCE = 64


class Logged(NamedTuple):
    """An entry and where it stands; sequences grow by one over all partitions together."""

    sequence: int
    partition: int
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """How long entries are kept: a restart needs those since the last snapshot, a replay or
    an exact re-processing all that it wants to see again."""

    keep_s: float = 7 * 86_400.0
    keep_bytes: int = 4 << 30
    partitions: int = 1


class Log:
    """Appends entries and reads them back in order.

    Raises:
        BrokerError: the stream cannot be opened, written or read.
    """

    def __init__(self, client: Client, settings: LogSettings) -> None:
        self.settings = settings
        self.last = 0
        """The last sequence that was written from here."""
        self._client = client
        # Our own patience ends first, and the library's never at the same moment.
        self._stream: JetStreamContext = client.jetstream(timeout=2 * _WAIT_S)
        self._connections = 0
        self._patient: set[asyncio.Timeout] = set()

    def reconnected(self) -> None:
        """Nobody answers any more what was asked over the connection that broke."""
        self._connections += 1
        now = asyncio.get_running_loop().time()
        for patience in self._patient:
            patience.reschedule(now)

    @contextlib.asynccontextmanager
    async def _patience(self) -> AsyncIterator[None]:
        """Ends in a TimeoutError when it takes too long, or at once with the connection."""
        async with asyncio.timeout(_WAIT_S) as patience:
            self._patient.add(patience)
            try:
                yield
            finally:
                self._patient.discard(patience)

    async def open(self) -> None:
        """Creates the stream, or brings its limits up to date."""
        config = StreamConfig(
            name=STREAM,
            subjects=[f"{_SUBJECT}.*"],
            retention=RetentionPolicy.LIMITS,
            discard=DiscardPolicy.OLD,
            storage=StorageType.FILE,
            max_age=self.settings.keep_s,
            max_bytes=self.settings.keep_bytes,
            duplicate_window=120,
        )
        # Asked for again, a stream would be counted twice against the disk that the broker has.
        try:
            await self._stream.update_stream(config)
        except nats.js.errors.NotFoundError:
            await self._create(config)
        except (nats.js.errors.Error, nats.errors.Error) as cause:
            raise _trouble("opened with these limits", cause) from cause

    async def _create(self, config: StreamConfig) -> None:
        try:
            await self._stream.add_stream(config)
        except (nats.js.errors.Error, nats.errors.Error) as cause:
            raise _trouble("opened", cause) from cause

    async def append(self, partition: int, entry: Entry, key: str | None = None) -> int:
        """Writes an entry and waits until it is stored.

        Args:
            partition: 0 .. partitions - 1.
            entry: what happened.
            key: a name under which the server knows a second attempt at the same entry.

        Returns:
            its sequence.
        """
        headers = {"Nats-Msg-Id": key} if key else None
        try:
            async with self._patience():
                stored = await self._stream.publish(
                    f"{_SUBJECT}.{partition}", encode(entry), timeout=2 * _WAIT_S, headers=headers
                )
        except (nats.js.errors.Error, nats.errors.Error, TimeoutError) as cause:
            raise _trouble("written", cause) from cause
        self.last = int(stored.seq)
        return self.last

    async def bounds(self) -> tuple[int, int]:
        """First and last sequence at hand; (1, 0) where there is none yet."""
        try:
            async with self._patience():
                info = await self._stream.stream_info(STREAM)
        except (nats.js.errors.Error, nats.errors.Error, TimeoutError) as cause:
            raise _trouble("reached", cause) from cause
        return max(1, int(info.state.first_seq)), int(info.state.last_seq)

    async def lead(self, past: int) -> None:
        """Lets the next entry stand behind sequence `past`; what stands up to there is let go.

        For a log that was set back (a power cut, an older copy): a sequence that the store
        knows must never be given to something new, which the store would take for known.
        """
        try:
            await self._stream.purge_stream(STREAM, seq=past + 1)
        except (nats.js.errors.Error, nats.errors.Error) as cause:
            raise _trouble("led on", cause) from cause

    async def read(self, after: int) -> AsyncIterator[list[Logged]]:
        """Entries behind sequence `after` in order, as many at a time as are at hand.

        A consumer that the server lost is noticed because the connection was made anew, or
        because the stream has grown and nothing came; it is made anew where it stopped.
        """
        while True:
            arrived: asyncio.Queue[Msg] = asyncio.Queue()
            subscription = await self._follow(after, arrived)
            try:
                async for logged in self._delivered(arrived, after):
                    after = logged[-1].sequence
                    yield logged
            finally:
                await _end(subscription)

    async def _follow(
        self, after: int, arrived: asyncio.Queue[Msg]
    ) -> JetStreamContext.PushSubscription:
        async def deliver(message: Msg) -> None:
            arrived.put_nowait(message)

        start = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=after + 1
        )
        try:
            return await self._stream.subscribe(
                f"{_SUBJECT}.*", stream=STREAM, cb=deliver, ordered_consumer=True, config=start
            )
        except (nats.js.errors.Error, nats.errors.Error) as cause:
            raise _trouble("read", cause) from cause

    async def _delivered(
        self, arrived: asyncio.Queue[Msg], after: int
    ) -> AsyncIterator[list[Logged]]:
        """What one consumer delivers, until it is found to be lost or to have left a gap."""
        connection = self._connections
        while True:
            try:
                async with self._patience():
                    messages = [await arrived.get()]
            except TimeoutError:
                if connection != self._connections or (await self.bounds())[1] > after:
                    return
                continue
            while not arrived.empty() and len(messages) < _MOST_AT_ONCE:
                messages.append(arrived.get_nowait())
            logged = [_logged(message) for message in messages]
            if not await self._in_order(logged, after):
                return
            after = logged[-1].sequence
            yield logged

    async def _in_order(self, logged: list[Logged], after: int) -> bool:
        """No gap, but for what the stream has forgotten since it was last read."""
        sequences = [one.sequence for one in logged]
        if sequences != list(range(sequences[0], sequences[0] + len(sequences))):
            return False
        return sequences[0] == after + 1 or sequences[0] == (await self.bounds())[0]


def _logged(message: Msg) -> Logged:
    partition = int(message.subject.rpartition(".")[2])
    return Logged(message.metadata.sequence.stream, partition, decode(message.data))


async def _end(subscription: JetStreamContext.PushSubscription) -> None:
    """Unsubscribes; a connection that is gone has done so already."""
    with contextlib.suppress(nats.errors.Error, nats.js.errors.Error):
        await subscription.unsubscribe()


def _trouble(what: str, cause: Exception) -> BrokerError:
    detail = str(cause) or type(cause).__name__
    return BrokerError(
        f"log: it could not be {what} ({detail}); is the broker up, and its disk free?"
    )
