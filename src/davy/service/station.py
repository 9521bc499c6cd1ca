"""Everything that a person or a program can ask of a running Davy.

The API and the command line speak to this and to nothing else. What people do goes through
the log like readings, so a replay knows of it; who did it goes into the audit trail.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import structlog

from davy import __version__
from davy.domain.alarm import Act, Event, Point, Transition
from davy.domain.errors import BrokerError, Conflict, Refusal, UnknownName
from davy.domain.site import Device
from davy.ingest.broker import Broker
from davy.ingest.external import External
from davy.ingest.gateway import Gateway, Outcome, Refused
from davy.ingest.inbox import Inbox
from davy.ingest.log import Log
from davy.pipeline.silence import SILENT
from davy.service.access import Access, Who
from davy.service.enrolment import Enrolment
from davy.service.evidence import EvidenceBag
from davy.service.health import Health
from davy.service.hub import Hub
from davy.service.live import Live
from davy.service.loop import Loop
from davy.service.papers import DeviceOrder, papers_of
from davy.service.replica import Build, Replica, Step
from davy.service.views import AlarmView, EnrolledView, HealthView
from davy.service.writer import Writer
from davy.store.port import Store
from davy.store.words import Retention, Secret
from davy.wire.entries import Acts

_SERVICE = structlog.get_logger("davy.service")
_LOG = structlog.get_logger("davy.alarm")
_ANSWER_S = 10.0
_FLUSH_S = 0.25
_MOST_NEWS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class StationSettings:
    """What a station must know beside its parts."""

    data_dir: Path
    retention: Retention
    snapshot_s: float


class Station:
    """The running installation, as one thing.

    Args:
        store: where everything is kept.
        build: makes the pipeline of a plan.
        live: the present.
        access: who may.
        enrolment: devices.
        clock: seconds since 1970 UTC.
    """

    def __init__(
        self,
        settings: StationSettings,
        *,
        store: Store,
        build: Build,
        live: Live,
        access: Access,
        enrolment: Enrolment,
        clock: Callable[[], float],
    ) -> None:
        self.settings = settings
        self.store = store
        self.live = live
        self.access = access
        self.enrolment = enrolment
        self.hub = Hub(first=int(clock() * 1000))
        self.health = Health(clock, self.tell_health)
        self.evidence = EvidenceBag(store)
        self.writer = Writer(store, self.health.tell_cause("store"))
        self.log: Log
        self.loop: Loop
        self.gateway: Gateway
        self.inbox: Inbox
        self._broker: Broker | External
        self._build = build
        self._clock = clock
        self._fresh: list[Step] = []
        self._answers: dict[str, asyncio.Future[Transition]] = {}
        self._rate = 0.0
        self._counted = 0
        self._watermark_s = clock()
        self.api_url = ""

    # ---- its life, driven by `Running`

    async def open(self, log: Log, gateway: Gateway) -> None:
        """Loads the last snapshot and makes the loop that follows the log from there."""
        self.log, self.gateway = log, gateway
        self.loop = Loop(
            store=self.store,
            log=log,
            writer=self.writer,
            build=self._build,
            announce=self._announce,
            clock=self._clock,
            snapshot_s=self.settings.snapshot_s,
        )
        await self.loop.restore()
        missing = await self.loop.mend()
        if missing:
            _SERVICE.warning("the log was set back", entries=missing)
            detail = f"{missing} entries are stored, but the log had lost them"
            await asyncio.to_thread(
                self.store.audit, "davy", "log set back", "log", detail, self._clock()
            )
        latest = await asyncio.to_thread(self.store.latest)
        last = await asyncio.to_thread(partial(self.store.transitions, limit=10_000))
        self.live.begin(self.loop.replica, latest, reversed(last))

    async def admit(self, broker: Broker | External) -> None:
        """Opens the door: registry, limits and log are brought together, devices let in."""
        self._broker = broker
        self.enrolment.attach(broker, self.gateway, self.access.know_devices)
        known = await asyncio.to_thread(self.enrolment.renew_limits)
        await self.enrolment.reconcile(known, self.loop.replica.plan)

    async def close(self) -> None:
        """Writes what waits, and a last snapshot, as far as the store can."""
        if hasattr(self, "loop"):
            self.writer.snapshot(self.loop.offset, self.loop.replica)
        await asyncio.to_thread(self.writer.finish)

    async def flush(self) -> None:
        """Tells the watchers of new readings four times a second, once they are stored."""
        while True:
            await asyncio.sleep(_FLUSH_S)
            self._count()
            ready = [step for step in self._fresh if step.offset <= self.writer.committed]
            if not ready and self._fresh and self.health.troubles:
                ready = self._fresh  # the store is in trouble: better unstored than unseen
            if ready:
                self._fresh = self._fresh[len(ready) :]
                news = [one for step in ready for one in self.live.news(step)]
                if len(news) > _MOST_NEWS:
                    news = list({one[0]: one for one in news}.values())
                if news:
                    self.hub.publish("reading", {"readings": news})

    # ---- what is asked

    def health_now(self) -> HealthView:
        """How Davy is."""
        troubles = self.health.troubles
        return HealthView(
            status="trouble" if troubles else "ok",
            troubles=troubles,
            readings_per_s=round(max(0.0, self._rate), 1),
            lag_s=round(max(0.0, self._clock() - self._watermark_s - 2.0), 1),
            version=__version__,
        )

    @property
    def unstored(self) -> int:
        """Log entries that were written but are not in the store yet."""
        return max(0, self.log.last - self.writer.committed)

    def point(self, key: str) -> Point:
        """An alarm by its id.

        Raises:
            UnknownName: there is none.
        """
        point = self.live.plan.point_by_key.get(key)
        if point is None:
            raise UnknownName(f"alarm {key}: no such alarm; `davy alarms list --all` shows them")
        return point

    async def act(
        self, key: str, event: Event, who: Who, *, note: str = "", for_s: float | None = None
    ) -> AlarmView:
        """What a person does to an alarm, through the log and back.

        Raises:
            UnknownName: no such alarm.
            Conflict: its state does not allow this; the message says why.
            BrokerError: the log does not answer.
        """
        point = self.point(key)
        act = Act(
            id=uuid4().hex,
            point=point.index,
            event=event,
            by=who.name,
            at_s=self._clock(),
            note=note[:500],
            until_s=None if for_s is None else self._clock() + for_s,
        )
        answer: asyncio.Future[Transition] = asyncio.get_running_loop().create_future()
        self._answers[act.id] = answer
        try:
            zone = self.live.plan.zones[point.zone].key
            await asyncio.wait_for(self.gateway.write(Acts((act,)), zone), _ANSWER_S)
            transition = await asyncio.wait_for(answer, _ANSWER_S)
        except TimeoutError as cause:
            raise BrokerError(f"alarm {key}: the log does not answer; try again") from cause
        finally:
            self._answers.pop(act.id, None)
        if transition.refused:
            raise Conflict(f"alarm {key}: {transition.refused}")
        await self._audit(who, f"alarm {event.value}", key, note)
        return self.live.alarm(point)

    async def submit(self, payload: bytes, bearer: str | None = None) -> Outcome:
        """One pack over HTTP.

        Raises:
            BrokerError: it cannot be brought to safety now.
        """
        return await self.inbox.submit(payload, bearer)

    def turn_away(self, refusal: Refusal, payload: bytes) -> None:
        """Counts and keeps what was refused before the gateway could judge it."""
        self.gateway.note(
            Refused(
                at_s=self._clock(),
                reason=refusal.reason,
                detail=refusal.detail,
                device="",
                topic="",
                payload=payload,
            )
        )

    async def add_devices(self, orders: Sequence[DeviceOrder], who: Who) -> list[EnrolledView]:
        """Enrols devices and hands out their papers.

        Raises:
            Conflict, InputError: as `Enrolment.add`.
        """
        draft = await asyncio.to_thread(self.enrolment.add, orders)
        await self.enrolment.tell(draft)
        await asyncio.to_thread(self._audit_all, who, "device add", orders)
        return [self._papers(device, draft.secrets[device.id]) for device in draft.devices]

    async def papers(self, device_id: str) -> EnrolledView:
        """A device's secrets and where to send: for whoever flashes it."""
        device = await asyncio.to_thread(self.enrolment.device, device_id)
        return self._papers(device, await asyncio.to_thread(self.store.secret, device_id))

    def _papers(self, device: Device, secret: Secret) -> EnrolledView:
        return papers_of(device, secret, self._broker.mqtt, self.api_url)

    async def rotate(self, device_id: str, who: Who) -> EnrolledView:
        """New secrets; the old ones are worth nothing from now on.

        Raises:
            UnknownName: no such device.
        """
        draft = await asyncio.to_thread(self.enrolment.rotate, device_id)
        await self.enrolment.tell(draft, forgotten=[device_id])
        await self._audit(who, "device rotate", device_id, "")
        return await self.papers(device_id)

    async def revoke(self, device_id: str, who: Who, note: str = "") -> None:
        """Shuts a device out; its readings stay.

        Raises:
            UnknownName: no such device.
        """
        draft = await asyncio.to_thread(self.enrolment.revoke, device_id)
        await self.enrolment.tell(draft)
        await self._audit(who, "device revoke", device_id, note)

    async def calibrate(self, device_id: str, channel: str, r0_ohm: float, who: Who) -> None:
        """Sets a channel's own R0.

        Raises:
            UnknownName: no such device or channel.
            InputError: R0 makes no sense.
        """
        calibrated = partial(self.enrolment.calibrate, device_id, channel, r0_ohm, self._clock())
        await self.enrolment.tell(await asyncio.to_thread(calibrated))
        what = f"{device_id}.{channel}"
        await self._audit(who, "device calibrate", what, f"R0 = {r0_ohm:g} ohm")

    async def note(self, who: Who, action: str, what: str, detail: str = "") -> None:
        """Writes into the audit trail what somebody did beside the log."""
        await self._audit(who, action, what, detail)

    # ---- what happens

    def _announce(self, replica: Replica, step: Step) -> None:
        for news in self.live.take(replica, step):
            self.hub.publish("alarm", news)
            level = _LOG.warning if news.kind == "gas" else _LOG.info
            level(news.event, alarm=news.id, state=news.state, value=news.value, unit=news.unit)
            if news.level == SILENT:
                self.hub.publish("device", self.live.device(news.device or ""))
        for transition in step.batch.transitions:
            answer = self._answers.get(transition.act)
            if answer is not None and not answer.done():
                answer.set_result(transition)
        if not math.isnan(step.batch.watermark_s):
            self._watermark_s = step.batch.watermark_s
        if len(step.batch) and self.hub.wanted:
            self._fresh.append(step)

    def _count(self) -> None:
        """Readings a second, smoothed over some seconds."""
        fresh = (self.live.readings - self._counted) / _FLUSH_S
        self._counted = self.live.readings
        self._rate += 0.1 * (fresh - self._rate)

    def tell_health(self) -> None:
        """Tells the watchers how Davy is."""
        self.hub.publish("health", self.health_now())

    def _audit_all(self, who: Who, action: str, orders: Sequence[DeviceOrder]) -> None:
        for order in orders:
            self.store.audit(who.name, action, order.id, " ".join(order.channels), self._clock())

    async def _audit(self, who: Who, action: str, what: str, detail: str) -> None:
        await asyncio.to_thread(self.store.audit, who.name, action, what, detail, self._clock())
