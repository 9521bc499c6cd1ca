"""The dead-man's clock: a device that says nothing is trouble, for silence is not safety."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from davy.domain.alarm import Change
from davy.domain.batch import Batch
from davy.domain.plan import Plan

SILENT = "silent"
"""The alarm level of a device that stopped sending."""


class SilenceState(NamedTuple):
    """Per device: when it was last heard (-inf: never), and whether it counts as silent."""

    heard_s: NDArray[np.float64]
    silent: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Silence:
    """Raises `silent` when a device has not been heard for its heartbeat, or when the broker
    says that it is gone; readings clear it.

    Time is arrival time: a device with a wrong clock is not silent. A device that has never
    been heard is not yet commissioned. When Davy itself was away (`resumed_s`), the clock
    starts anew: what could not be heard was not silence.

    Attributes:
        device_of: int32 [channels], the device of each channel.
        heartbeat_s: float64 [devices].
        point_of: int32 [devices], the `silent` point, -1 where nobody waits for the device.
    """

    device_of: NDArray[np.int32]
    heartbeat_s: NDArray[np.float64]
    point_of: NDArray[np.int32]

    @staticmethod
    def of(plan: Plan) -> Silence:
        """The stage for a plan; revoked devices are not waited for."""
        device_of = np.zeros(plan.channel_count, np.int32)
        for device in plan.devices:
            device_of[[channel.id for channel in device.channels]] = device.index
        point_of = np.full(len(plan.devices), -1, np.int32)
        for point in plan.points:
            if point.level == SILENT and point.enabled and not plan.devices[point.device].revoked:
                point_of[point.device] = point.index
        return Silence(
            device_of, np.array([device.heartbeat_s for device in plan.devices]), point_of
        )

    def start(self) -> SilenceState:
        """Nobody was heard."""
        n = len(self.heartbeat_s)
        return SilenceState(np.full(n, -np.inf), np.zeros(n, np.bool_))

    def step(self, state: SilenceState, batch: Batch) -> tuple[SilenceState, Batch]:
        """Adds changes of `silent` points."""
        changes: list[Change] = []
        if not np.isnan(batch.resumed_s):
            known = np.isfinite(state.heard_s)
            state.heard_s[known] = np.maximum(state.heard_s[known], batch.resumed_s)
        if len(batch):
            changes += self._heard(state, batch)
        for presence in batch.presences:
            if not presence.online and not state.silent[presence.device]:
                changes += self._lost(state, [presence.device], presence.at_s, len(batch))
        if not np.isnan(batch.watermark_s):
            overdue = batch.watermark_s - state.heard_s > self.heartbeat_s
            missing = overdue & np.isfinite(state.heard_s) & ~state.silent & (self.point_of >= 0)
            if missing.any():
                devices = np.flatnonzero(missing).tolist()
                changes += self._lost(state, devices, batch.watermark_s, len(batch))
        return state, replace(batch, changes=batch.changes + tuple(changes)) if changes else batch

    def _heard(self, state: SilenceState, batch: Batch) -> list[Change]:
        device = self.device_of[batch.channel]
        np.maximum.at(state.heard_s, device, batch.arrived_s)
        back = state.silent[device]
        if not back.any():
            return []
        devices, rows = np.unique(device[back], return_index=True)
        rows = np.flatnonzero(back)[rows]
        state.silent[devices] = False
        return [
            Change(
                point=int(self.point_of[index]),
                active=False,
                at_s=float(batch.arrived_s[row]),
                time_s=float(batch.time_s[row]),
                value=0.0,
                row=int(row),
            )
            for index, row in sorted(zip(devices, rows, strict=True), key=lambda pair: pair[1])
            if self.point_of[index] >= 0
        ]

    def _lost(self, state: SilenceState, devices: list[int], at_s: float, row: int) -> list[Change]:
        state.silent[devices] = True
        # Lost before it ever spoke: it has been silent for nobody knows how long.
        heard_s = np.where(np.isfinite(state.heard_s), state.heard_s, np.nan)
        return [
            Change(
                point=int(self.point_of[index]),
                active=True,
                at_s=at_s,
                time_s=float(np.fmin(heard_s[index], at_s)),
                value=at_s - float(heard_s[index]),
                row=row,
            )
            for index in devices
            if self.point_of[index] >= 0
        ]
