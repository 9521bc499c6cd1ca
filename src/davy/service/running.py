"""A Davy that runs: the parts in the order in which they must start, and their tasks.

The durable consumer is there before any device is let in, the replay windows are rebuilt from
the log before anything is judged, and nobody is called silent for the time that Davy was away.
"""

from __future__ import annotations

import asyncio
import copy
import ssl
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Self
from uuid import uuid4

import aiomqtt
import nats
import nats.errors
import structlog
from nats.aio.client import Client

from davy.domain.errors import BrokerError, ConfigError, Reason
from davy.ingest.bridge import Bridge, BridgeSettings
from davy.ingest.broker import Broker, BrokerState, Phase
from davy.ingest.direct import Direct
from davy.ingest.external import Credentials, Endpoint, External
from davy.ingest.gateway import Gateway, Refused
from davy.ingest.inbox import Inbox
from davy.ingest.log import Log, LogSettings
from davy.ingest.nats_config import BrokerSettings
from davy.ingest.stored import Stored
from davy.ingest.timekeeper import Timekeeper
from davy.ingest.violations import Refused as Denied
from davy.service.caretaker import Caretaker
from davy.service.config import Config
from davy.service.lifeline import Lifeline
from davy.service.station import Station
from davy.wire.entries import Resumed

_LOG = structlog.get_logger("davy.service")
_MIB = 1 << 20
_SWITCH_S = 0.0005
_CONNECT_S = 5.0


class Running:
    """Starts a station's inputs and tasks, and stops them again.

    Args:
        config: how.
        station: what is to run; its loop and writer are started here.
        broker: the embedded or an external one, not started yet.
        clock: seconds since 1970 UTC.

    Example:
        async with compose(config) as running:
            await running.forever()
    """

    def __init__(
        self,
        config: Config,
        station: Station,
        clock: Callable[[], float],
    ) -> None:
        self.config = config
        self.station = station
        self.broker: Broker | External = _broker(config, self._broker_changed)
        self._clock = clock
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._reconnected = asyncio.Event()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def _start(self) -> None:
        # The store's thread may not keep the loop waiting for Python's usual 5 ms each time.
        sys.setswitchinterval(_SWITCH_S)
        station = self.station
        self._stack.callback(station.store.close)
        await self._stack.enter_async_context(self.broker)
        client = await self._connect()
        log = Log(client, _log_settings(self.config))
        await log.open()
        gateway = Gateway(log, station.evidence.keep, self._log_is)
        self._lifeline = Lifeline(
            gateway,
            lambda: station.loop.replica,
            lambda news: station.hub.publish("alarm", news),
            self.config.limits.edition,
        )
        await station.open(log, gateway)
        self._run("writer", station.writer.run)
        self._run("loop", station.loop.run)
        await station.loop.caught_up()

        stored = Stored(client, gateway, self._clock, self.config.broker.inbox_mib * _MIB)
        await self._wake_mqtt()
        await stored.open(station.loop.replica.positions)
        gateway.restore(copy.deepcopy(station.loop.replica.ledger), station.loop.replica.positions)
        await station.admit(self.broker)
        await gateway.write(Resumed(self._clock()))

        direct = Direct(client, gateway, self._clock, self._lifeline.offer)
        await direct.open()
        station.inbox = inbox = Inbox(gateway, self._clock, self._lifeline.offer)
        inputs = [stored.drained_s, direct.drained_s, inbox.drained_s]
        if self.config.bridge.host:
            trouble = station.health.tell_cause("bridge")
            bridge = Bridge(_bridge_settings(self.config), gateway, self._clock, trouble)
            inputs.append(bridge.drained_s)
            self._run("bridge", bridge.run)
        timekeeper = Timekeeper(gateway, inputs)
        caretaker = Caretaker(
            self.config.data.dir,
            store=station.store,
            log=log,
            loop=station.loop,
            health=station.health,
            evidence=station.evidence,
            tell_health=station.tell_health,
            clock=self._clock,
        )
        for name, work in (
            ("resumption", self._resume),
            ("stored", stored.run),
            ("direct", direct.run),
            ("inbox", inbox.run),
            ("timekeeper", timekeeper.run),
            ("violations", self._violations),
            ("flush", station.flush),
            ("watch", caretaker.watch),
            ("retention", partial(caretaker.retain, station.settings.retention)),
        ):
            self._run(name, work)

    async def _stop(self) -> None:
        # Again and again: a library's `wait_for` may forget a cancellation that comes together
        # with the reply that it waited for (Python 3.11).
        while tasks := [task for task in reversed(self._tasks) if not task.done()]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=1.0)
        await self.station.close()
        await self._stack.aclose()

    async def _connect(self) -> Client:
        credentials = self.broker.nats_credentials
        connecting = nats.connect(
            self.broker.nats_url,
            user=credentials.user or None,
            password=credentials.password or None,
            name="davy",
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,
            error_cb=_ignore,  # what fails is told by whoever asked for it
            reconnected_cb=self._connected_again,
            pending_size=8 * _MIB,
        )
        try:
            client = await asyncio.wait_for(connecting, _CONNECT_S)
        except (TimeoutError, OSError, nats.errors.Error) as cause:
            raise BrokerError(
                f"broker: NATS at {self.broker.nats_url} does not answer ({cause or 'too slow'}); "
                "is it running, and are user and password right?"
            ) from cause

        async def leave() -> None:
            with suppress(OSError):  # the broker may have gone first
                await client.close()

        self._stack.push_async_callback(leave)
        return client

    async def _connected_again(self) -> None:
        if hasattr(self.station, "log"):
            self.station.log.reconnected()
        self._reconnected.set()

    async def _resume(self) -> None:
        """While the broker was away nobody could be heard: silence counts anew."""
        while True:
            await self._reconnected.wait()
            self._reconnected.clear()
            await self.station.gateway.write(Resumed(self._clock()))

    async def _wake_mqtt(self) -> None:
        """The broker makes its stream of stored messages when the first client connects."""
        credentials = self.broker.nats_credentials
        endpoint = self.broker.mqtt
        try:
            async with aiomqtt.Client(
                endpoint.host,
                endpoint.port,
                username=credentials.user or None,
                password=credentials.password or None,
                identifier=f"davy-{uuid4().hex}",
                tls_context=self.broker.mqtt_tls(),
            ):
                return
        except aiomqtt.MqttError as cause:
            raise BrokerError(
                f"broker: MQTT at {endpoint.url} does not answer ({cause}); is it switched on?"
            ) from cause

    async def _violations(self) -> None:
        """What the broker itself refused becomes evidence like any other."""
        async for violation in self.broker.violations():
            reason = Reason.FOREIGN_TOPIC
            if violation.refused is Denied.LOGIN:
                known = self.station.gateway.directory.senders.get(violation.device)
                revoked = known is not None and known.revoked
                reason = Reason.REVOKED_DEVICE if revoked else Reason.BAD_CREDENTIALS
            detail = f"broker refused {violation.refused.value} from {violation.address}"
            self.station.gateway.note(
                Refused(
                    at_s=violation.at_s,
                    reason=reason,
                    detail=detail,
                    device=violation.device,
                    topic=violation.subject,
                    payload=b"",
                )
            )

    def _log_is(self, cause: BrokerError | None) -> None:
        self.station.health.tell("log", None if cause is None else str(cause))
        self._lifeline.log_is(cause)

    def _broker_changed(self, state: BrokerState) -> None:
        running = state.phase in {Phase.RUNNING, Phase.STARTING, Phase.STOPPED}
        self.station.health.tell("broker", None if running else state.detail or "it is down")

    def _run(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        self._tasks.append(asyncio.create_task(self._keep(name, work), name=f"davy {name}"))

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Runs a task for ever; a fault in our own code is trouble, not the end."""
        while True:
            try:
                await work()
                return
            except Exception as fault:  # noqa: BLE001 (the one place that may: STYLE.md)
                _LOG.exception("a task failed", task=name)
                self.station.health.tell(name, f"{type(fault).__name__}: {fault}")
                await asyncio.sleep(1.0)
                self.station.health.tell(name, None)


async def _ignore(_: Exception) -> None:
    return None


def _broker(config: Config, on_state: Callable[[BrokerState], None]) -> Broker | External:
    section = config.broker
    if section.url:
        return External(
            mqtt=_endpoint(config),
            nats_url=section.url,
            nats_credentials=Credentials(section.user, section.password),
        )
    settings = BrokerSettings(
        data_dir=config.data.dir / "nats",
        binary=section.binary,
        host=section.host,
        mqtt_port=section.mqtt_port,
        nats_port=section.nats_port,
        certificate=section.certificate,
        key=section.key,
        sync_interval_s=section.sync_s,
        max_store_bytes=(config.log.keep_mib + section.inbox_mib + 256) * _MIB,
    )
    return Broker(settings, on_state=on_state)


def _endpoint(config: Config) -> Endpoint:
    section = config.broker
    return Endpoint(section.host, section.mqtt_port, tls=section.certificate is not None)


def _bridge_settings(config: Config) -> BridgeSettings:
    section = config.bridge
    trust = None
    if section.authority is not None:
        try:
            trust = ssl.create_default_context(cafile=str(section.authority))
        except OSError as cause:
            raise ConfigError(
                f"[bridge] authority: {section.authority}: {cause}; name a PEM file"
            ) from cause
    return BridgeSettings(
        broker=Endpoint(section.host, section.port, tls=section.tls),
        credentials=Credentials(section.user, section.password) if section.user else None,
        client_id=section.client_id,
        trust=trust,
    )


def _log_settings(config: Config) -> LogSettings:
    return LogSettings(
        keep_s=config.log.keep_days * 86_400,
        keep_bytes=config.log.keep_mib * _MIB,
        partitions=config.log.partitions,
    )
