"""The present, in memory: the newest reading of each channel and where each alarm stands.

Everything here follows from the steps of the loop; a restart fills it from the store.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from davy.domain.alarm import ACTIVE, Point, State, Transition
from davy.domain.flags import Flag, marked
from davy.domain.gas import GASES, Edition
from davy.domain.plan import Plan
from davy.domain.site import Channel, Quantity
from davy.pipeline.annunciate import AnnunciateState
from davy.pipeline.silence import SilenceState
from davy.service.replica import Replica, Step
from davy.service.views import (
    AlarmNews,
    AlarmView,
    ChannelView,
    DeviceView,
    LatestView,
    LimitView,
    SiteView,
    VoteView,
    ZoneView,
)
from davy.store.words import Latest

ReadingNews = tuple[str, float, float | None, float | None, list[str], float]
"""Channel key, time, value, %LEL, flags, suspicion: as the live stream gives them."""


class Live:
    """What is true now.

    Args:
        edition: whose LEL a %LEL stands on.
    """

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self.readings = 0
        self._replica: Replica | None = None
        self._latest: dict[int, tuple[float, float, int, float]] = {}
        self._last: dict[int, Transition] = {}
        self._lel: list[float] = []
        self._points_of: dict[int, list[Point]] = {}

    def begin(
        self, replica: Replica, latest: Mapping[int, Latest], last: Iterable[Transition]
    ) -> None:
        """Starts from what was stored; `last` are transitions, oldest first."""
        self._latest = {
            channel: (one.time_s, one.value, one.flags, 0.0) for channel, one in latest.items()
        }
        self._last = {transition.point: transition for transition in last}
        self._learn(replica)

    def take(self, replica: Replica, step: Step) -> list[AlarmNews]:
        """Moves on by a step; the answer is what has changed about alarms, in order."""
        if step.enrolled or self._replica is not replica:
            self._learn(replica)
        batch = step.batch
        if len(batch):
            self.readings += len(batch)
            self._remember(step)
        news = []
        for transition in batch.transitions:
            if not transition.refused:
                self._last[transition.point] = transition
                view = self.alarm(self.plan.points[transition.point])
                fields = {
                    field.name: getattr(view, field.name) for field in dataclasses.fields(view)
                }
                fields |= {"state": transition.after.value, "value": _number(transition.value)}
                event, at_s = transition.event.value, transition.at_s
                news.append(AlarmNews(**fields, event=event, at_s=at_s))
        return news

    @property
    def plan(self) -> Plan:
        """The installation as it is now."""
        return self._replica.plan if self._replica else Plan()

    def news(self, step: Step) -> Iterator[ReadingNews]:
        """A step's readings as the live stream gives them."""
        batch = step.batch
        channels = self.plan.channels
        shown = np.flatnonzero(~marked(batch.flags, Flag.DUPLICATE))
        columns = (batch.channel, batch.time_s, batch.value, batch.flags, batch.suspicion)
        for channel, time_s, value, flags, suspicion in zip(
            *(column[shown].tolist() for column in columns), strict=True
        ):
            owner = channels[channel]
            if owner is not None:
                lel = self._percent_lel(channel, value)
                yield owner.key, time_s, _number(value), lel, _names(flags), suspicion

    def sites(self) -> list[SiteView]:
        """All sites."""
        names = sorted({zone.site for zone in self.plan.zones})
        return [
            SiteView(
                site=name,
                zones=[zone.key for zone in self.plan.zones if zone.site == name],
                devices=sum(device.site == name for device in self.plan.devices),
            )
            for name in names
        ]

    def zones(self) -> list[ZoneView]:
        """All zones."""
        active = self._annunciate().active
        executive = {
            point.zone: bool(active[point.index])
            or self._annunciate().shown(point.index) is not State.NORMAL
            for point in self.plan.points
            if point.level == "executive"
        }
        return [
            ZoneView(
                key=zone.key,
                site=zone.site,
                name=zone.name,
                vote=VoteView(needed=zone.vote.needed, level=zone.vote.level),
                devices=[
                    device.id
                    for device in self.plan.devices
                    if device.site == zone.site and device.zone == zone.name and not device.revoked
                ],
                executive=executive.get(zone.index, False),
            )
            for zone in self.plan.zones
        ]

    def devices(self) -> list[DeviceView]:
        """All devices, the revoked ones among them."""
        return [self.device(device.id) for device in self.plan.devices]

    def device(self, name: str) -> DeviceView:
        """One device by name, which must be in the plan."""
        device = self.plan.device_by_id[name]
        silence = self._now.state_of(SilenceState)
        heard_s = _number(float(silence.heard_s[device.index]))
        return DeviceView(
            id=device.id,
            site=device.site,
            zone=device.zone,
            trust=device.trust.value,
            heartbeat_s=device.heartbeat_s,
            revoked=device.revoked,
            online=None if heard_s is None else not silence.silent[device.index],
            last_seen_s=heard_s,
            channels=[channel.key for channel in device.channels],
        )

    def channels(self) -> list[ChannelView]:
        """All channels of devices that are not revoked."""
        return [
            self._channel(channel, f"{device.site}.{device.zone}")
            for device in self.plan.devices
            if not device.revoked
            for channel in device.channels
        ]

    def alarms(self) -> list[AlarmView]:
        """Every alarm that there can be; most are normal."""
        return [self.alarm(point) for point in self.plan.points if point.enabled]

    def standing(self) -> list[AlarmView]:
        """Alarms that are not normal; quick, however many are."""
        state = self._annunciate()
        busy = (state.state != 0) | state.out | ~np.isnan(state.shelved_until_s)
        return [self.alarm(self.plan.points[index]) for index in np.flatnonzero(busy).tolist()]

    def alarm(self, point: Point) -> AlarmView:
        """One alarm as it stands."""
        state = self._annunciate()
        last = self._last.get(point.index)
        device = self.plan.devices[point.device] if point.device >= 0 else None
        channel = self.plan.channels[point.channel] if point.channel >= 0 else None
        zone = self.plan.zones[point.zone]
        shown = state.shown(point.index)
        return AlarmView(
            id=point.key,
            kind=point.kind.value,
            level=point.level,
            site=zone.site,
            zone=zone.name,
            device=device.id if device else None,
            channel=channel.name if channel else None,
            state=shown.value,
            active=bool(state.active[point.index]) or shown in ACTIVE,
            raised_at=_number(float(state.raised_s[point.index])),
            changed_at=_number(float(state.changed_s[point.index])),
            value=_number(float(state.value[point.index])),
            unit=point.unit,
            setpoint=point.setpoint.on,
            latching=point.setpoint.latching,
            uncertified=point.uncertified,
            unverified=last.unverified if last else False,
            backfilled=last.backfilled if last else False,
            shelved_until=_number(float(state.shelved_until_s[point.index])),
            by=last.by if last else "",
            note=last.note if last else "",
        )

    def _learn(self, replica: Replica) -> None:
        self._replica = replica
        self._lel = [self._lel_ppm(channel) for channel in replica.plan.channels]
        self._points_of = {}
        for point in replica.plan.points:
            if point.channel >= 0 and point.enabled:
                self._points_of.setdefault(point.channel, []).append(point)

    def _lel_ppm(self, channel: Channel | None) -> float:
        if channel is None or channel.gas is None or not GASES[channel.gas].flammable:
            return float("nan")
        return GASES[channel.gas].lel_ppm(self.edition)

    def _percent_lel(self, channel: int, value: float) -> float | None:
        return _number(100 * value / self._lel[channel])

    def _remember(self, step: Step) -> None:
        batch = step.batch
        rows: NDArray[np.intp] = np.flatnonzero(~marked(batch.flags, Flag.DUPLICATE))
        if len(rows) == 0:
            return
        reversed_rows = rows[::-1]
        channels, first = np.unique(batch.channel[reversed_rows], return_index=True)
        newest = reversed_rows[first]
        for channel, time_s, value, flags, suspicion in zip(
            channels.tolist(),
            batch.time_s[newest].tolist(),
            batch.value[newest].tolist(),
            batch.flags[newest].tolist(),
            batch.suspicion[newest].tolist(),
            strict=True,
        ):
            self._latest[channel] = (time_s, value, flags, suspicion)

    def _channel(self, channel: Channel, zone: str) -> ChannelView:
        latest = self._latest.get(channel.id)
        lel_ppm = _number(self._lel[channel.id])
        on_film = channel.part is not None and channel.quantity is Quantity.GAS
        return ChannelView(
            key=channel.key,
            device=channel.device,
            name=channel.name,
            zone=zone,
            quantity=channel.quantity.value,
            unit=channel.quantity.unit,
            gas=channel.gas,
            part=channel.part,
            calibrated=channel.r0_ohm is not None or not on_film,
            uncertified=channel.uncertified,
            lel_ppm=lel_ppm,
            edition=self.edition.value.upper() if lel_ppm else None,
            limits=[
                LimitView(
                    level=point.level,
                    on=point.setpoint.on,
                    off=point.setpoint.off,
                    unit=point.unit,
                )
                for point in self._points_of.get(channel.id, [])
                if point.kind.value == "gas"
            ],
            latest=None
            if latest is None
            else LatestView(
                time_s=latest[0],
                value=_number(latest[1]),
                percent_lel=self._percent_lel(channel.id, latest[1]),
                flags=_names(latest[2]),
                suspicion=latest[3],
            ),
        )

    def _annunciate(self) -> AnnunciateState:
        return self._now.state_of(AnnunciateState)

    @property
    def _now(self) -> Replica:
        if self._replica is None:
            raise RuntimeError("Live.begin has not been called")
        return self._replica


def _number(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if np.isfinite(value) else None


_NAMES: dict[int, list[str]] = {}


def _names(flags: int) -> list[str]:
    """Flags in words; the few combinations that occur are kept."""
    names = _NAMES.get(flags)
    if names is None:
        names = [flag.name.lower().replace("_", "-") for flag in Flag if flag & flags and flag.name]
        _NAMES[flags] = names
    return names
