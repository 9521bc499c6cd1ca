"""The life of an alarm: what the process does to it, and what people do.

The tables of `davy.domain.alarm` decide. Shelving and out-of-service lie over them: beneath,
the condition is still followed, so that an alarm that stands when its shelf time ends is
announced at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from davy.domain.alarm import CLEARING, LATCHING, Act, Change, Event, State, Transition
from davy.domain.batch import Batch
from davy.domain.plan import Plan

STATES: tuple[State, ...] = tuple(State)
_CODE = {state: code for code, state in enumerate(STATES)}
_PLAIN = frozenset(State) - {State.SHELVED, State.OUT_OF_SERVICE}


class AnnunciateState(NamedTuple):
    """Per point: the state beneath (index into `STATES`), whether the condition stands, until
    when it is shelved (NaN: it is not), whether it is out of service, and since when and at
    what value it was last raised."""

    state: NDArray[np.uint8]
    active: NDArray[np.bool_]
    shelved_until_s: NDArray[np.float64]
    out: NDArray[np.bool_]
    raised_s: NDArray[np.float64]
    changed_s: NDArray[np.float64]
    value: NDArray[np.float64]

    def shown(self, point: int) -> State:
        """The state that people see: out of service over shelved over the rest."""
        if self.out[point]:
            return State.OUT_OF_SERVICE
        if not np.isnan(self.shelved_until_s[point]):
            return State.SHELVED
        return STATES[int(self.state[point])]


@dataclass(frozen=True, slots=True)
class Annunciate:
    """Turns changes and acts into transitions, one alarm per point.

    Attributes:
        latching: bool [points], whether only a person ends the alarm.
        longest_shelf_s: shelving for longer is cut to this.
    """

    latching: NDArray[np.bool_]
    longest_shelf_s: float = 8 * 3600.0

    @staticmethod
    def of(plan: Plan) -> Annunciate:
        """The stage for a plan."""
        return Annunciate(np.array([point.setpoint.latching for point in plan.points], np.bool_))

    def start(self) -> AnnunciateState:
        """Every alarm normal."""
        n = len(self.latching)
        return AnnunciateState(
            state=np.full(n, _CODE[State.NORMAL], np.uint8),
            active=np.zeros(n, np.bool_),
            shelved_until_s=np.full(n, np.nan),
            out=np.zeros(n, np.bool_),
            raised_s=np.full(n, np.nan),
            changed_s=np.full(n, np.nan),
            value=np.full(n, np.nan),
        )

    def step(self, state: AnnunciateState, batch: Batch) -> tuple[AnnunciateState, Batch]:
        """Adds transitions: changes in order, then acts, then shelf times that end."""
        found = [self._move(state, change) for change in batch.changes]
        found += [self._act(state, act) for act in batch.acts]
        if not np.isnan(batch.watermark_s):
            over = np.flatnonzero(state.shelved_until_s <= batch.watermark_s)
            found += [self._unshelve(state, int(point), batch.watermark_s) for point in over]
        if not found:
            return state, batch
        return state, replace(batch, transitions=batch.transitions + tuple(found))

    def _move(self, state: AnnunciateState, change: Change) -> Transition:
        event = Event.RISE if change.active else Event.FALL
        before = state.shown(change.point)
        beneath = STATES[int(state.state[change.point])]
        after = self._table(change.point).get((beneath, event), beneath)
        state.state[change.point] = _CODE[after]
        state.active[change.point] = change.active
        if event is Event.RISE:
            state.raised_s[change.point] = change.at_s
            state.value[change.point] = change.value
        state.changed_s[change.point] = change.at_s
        return Transition(
            point=change.point,
            event=event,
            before=before,
            after=state.shown(change.point),
            at_s=change.at_s,
            time_s=change.time_s,
            value=change.value,
            unverified=change.unverified,
            backfilled=change.backfilled,
        )

    def _table(self, point: int) -> dict[tuple[State, Event], State]:
        return LATCHING if self.latching[point] else CLEARING

    def _act(self, state: AnnunciateState, act: Act) -> Transition:
        before = state.shown(act.point)
        until_s = None
        refused = ""
        if act.event in {Event.ACK, Event.RESET}:
            refused = self._answer(state, act, before)
        elif act.event is Event.SHELVE:
            if before is State.OUT_OF_SERVICE:
                refused = _AWAY
            elif act.until_s is not None and act.until_s <= act.at_s:
                refused = "that time is over already; shelve it until a later one"
            else:
                longest_s = act.at_s + self.longest_shelf_s
                until_s = longest_s if act.until_s is None else min(act.until_s, longest_s)
                state.shelved_until_s[act.point] = until_s
        elif act.event is Event.UNSHELVE:
            if before is State.SHELVED:
                return replace(
                    self._unshelve(state, act.point, act.at_s), by=act.by, note=act.note, act=act.id
                )
            refused = _AWAY if before is State.OUT_OF_SERVICE else "it is not shelved"
        elif act.event is Event.REMOVE:
            refused = "it is out of service already" if before is State.OUT_OF_SERVICE else ""
            state.out[act.point] = True
        elif act.event is Event.RETURN:
            refused = "" if before is State.OUT_OF_SERVICE else "it is in service already"
            state.out[act.point] = False
            if not refused:
                self._announce_again(state, act.point, act.at_s)
        if not refused and act.event is not Event.COMMENT:
            state.changed_s[act.point] = act.at_s
        return Transition(
            point=act.point,
            event=act.event,
            before=before,
            after=state.shown(act.point),
            at_s=act.at_s,
            time_s=act.at_s,
            value=float(state.value[act.point]),
            by=act.by,
            note=act.note,
            act=act.id,
            refused=refused,
            until_s=until_s,
        )

    def _answer(self, state: AnnunciateState, act: Act, before: State) -> str:
        """Acknowledges or resets; the answer says why it could not."""
        after = self._table(act.point).get((before, act.event))
        if before in _PLAIN and after is not None:
            state.state[act.point] = _CODE[after]
            return ""
        return _WHY_NOT.get((before, act.event), f"it is {before.value.replace('_', ' ')}")

    def _unshelve(self, state: AnnunciateState, point: int, at_s: float) -> Transition:
        before = state.shown(point)
        state.shelved_until_s[point] = np.nan
        self._announce_again(state, point, at_s)
        return Transition(
            point=point,
            event=Event.UNSHELVE,
            before=before,
            after=state.shown(point),
            at_s=at_s,
            time_s=at_s,
            value=float(state.value[point]),
            note="the shelf time is over",
        )

    def _announce_again(self, state: AnnunciateState, point: int, at_s: float) -> None:
        """What was acknowledged before it was put away must be seen again if it stands."""
        if state.active[point]:
            state.state[point] = _CODE[State.UNACKED]
        state.changed_s[point] = at_s


_AWAY = "it is out of service; return it to service first"
_WHY_NOT: dict[tuple[State, Event], str] = {
    (State.UNACKED, Event.RESET): "its condition still stands; acknowledge it, and reset it "
    "when it has ended",
    (State.ACKED, Event.RESET): "its condition still stands; reset it when it has ended",
    (State.RTN_UNACKED, Event.RESET): "nobody has acknowledged it; acknowledge it first",
    (State.NORMAL, Event.ACK): "it is normal; there is nothing to acknowledge",
    (State.NORMAL, Event.RESET): "it is normal; there is nothing to reset",
    (State.ACKED, Event.ACK): "it is acknowledged already",
    (State.LATCHED, Event.ACK): "it is acknowledged already; reset it",
    (State.SHELVED, Event.ACK): "it is shelved; unshelve it first",
    (State.SHELVED, Event.RESET): "it is shelved; unshelve it first",
    (State.OUT_OF_SERVICE, Event.ACK): _AWAY,
    (State.OUT_OF_SERVICE, Event.RESET): _AWAY,
}
