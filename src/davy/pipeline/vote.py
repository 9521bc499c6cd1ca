"""MooN: how many of a zone's channels must agree before a valve moves.

Voting gates executive action only. One channel over its setpoint always annunciates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from davy.domain.alarm import Change, Event, Kind, Point
from davy.domain.batch import Batch
from davy.domain.plan import Plan
from davy.pipeline.silence import SILENT

EXECUTIVE = "executive"
"""The alarm level of a zone's executive action."""

_LOSSES = frozenset({"fault", SILENT})


class VoteState(NamedTuple):
    """Per point, whether its condition stands and whether it is out of service; per zone,
    whether the executive action does (padded to the number of points)."""

    active: NDArray[np.bool_]
    out: NDArray[np.bool_]


class Zoned(NamedTuple):
    """One zone as the vote sees it.

    `point` is its own, `voters` [voters] the points that vote, `losses` [voters, most] the
    points that tell that a voter is lost (a sensor fault, a silent device), -1 where it has
    no more of them.
    """

    point: int
    needed: int
    voters: NDArray[np.intp]
    losses: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Vote:
    """Begins a zone's executive action when enough voters stand above the voting level.

    A voter that is lost or out of service lowers what is needed by one, down to one: 2oo3
    becomes 1oo2 and never 2oo2, so a broken detector never makes the zone harder to save. A
    lost voter whose alarm stood when it was lost still counts: its gas alarm is held.
    """

    zones: tuple[Zoned, ...]
    zone_of: dict[int, int]
    points: int

    @staticmethod
    def of(plan: Plan) -> Vote:
        """The stage for a plan."""
        channel_losses: dict[int, list[int]] = {}
        device_losses: dict[int, list[int]] = {}
        for point in plan.points:
            if point.level in _LOSSES:
                by_owner = channel_losses if point.channel >= 0 else device_losses
                owner = point.channel if point.channel >= 0 else point.device
                by_owner.setdefault(owner, []).append(point.index)
        voters_of = _voters(plan)
        zones: list[Zoned] = []
        zone_of: dict[int, int] = {}
        for own in plan.points:
            if own.level != EXECUTIVE or not own.enabled:
                continue
            voters = voters_of[own.zone]
            losses = [
                channel_losses.get(voter.channel, []) + device_losses.get(voter.device, [])
                for voter in voters
            ]
            heard = [own.index, *(voter.index for voter in voters)]
            heard += [loss for of_voter in losses for loss in of_voter]
            zone_of.update(dict.fromkeys(heard, len(zones)))
            indexes = np.array([voter.index for voter in voters], np.intp)
            # A voter that was revoked, or is not enrolled yet, must not make the valve deaf.
            needed = min(plan.zones[own.zone].vote.needed, max(1, len(indexes)))
            zones.append(Zoned(own.index, needed, indexes, _padded(losses)))
        return Vote(tuple(zones), zone_of, len(plan.points))

    def start(self) -> VoteState:
        """Nobody votes."""
        return VoteState(np.zeros(self.points, np.bool_), np.zeros(self.points, np.bool_))

    def step(self, state: VoteState, batch: Batch) -> tuple[VoteState, Batch]:
        """Adds changes of the zones' executive points right behind what caused them."""
        if not batch.changes and not batch.acts:
            return state, batch
        changes: list[Change] = []
        for change in batch.changes:
            state.active[change.point] = change.active
            changes.append(change)
            changes += self._count(state, change)
        for act in batch.acts:
            if act.event in {Event.REMOVE, Event.RETURN}:
                state.out[act.point] = act.event is Event.REMOVE
                changes += self._count(
                    state,
                    Change(
                        point=act.point,
                        active=bool(state.active[act.point]),
                        at_s=act.at_s,
                        time_s=act.at_s,
                        value=float("nan"),
                        row=len(batch),
                    ),
                )
        return state, replace(batch, changes=tuple(changes))

    def _count(self, state: VoteState, cause: Change) -> list[Change]:
        index = self.zone_of.get(cause.point)
        if index is None:
            return []
        zone = self.zones[index]
        out = state.out[zone.voters]
        lost = out | (state.active[zone.losses] & (zone.losses >= 0)).any(axis=1)
        votes = int(np.count_nonzero(state.active[zone.voters] & ~out))
        acts = votes >= max(1, zone.needed - int(np.count_nonzero(lost)))
        if acts == bool(state.active[zone.point]):
            return []
        state.active[zone.point] = acts
        return [replace(cause, point=zone.point, active=acts, value=float(votes))]


def _padded(losses: list[list[int]]) -> NDArray[np.intp]:
    """Lists of different lengths as one table, -1 behind the shorter ones."""
    table = np.full((len(losses), max(map(len, losses), default=0)), -1, np.intp)
    for row, points in zip(table, losses, strict=True):
        row[: len(points)] = points
    return table


def _voters(plan: Plan) -> list[list[Point]]:
    """For each zone, the gas points of its voting level whose devices still belong to it."""
    voters: list[list[Point]] = [[] for _ in plan.zones]
    for point in plan.points:
        if (
            point.kind is Kind.GAS
            and point.enabled
            and point.channel >= 0
            and point.unit == "ppm"
            and point.level == plan.zones[point.zone].vote.level
            and not plan.devices[point.device].revoked
        ):
            voters[point.zone].append(point)
    return voters
