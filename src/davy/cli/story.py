"""The demo's play: a leak, somebody who forges a reading, and what Davy makes of both.

The world moves `speed` times faster than the clock; readings carry the true time of day, go
over MQTT as those of any device do, and the forger's pack comes in over HTTP.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

import httpx
import msgspec
import numpy as np

from davy.domain.errors import Reason
from davy.service.access import Role, Who
from davy.service.papers import DeviceOrder
from davy.service.running import Running
from davy.service.views import AlarmNews, AlarmView
from davy.simulate.device import Account, VirtualDevice
from davy.simulate.kitchen import EXPECTED, NOSES, SITE, STORY, Kitchen, Leak
from davy.wire.jws import KEY_BYTES, key_from_text, sign
from davy.wire.senml import Sample, encode

VISITOR = Who("demo", Role.ADMIN)
FORGED_S = 130.0
"""When the forger comes: the kitchen is full of gas, and he says that it is clean."""
CLEAN_AIR_MV = 420.0
HEARTBEAT_S = 10.0
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One line of the story; `after_s` counts by the clock, `world_s` in the kitchen."""

    after_s: float
    world_s: float
    mark: str
    text: str


@dataclass(slots=True)
class Play:
    """A kitchen, its devices and its villain, before a running Davy.

    Args:
        running: the Davy that is shown.
        url: its web address.
        speed: seconds in the kitchen for each of the clock.
        tell: called with each line of the story.
    """

    running: Running
    url: str
    speed: float
    tell: Callable[[Told], None]
    story: list[Told] = field(default_factory=list)
    readings: int = 0
    """How many came through, when the play was over."""
    raised: list[AlarmView] = field(default_factory=list)
    """The alarms that had risen by then, the oldest first."""
    _acts: list[asyncio.Task[None]] = field(default_factory=list)
    _accounts: dict[str, Account] = field(default_factory=dict)
    _risen: set[str] = field(default_factory=set)
    _began_at_s: float = 0.0  # since 1970; what follows is monotonic
    _began_s: float = 0.0
    _world_s: float = 0.0
    _clean: bool = False

    async def prepare(self) -> str:
        """Enrols the devices, and gives the address at which a visitor may come in."""
        station = self.running.station
        known = station.live.plan.device_by_id
        orders = [
            DeviceOrder(
                id=nose.device,
                site=SITE,
                zone=nose.zone,
                channels=nose.channels,
                heartbeat_s=HEARTBEAT_S,
            )
            for nose in NOSES
            if nose.device not in known
        ]
        if orders:
            await station.add_devices(orders, VISITOR)
        endpoint = self.running.broker.mqtt
        for nose in NOSES:
            papers = await station.papers(nose.device)
            self._accounts[nose.device] = Account(
                site=papers.site,
                device=papers.device,
                token=papers.token,
                key=key_from_text(papers.key) if papers.key else None,
                host=endpoint.host,
                port=endpoint.port,
                tls=self.running.broker.mqtt_tls(),
            )
        # A visitor needs a user behind the invitation; nobody ever logs in with this password.
        password = secrets.token_urlsafe(24)
        put = partial(station.access.put_user, VISITOR.name, VISITOR.role, password)
        await asyncio.to_thread(put)
        return f"{self.url}/enter?token={station.access.invite(VISITOR)}"

    async def perform(self, for_s: float | None) -> None:
        """Plays for as long as is asked, for ever without that; then all that was sent is in."""
        self._began_at_s, self._began_s = time.time(), time.monotonic()
        boot = int(time.time())
        async with AsyncExitStack() as stage:
            devices = {
                name: await stage.enter_async_context(VirtualDevice(account, boot=boot))
                for name, account in self._accounts.items()
            }
            stage.callback(lambda: [act.cancel() for act in self._acts])
            self._begin(self._annunciator())
            try:
                await self._world(devices, for_s)
                for device in devices.values():
                    await device.drained(PATIENCE_S)
                await self._settled(sum(device.acknowledged for device in devices.values()))
            finally:  # before the devices leave, and are silent
                self.readings = self.running.station.live.readings
                self.raised = self._raised()

    def missing(self) -> list[str]:
        """Expected alarms that were not raised."""
        risen = {alarm.id for alarm in self.raised}
        return [name for name in EXPECTED if name not in risen]

    # ---- its acts

    async def _world(self, devices: dict[str, VirtualDevice], for_s: float | None) -> None:
        kitchen = Kitchen(np.random.default_rng(), time.time())
        pace_s = min(1.0, max(0.1, 1 / self.speed))
        lines, forged = list(STORY), False
        at_s = self._began_s
        while for_s is None or at_s - self._began_s < for_s:
            measured = kitchen.step(pace_s * self.speed)
            self._world_s = kitchen.passed_s
            now_s = time.time()
            for name, samples in measured.items():
                devices[name].measure([one._replace(time_s=now_s) for one in samples])
            while lines and lines[0][0] <= kitchen.passed_s:
                self._say("world", lines.pop(0)[1])
            if not forged and kitchen.passed_s >= FORGED_S:
                forged = True
                self._begin(self._forger())
            if not self._clean and kitchen.passed_s > Leak().stop_s:
                self._look_for_the_end()
            at_s += pace_s
            await asyncio.sleep(max(0.0, at_s - time.monotonic()))

    def _look_for_the_end(self) -> None:
        """Gas is gone, and the alarms stay: only a person ends them."""
        gas = [alarm for alarm in self._raised() if alarm.kind == "gas" and alarm.channel]
        if gas and not any(alarm.active for alarm in gas):
            self._clean = True
            self._say(
                "world",
                "The air is clean again. The alarms stay until somebody acknowledges and resets "
                "them: try it on the dashboard.",
            )

    def _raised(self) -> list[AlarmView]:
        """Those that rose in this play, though somebody may have reset them already."""
        live = self.running.station.live
        mine = {a.id for a in live.standing() if (a.raised_at or 0.0) >= self._began_at_s}
        risen = mine | self._risen
        views = [alarm for alarm in live.alarms() if alarm.id in risen]
        return sorted(views, key=lambda alarm: alarm.raised_at or 0.0)

    def _begin(self, act: Coroutine[None, None, None]) -> None:
        self._acts.append(asyncio.create_task(act))

    async def _annunciator(self) -> None:
        """Tells of alarms as any watcher of the live stream learns of them."""
        decoder = msgspec.json.Decoder(AlarmNews)
        async for happening in self.running.station.hub.watch(None):
            if happening.kind != "alarm":
                continue
            news = decoder.decode(happening.data)
            if news.event == "rise":
                self._risen.add(news.id)
            if news.event == "rise" or (news.event == "fall" and news.kind == "gas"):
                self._say("gas" if news.kind == "gas" else "trouble", _sentence(news))

    async def _forger(self) -> None:
        """Says in a device's name that all is well; he has its id, and not its key."""
        nose = NOSES[0]
        clean = Sample(nose.name, CLEAN_AIR_MV, "mV", time.time())
        pack = sign(
            encode(nose.device, [clean]),
            secrets.token_bytes(KEY_BYTES),
            nose.device,
            int(time.time()) + 1,
            0,
        )
        self._say("attack", f'A stranger sends a pack in the name of {nose.device}: "clean air".')
        async with httpx.AsyncClient(trust_env=False) as http:
            reply = await http.post(
                f"{self.url}/api/v1/readings",
                content=pack,
                headers={"Content-Type": "application/jose"},
            )
        find = partial(
            self.running.station.store.quarantine,
            1,
            since_s=self._began_at_s,
            reason=Reason.BAD_SIGNATURE.value,
        )
        for _ in range(50):  # evidence is written once a second
            found = await asyncio.to_thread(find)
            if found:
                self._say(
                    "attack",
                    f"Refused with {reply.status_code}, {found[0].reason.value}: "
                    f"{found[0].detail}. The evidence is in quarantine, the alarm stands.",
                )
                return
            await asyncio.sleep(0.1)

    async def _settled(self, readings: int) -> None:
        """Waits until what was acknowledged went through the pipeline and is stored."""
        station = self.running.station
        for _ in range(int(PATIENCE_S * 20)):
            if station.live.readings >= readings:
                break
            await asyncio.sleep(0.05)
        await station.writer.drain()

    def _say(self, mark: str, text: str) -> None:
        told = Told(
            after_s=round(time.monotonic() - self._began_s, 1),
            world_s=round(self._world_s, 1),
            mark=mark,
            text=text,
        )
        self.story.append(told)
        self.tell(told)


def _sentence(news: AlarmNews) -> str:
    """An alarm's step in words."""
    where = f"{news.device}.{news.channel}" if news.channel else news.device
    if news.level == "executive":
        happened = "closes the valve" if news.event == "rise" else "has nobody who votes for it"
        return f"{news.site}/{news.zone}: executive action {happened}"
    if news.event == "fall":
        return f"{where}: {news.level} is over, and stays until somebody resets it"
    value = "" if news.value is None or not news.unit else f" at {news.value:.5g} {news.unit}"
    kind = "GAS" if news.kind == "gas" else "trouble"
    return f"{where}: {kind} {news.level}{value}"
