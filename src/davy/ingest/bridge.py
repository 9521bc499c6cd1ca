"""Packs from an MQTT broker that the site runs already: Mosquitto, EMQX, another NATS.

Davy subscribes with QoS 1 and a session that the broker keeps while Davy is away, and
acknowledges a pack only when it stands in the log.

The promise is weaker than that of Davy's own broker. What the foreign broker loses before
Davy has seen it is lost: its queue is bounded (Mosquitto keeps 1,000 messages a session unless
`max_queued_messages` says otherwise), and it may forget sessions when it restarts. A pack that
gives no time is taken to be of the moment at which it is read. After a crash of ours, what was
not acknowledged comes again; a signed pack is then known by device, boot and seq, a plain one
by its instant. Mosquitto sends it again in order and at once, a NATS after its `ack_wait`
(30 s) and behind newer packs: of a device that sent more than 1,023 in that time it is refused
as stale. Join a NATS directly instead.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from davy.domain.errors import BrokerError
from davy.ingest.external import Credentials, Endpoint
from davy.ingest.gateway import Gateway, Message

SOURCE = "bridge"
TOPIC = "davy/v1/+/+/readings"
BACKOFF_S = (0.2, 10.0)
KEEPALIVE_S = 15
ANSWER_S = 10.0
"""How long the broker may take to grant the session and the subscription."""
GRACE_S = 5.0
"""How far time may be held back while packs may wait unread in the foreign broker."""
SETTLE_S = 0.25
"""When nothing has come for so long, all that waited has been read."""
_RACE_S = 0.05
_MOST_AT_ONCE = 1000
_MOST_WAITING = 50_000
_QOS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSettings:
    """Where the foreign broker is, and who Davy is there.

    Attributes:
        broker: its address.
        credentials: None where it lets anybody in.
        client_id: names the session; another Davy at the same broker needs another.
        trust: what is trusted with TLS; None: the authorities of this machine.
    """

    broker: Endpoint
    credentials: Credentials | None = None
    client_id: str = "davy"
    trust: ssl.SSLContext | None = field(default=None, repr=False)


class _Arrived(NamedTuple):
    """A message, and the connection that it must be acknowledged on.

    Numbers of messages belong to one connection: acknowledging on the next would take a pack
    that nobody has read for one that was.
    """

    message: Message
    link: Client
    number: int
    qos: int


class Bridge:
    """Reads a foreign broker's packs for as long as `run` runs.

    Args:
        settings: where, and as whom.
        gateway: judges and writes.
        clock: seconds since 1970 UTC; called from a thread of its own.
        on_trouble: told why packs cannot be read, and None when they can again.
    """

    def __init__(
        self,
        settings: BridgeSettings,
        gateway: Gateway,
        clock: Callable[[], float],
        on_trouble: Callable[[BrokerError | None], None],
    ) -> None:
        self.settings = settings
        self.connected = False
        self.sessions_lost = 0
        """How often the broker had forgotten the session, and all that waited in it."""
        self.dropped = 0
        """QoS 0 packs for which there was no room."""
        self._gateway = gateway
        self._clock = clock
        self._on_trouble = on_trouble
        self._waiting: deque[_Arrived] = deque()
        self._taking: list[_Arrived] = []
        self._news = asyncio.Event()
        self._had_session = False
        self._caught_up = False
        self._granted_s = self._latest_s = self._held_s = 0.0

    def drained_s(self) -> float:
        """All that was received before this is in the log.

        While the connection is away, and until a backlog has come in, time is held back a
        little, so that nobody is called silent whose packs wait. It never stands still: a
        foreign broker that is down must not delay alarms from elsewhere.
        """
        for some in (self._taking, self._waiting):
            if some:
                return some[0].message.arrived_s
        now_s = self._clock() - _RACE_S
        if self.connected and not self._caught_up:
            quiet = now_s - max(self._latest_s, self._granted_s) >= SETTLE_S
            self._caught_up = quiet or now_s - self._granted_s >= GRACE_S
        return now_s if self._caught_up else max(self._held_s, now_s - GRACE_S)

    async def run(self) -> None:
        """Reads for ever, and connects again whenever it must."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stay_connected(), name="bridge connection")
            group.create_task(self._bring(), name="bridge to gateway")

    # ---- into the log

    async def _bring(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                # The other thread appends at the end; only this one takes from the front.
                self._taking.append(self._waiting.popleft())
                while self._waiting and len(self._taking) < _MOST_AT_ONCE:
                    self._taking.append(self._waiting.popleft())
                await self._gateway.take(SOURCE, [one.message for one in self._taking])
                for one in self._taking:
                    one.link.ack(one.number, one.qos)  # of no effect once its link is gone
                self._taking = []

    # ---- the connection

    async def _stay_connected(self) -> None:
        pause_s, longest_s = BACKOFF_S
        troubled = False
        while True:
            began_s = self._clock()
            try:
                await self._connection(recovered=troubled)
            except BrokerError as cause:
                self._on_trouble(cause)
                troubled = True
            if self._granted_s >= began_s:
                pause_s = BACKOFF_S[0]
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, longest_s)

    async def _connection(self, *, recovered: bool) -> None:
        """One connection from its beginning to its end.

        Raises:
            BrokerError: always, with the reason why it could not begin or why it ended.
        """
        link = _Link(self.settings, self._arrive, self._news.set)
        try:
            await link.open()
            session_kept = await asyncio.wait_for(link.granted, ANSWER_S)
            if self._had_session and not session_kept:
                self.sessions_lost += 1
            self._had_session = True
            self._granted_s = self._clock()
            self.connected = True
            if recovered:
                self._on_trouble(None)
            raise _trouble(self.settings, await link.ended)
        except TimeoutError as cause:
            raise _trouble(self.settings, f"no answer within {ANSWER_S:g} s") from cause
        finally:
            if self.connected:
                self._held_s = self._clock() - _RACE_S
            self.connected = self._caught_up = False
            await asyncio.shield(asyncio.to_thread(link.close))

    def _arrive(self, link: Client, message: MQTTMessage) -> bool:
        """Takes a message, in the connection's own thread; whether the loop must be woken."""
        self._latest_s = self._clock()
        if message.qos == 0 and len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1  # what nobody waits to be acknowledged has no bound of its own
            return False
        try:
            address = message.topic
        except UnicodeDecodeError:
            address = "?"  # half a character is a foreign topic, and evidence
        envelope = Message(bytes(message.payload), self._latest_s, address)
        self._waiting.append(_Arrived(envelope, link, message.mid, message.qos))
        return len(self._waiting) == 1


class _Link:
    """One connection with a thread of its own; it never connects again by itself."""

    def __init__(
        self,
        settings: BridgeSettings,
        arrive: Callable[[Client, MQTTMessage], bool],
        wake: Callable[[], None],
    ) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self.granted: asyncio.Future[bool] = loop.create_future()
        """Whether the broker had kept the session."""
        self.ended: asyncio.Future[str] = loop.create_future()
        """Why it ended."""
        self._settings = settings
        self._arrive = arrive
        self._wake = wake
        self._session_kept = False
        self._client = client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        if settings.credentials is not None:
            client.username_pw_set(settings.credentials.user, settings.credentials.password)
        if settings.broker.tls:
            client.tls_set_context(settings.trust or ssl.create_default_context())
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message

    async def open(self) -> None:
        """Connects; what follows is told through `granted` and `ended`.

        Raises:
            BrokerError: nobody listens there, or its certificate is not trusted.
        """
        broker = self._settings.broker
        connect = partial(self._client.connect, broker.host, broker.port, KEEPALIVE_S)
        try:
            await asyncio.to_thread(connect)
        except OSError as cause:
            raise _trouble(self._settings, str(cause)) from cause
        self._client.loop_start()

    def close(self) -> None:
        """Leaves in order and ends the thread; it blocks for a moment."""
        self._client.disconnect()
        self._client.loop_stop()

    # ---- in the connection's thread

    def _on_connect(
        self, client: Client, _: Any, flags: ConnectFlags, code: ReasonCode, __: Properties | None
    ) -> None:
        if code.is_failure:
            self._tell(self._fail, f"refused: {code}")
            return
        self._session_kept = flags.session_present
        client.subscribe(TOPIC, _QOS)

    def _on_subscribe(
        self, _: Client, __: Any, ___: int, codes: list[ReasonCode], ____: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            self._tell(self._fail, "it does not grant the subscription")
        else:
            self._tell(self._grant, self._session_kept)

    def _on_disconnect(
        self, _: Client, __: Any, ___: DisconnectFlags, code: ReasonCode, ____: Properties | None
    ) -> None:
        self._tell(self._fail, f"the connection ended: {code}")

    def _on_message(self, client: Client, _: Any, message: MQTTMessage) -> None:
        if self._arrive(client, message):
            self._tell(self._wake)

    def _tell(self, what: Callable[..., None], *about: object) -> None:
        self._loop.call_soon_threadsafe(what, *about)

    # ---- in the loop's thread

    def _grant(self, session_kept: bool) -> None:
        if not self.granted.done():
            self.granted.set_result(session_kept)

    def _fail(self, why: str) -> None:
        if not self.granted.done():
            self.granted.set_exception(_trouble(self._settings, why))
        if not self.ended.done():
            self.ended.set_result(why)


def _trouble(settings: BridgeSettings, why: str) -> BrokerError:
    return BrokerError(
        f"bridge to {settings.broker.url}: {why}; is it up, and may Davy read {TOPIC}?"
    )
