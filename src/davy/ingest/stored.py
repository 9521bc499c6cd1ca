"""The durable way in: QoS 1 packs that the broker has stored before it acknowledged them.

A PUBACK promises that the message is in the stream `$MQTT_msgs`, which belongs to
nats-server; the copy into any stream of ours would be a second hop that a crash can lose. So
the gateway reads that stream itself, and acknowledges a message only when its pack stands in
the log. The stream's name is internal to nats-server: its version is pinned and a test
watches it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, DiscardPolicy

from davy.domain.errors import BrokerError
from davy.ingest.gateway import Gateway, Message

STREAM = "$MQTT_msgs"
CONSUMER = "davy-gateway"
FILTER = "$MQTT.msgs.davy.v1.*.*.readings"
_BATCH = 1000
_EXPIRES_S = 0.5
_MOST_WAITING = 4 * _BATCH
_MOST_BYTES = 16 << 20
_NOTHING_MORE = ("404", "408")
"""How the server ends a pull that has brought all there was."""


class Stored:
    """Pulls what the broker has stored, in order, and acknowledges what the log has taken.

    One pull asks for up to a thousand messages and ends after half a second at the latest.
    Packs that a crash delivers again are known by their place in the stream.

    Args:
        client: Davy's own connection, with all permissions.
        gateway: judges and writes.
        clock: seconds since 1970 UTC.
        keep_bytes: what may wait in the broker; beyond it the broker acknowledges nothing
            more and devices keep their packs, so that the inbox cannot eat the log's disk.
    """

    def __init__(
        self, client: Client, gateway: Gateway, clock: Callable[[], float], keep_bytes: int
    ) -> None:
        self._client = client
        self._gateway = gateway
        self._clock = clock
        self._keep_bytes = keep_bytes
        self._source = "mqtt"
        self._arrived: list[Msg] = []
        self._news = asyncio.Event()
        self._inbox = ""
        self._asked_s = 0.0
        self._delivered = 0  # the consumer's own count since it was last reset
        self._owed = 0  # messages that the pull under way may still bring
        self._busy = False
        self._drained_s = 0.0

    def drained_s(self) -> float:
        """All that the broker stored before this is in the log."""
        return self._drained_s

    async def open(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Creates the durable consumer; devices may be let in afterwards, not before.

        The stream exists once any MQTT client has connected, and keeps only what a consumer
        waits for. A stream that was set back (a power cut, an older copy) goes on behind the
        place up to which it was read: a place must not be given to a second message, which
        would be taken for the first.

        Args:
            positions: by source and partition, how far the log has read each source.

        Raises:
            BrokerError: the broker keeps its messages elsewhere than this version knows.
        """
        stream = self._client.jetstream()
        consumer = ConsumerConfig(
            durable_name=CONSUMER,
            filter_subject=FILTER,
            ack_policy=AckPolicy.ALL,
            ack_wait=60,
            max_ack_pending=10 * _BATCH,
            deliver_policy=DeliverPolicy.ALL,
        )
        try:
            info = await stream.stream_info(STREAM)
            limits = replace(info.config, max_bytes=self._keep_bytes, discard=DiscardPolicy.NEW)
            await stream.update_stream(limits)
            await stream.add_consumer(STREAM, consumer)
            # Places in another life of the stream mean nothing.
            self._source = f"mqtt@{info.created.isoformat() if info.created else ''}"
            read = max(
                (at for (name, _), at in positions.items() if name == self._source), default=0
            )
            if read > info.state.last_seq:
                await stream.purge_stream(STREAM, seq=read + 1)
        except (nats.js.errors.Error, nats.errors.Error) as cause:
            raise BrokerError(
                f"broker: the stream {STREAM} cannot be read ({cause}); use the nats-server "
                "version that Davy names"
            ) from cause

    async def run(self) -> None:
        """Reads for ever; a broken connection is taken up again where the log stands."""
        while True:
            try:
                await self._read()
            except nats.errors.Error:
                await asyncio.sleep(0.2)  # the broker's supervisor has said so already

    async def _read(self) -> None:
        connection = self._client.stats["reconnects"]
        self._arrived, self._owed, self._delivered, self._busy = [], 0, 0, False
        # What the last connection was sent and did not acknowledge comes again, in order, and
        # is counted from 1.
        await self._client.request(f"$JS.API.CONSUMER.RESET.{STREAM}.{CONSUMER}", b"{}", timeout=5)
        self._inbox = inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox, cb=partial(self._take, inbox))
        try:
            while connection == self._client.stats["reconnects"]:
                if self._owed == 0 and len(self._arrived) < _MOST_WAITING:
                    await self._ask(inbox)
                try:
                    async with asyncio.timeout(2 * _EXPIRES_S):
                        await self._news.wait()
                except TimeoutError:
                    self._owed = 0  # the pull was lost on the way
                self._news.clear()
                if not await self._hand_over():
                    return
        finally:
            if self._client.is_connected:
                await subscription.unsubscribe()

    async def _ask(self, inbox: str) -> None:
        self._owed, self._asked_s = _BATCH, self._clock()
        pull = {"batch": _BATCH, "max_bytes": _MOST_BYTES, "expires": int(_EXPIRES_S * 1e9)}
        await self._client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{CONSUMER}",
            json.dumps(pull).encode(),
            reply=inbox,
        )

    async def _take(self, inbox: str, message: Msg) -> None:
        if inbox != self._inbox:
            return  # asked for over a connection that broke: it comes again
        if message.reply:
            self._arrived.append(message)
            self._owed -= 1
        else:  # the server ends the pull
            self._owed = 0
            status = (message.headers or {}).get("Status")
            if status in _NOTHING_MORE and not self._arrived and not self._busy:
                # It waited that long, wherever its word was held up since.
                self._drained_s = self._asked_s + _EXPIRES_S
        self._news.set()

    async def _hand_over(self) -> bool:
        """Brings what has arrived into the log and acknowledges the last of it.

        False where one is missing: acknowledging what follows would give it up.
        """
        if not self._arrived:
            return True
        some, self._arrived = self._arrived, []
        if _count(some[0]) != self._delivered + 1 or _count(some[-1]) != self._delivered + len(
            some
        ):
            return False
        self._busy = True
        messages = [_message(one) for one in some]
        await self._gateway.take(self._source, messages)
        await some[-1].ack()
        self._busy = False
        self._delivered += len(some)
        if some[-1].reply.endswith(".0"):  # nothing was pending behind it
            self._drained_s = messages[-1].arrived_s
        return True


def _count(stored: Msg) -> int:
    """Which delivery this is since the consumer was reset."""
    return int(stored.reply.split(".")[6])


def _message(stored: Msg) -> Message:
    # $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<delivered>.<time in ns>.<pending>
    place = stored.reply.split(".")
    return Message(
        payload=stored.data,
        arrived_s=int(place[7]) / 1e9,
        address=stored.subject,
        position=int(place[5]),
    )
