"""The life of an alarm as tables, named after ISA-18.2 and OPC UA Part 9.

A decision is a row that a safety engineer can read. In `LATCHING` no FALL leads to NORMAL:
only a person ends a gas alarm. `CLEARING` serves conditions that end by themselves, such as
a silent device that speaks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where an alarm stands; `shelved` and `out_of_service` lie over the others."""

    NORMAL = "normal"
    UNACKED = "unacked"
    ACKED = "acked"
    RTN_UNACKED = "rtn_unacked"
    LATCHED = "latched"
    SHELVED = "shelved"
    OUT_OF_SERVICE = "out_of_service"


class Event(StrEnum):
    """What can happen to an alarm: the process moves it, or a person does."""

    RISE = "rise"
    FALL = "fall"
    ACK = "ack"
    RESET = "reset"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    REMOVE = "out-of-service"
    RETURN = "in-service"
    COMMENT = "comment"


class Kind(StrEnum):
    """Gas and trouble are never mixed: another colour, another sound, another person."""

    GAS = "gas"
    TROUBLE = "trouble"


LATCHING: dict[tuple[State, Event], State] = {
    (State.NORMAL, Event.RISE): State.UNACKED,
    (State.UNACKED, Event.ACK): State.ACKED,
    (State.UNACKED, Event.FALL): State.RTN_UNACKED,
    (State.ACKED, Event.FALL): State.LATCHED,
    (State.RTN_UNACKED, Event.ACK): State.LATCHED,
    (State.RTN_UNACKED, Event.RISE): State.UNACKED,
    (State.LATCHED, Event.RISE): State.UNACKED,
    (State.LATCHED, Event.RESET): State.NORMAL,
}

CLEARING: dict[tuple[State, Event], State] = {
    (State.NORMAL, Event.RISE): State.UNACKED,
    (State.UNACKED, Event.ACK): State.ACKED,
    (State.UNACKED, Event.FALL): State.NORMAL,
    (State.ACKED, Event.FALL): State.NORMAL,
}

ACTIVE = frozenset({State.UNACKED, State.ACKED})
"""States in which the condition itself still stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setpoint:
    """A limit and how patient it is. Values are in the channel's own unit (ppm, °C, °C/min).

    The condition starts at `on` and ends below `on - deadband`. `on_delay_s` is how long it
    must stand before it is announced, `off_delay_s` how long it must be gone.
    """

    level: str
    on: float
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    latching: bool = True

    @property
    def off(self) -> float:
        """Below this the condition has ended."""
        return self.on - self.deadband


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One alarm: one setpoint of one channel, one trouble of one device, or one zone's vote.

    `index` is permanent. `channel`, `device` and `zone` are indexes, -1 where they do not
    apply. `uncertified` marks an alarm whose sensor cannot support its standard (a CO dose
    from an MQ-7 whose heater is not cycled).
    """

    index: int
    key: str
    kind: Kind
    setpoint: Setpoint
    unit: str = ""
    channel: int = -1
    device: int = -1
    zone: int = -1
    uncertified: bool = False
    enabled: bool = True

    @property
    def level(self) -> str:
        """The setpoint's name: `low`, `high`, `stel`, `silent`, `executive` …"""
        return self.setpoint.level


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A condition that began or ended; not yet an alarm, which has a life of its own.

    `at_s` is when Davy could know it, `time_s` what the reading's own clock said, and `row`
    the row of the batch that brought it (the number of rows, where time alone did).
    """

    point: int
    active: bool
    at_s: float
    time_s: float
    value: float
    unverified: bool = False
    backfilled: bool = False
    row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a person did to an alarm; it travels through the log like a reading."""

    id: str
    point: int
    event: Event
    by: str
    at_s: float
    note: str = ""
    until_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step in an alarm's life, kept for ever. `refused` holds why an act did nothing."""

    point: int
    event: Event
    before: State
    after: State
    at_s: float
    time_s: float
    value: float = float("nan")
    by: str = ""
    note: str = ""
    act: str = ""
    refused: str = ""
    unverified: bool = False
    backfilled: bool = False
    until_s: float | None = None
