"""Which alarms a channel has, and where: rows that a safety engineer can read and change.

A rule is a limit as a person writes it (`20 %LEL`); a setpoint is the same in the channel's
own unit. The defaults below are starting points for a site's own risk assessment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from davy.domain.alarm import Kind, Point, Setpoint
from davy.domain.errors import InputError
from davy.domain.gas import GASES, Edition, Gas
from davy.domain.site import Channel, Device, Quantity, Zone

GAS_LEVELS = ("low", "high", "high-high", "rise", "stel", "twa", "co-dose-en", "co-dose-ul")
"""Levels of kind `gas`; every other level is trouble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A limit as a person writes it. `unit` is `%LEL`, `ppm`, `Cel` or empty (a dose, a flag);
    of a `rise` it is meant per minute. The deadband is in the same unit."""

    level: str
    on: float
    unit: str = ""
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    latching: bool = True

    def setpoint(self, gas: Gas | None, edition: Edition) -> Setpoint:
        """The rule in the channel's own unit: ppm for a gas.

        Raises:
            InputError: %LEL of something that cannot burn, or a limit that makes no sense.
        """
        if not self.on > self.deadband >= 0:
            raise InputError(
                f"limit {self.level}: {self.on:g} with a deadband of {self.deadband:g} would "
                "never end; make the deadband smaller than the limit and not negative"
            )
        factor = 1.0
        if self.unit == "%LEL":
            if gas is None:
                raise InputError(f"limit {self.level}: %LEL needs a gas; give it in another unit")
            factor = gas.lel_ppm(edition) / 100
        return Setpoint(
            level=self.level,
            on=self.on * factor,
            deadband=self.deadband * factor,
            on_delay_s=self.on_delay_s,
            off_delay_s=self.off_delay_s,
            latching=self.latching,
        )


FLAMMABLE = (
    # EN 50194 lets a domestic alarm sit between 3 and 20 %LEL; plants use 20 and 40.
    Rule(level="low", on=10, unit="%LEL", deadband=1),
    Rule(level="high", on=20, unit="%LEL", deadband=2),
    Rule(level="high-high", on=40, unit="%LEL", deadband=4),
    Rule(level="rise", on=10, unit="%LEL", deadband=5),
)
TEMPERATURE = (
    # A DHT11 ends at 50 °C. 8.3 °C a minute is the usual rate-of-rise of heat detectors.
    Rule(level="high", on=50, unit="Cel", deadband=3),
    Rule(level="rise", on=8.3, unit="Cel", deadband=3),
)
TROUBLES = (
    Rule(level="fault", on=0.5, off_delay_s=5, latching=False),
    Rule(level="clock", on=0.5, off_delay_s=30, latching=False),
)
MOX_TROUBLES = (
    Rule(level="over-range", on=0.5, off_delay_s=5, latching=False),
    Rule(level="warm-up", on=0.5, latching=False),
    Rule(level="uncalibrated", on=0.5, latching=False),
)
SILENT = Rule(level="silent", on=0.5, latching=False)
EXECUTIVE = Rule(level="executive", on=0.5)


def default_rules(gas: Gas, co_standard: str = "co-dose-en") -> tuple[Rule, ...]:
    """Where a gas alarms when nobody has said otherwise.

    Carbon monoxide alarms by dose, and at the NIOSH ceiling at once. Toxic gases take their
    ceiling (or 15-minute limit) and IDLH; what can burn takes fractions of its LEL.
    """
    if gas.name == "carbon-monoxide":
        rules: tuple[Rule, ...] = (
            Rule(level=co_standard, on=1.0, deadband=0.5),
            Rule(level="high", on=200, unit="ppm", deadband=20),
            Rule(level="high-high", on=1200, unit="ppm", deadband=100),
        )
    elif gas.lel_percent and (gas.idlh_ppm is None or gas.idlh_ppm > 0.05 * _lel_ppm(gas)):
        rules = FLAMMABLE
    else:
        first = gas.ceiling_ppm or gas.stel_ppm or gas.twa_ppm
        rules = (
            ()
            if first is None
            else (Rule(level="high", on=first, unit="ppm", deadband=first / 10),)
        )
        if gas.idlh_ppm is not None:
            worst = gas.idlh_ppm
            rules += (Rule(level="high-high", on=worst, unit="ppm", deadband=worst / 10),)
    if gas.stel_ppm is not None:
        rules += (Rule(level="stel", on=gas.stel_ppm, unit="ppm", deadband=gas.stel_ppm / 10),)
    if gas.twa_ppm is not None:
        rules += (Rule(level="twa", on=gas.twa_ppm, unit="ppm", deadband=gas.twa_ppm / 10),)
    return rules


def _lel_ppm(gas: Gas) -> float:
    return min(gas.lel_percent.values()) * 1e4


@dataclass(frozen=True, slots=True)
class Limits:
    """A site's own rules: what it says replaces the default of the same level.

    Attributes:
        edition: whose LEL a %LEL stands on.
        co_standard: `co-dose-en` (EN 50291) or `co-dose-ul` (UL 2034).
        rules: by gas name or `temperature`.
    """

    edition: Edition = Edition.US
    co_standard: str = "co-dose-en"
    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)

    def of(self, channel: Channel) -> tuple[Rule, ...]:
        """The process limits of a channel, troubles aside."""
        if channel.quantity is Quantity.GAS and channel.gas is not None:
            default, name = default_rules(GASES[channel.gas], self.co_standard), channel.gas
        elif channel.quantity is Quantity.TEMPERATURE:
            default, name = TEMPERATURE, "temperature"
        else:
            return ()
        return self.check(name, default)

    def check(self, name: str, default: tuple[Rule, ...]) -> tuple[Rule, ...]:
        """Own rules laid over the default ones.

        Raises:
            InputError: a lower alarm that stands above a higher one.
        """
        own = {rule.level: rule for rule in self.rules.get(name, ())}
        merged = {rule.level: rule for rule in default} | own
        _check_order(name, merged)
        return tuple(merged.values())


def _check_order(name: str, rules: Mapping[str, Rule]) -> None:
    ladder = [rules[level] for level in ("low", "high", "high-high") if level in rules]
    for lower, upper in pairwise(ladder):
        if lower.unit == upper.unit and lower.on >= upper.on:
            raise InputError(
                f"limits of {name}: {lower.level} is {lower.on:g} {lower.unit}, not below "
                f"{upper.level} {upper.on:g}; lower the one or raise the other"
            )


def device_points(device: Device, zone: Zone, limits: Limits) -> tuple[Point, ...]:
    """Every alarm of a device; their indexes are -1 until the registry gives them one."""
    points = [_point(device, zone, None, SILENT, Edition.US)]
    for channel in device.channels:
        rules: Iterable[Rule] = (*limits.of(channel), *TROUBLES)
        if channel.part is not None and channel.quantity is Quantity.GAS:
            rules = (*rules, *MOX_TROUBLES)
        points += [_point(device, zone, channel, rule, limits.edition) for rule in rules]
    return tuple(points)


def zone_point(zone: Zone) -> Point:
    """The zone's executive action: valve, ventilation, siren. It moves back only by hand."""
    return Point(
        index=-1,
        key=f"{zone.key}.{EXECUTIVE.level}",
        kind=Kind.GAS,
        setpoint=EXECUTIVE.setpoint(None, Edition.US),
        unit="votes",
        zone=zone.index,
    )


def _point(
    device: Device, zone: Zone, channel: Channel | None, rule: Rule, edition: Edition
) -> Point:
    gas = GASES[channel.gas] if channel is not None and channel.gas else None
    kind = Kind.GAS if rule.level in GAS_LEVELS else Kind.TROUBLE
    owner = device.id if channel is None else channel.key
    unit = channel.quantity.unit if channel is not None and kind is Kind.GAS else ""
    if rule.level.startswith("co-dose"):
        unit = "dose"
    return Point(
        index=-1,
        key=f"{owner}.{rule.level}",
        kind=kind,
        setpoint=rule.setpoint(gas, edition),
        unit="s" if channel is None else unit,
        channel=-1 if channel is None else channel.id,
        device=device.index,
        zone=zone.index,
        uncertified=rule.level.startswith("co-dose")
        and channel is not None
        and channel.uncertified,
    )


def renumbered(points: Iterable[Point], known: Mapping[str, Point], first: int) -> list[Point]:
    """Points with the index that their key has already, or the next free one from `first`."""
    numbered = []
    for point in points:
        old = known.get(point.key)
        index = old.index if old is not None else first
        first += old is None
        numbered.append(replace(point, index=index))
    return numbered
