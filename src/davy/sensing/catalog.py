"""The sensor parts that Davy knows, a row each: nine MQ films and two weather sensors.

The lines are power-law fits that two open projects drew through the makers' graphs:
MQSensorsLib (miguel5612, commit 59a2e58) and TroykaMQ (amperka, commit ecefaec). TroykaMQ also
published the points that it read off; where both fit a line, the one nearer to those points
stands here, and a test computes which that is.

Ranges are those of the digitised graph, or the maker's stated detecting range where it reaches
further down. What is marked *background* is common knowledge that nobody has looked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from davy.domain import gas as gases
from davy.domain.errors import InputError, UnknownName
from davy.domain.units import mg_m3_to_ppm
from davy.sensing.compensation import Climate
from davy.sensing.curve import MoxCurve
from davy.sensing.parts import (
    Fit,
    MoxPart,
    Part,
    Scale,
    WeatherPart,
    middle_ohm,
    table,
    too_flat,
)

_LIB = "MQSensorsLib"
_TROYKA = "TroykaMQ"
_NEAREST = "nearest of the published fits to the digitised points"
_ONLY = "the only published fit; range of the part's other lines assumed"
_BAND = "middle of the datasheet's band for Rs, a convention: "

_USUAL_CLIMATE = Climate.linear(
    per_c=-0.0075,
    per_rh=-0.003,
    at_c=20.0,
    at_rh=65.0,
    source="background: -0.5 to -1 %/°C and about -0.3 %/%RH on the datasheets' graphs",
)
_MQ135_CLIMATE = Climate(
    constant=1.39538,
    per_c=-0.02718,
    per_c2=0.00035,
    per_rh=-0.0018,
    reference_c=20.0,
    reference_rh=33.0,
    source="polynomial of GeorgK's MQ135 library, commit a9c0e64",
)


def _fit(
    gas: str,
    ppm_at_r0: float,
    exponent: float,
    source: str,
    *,
    span: tuple[float, float] = (200.0, 10_000.0),
    clean_air_ratio: float | None = None,
) -> Fit:
    return Fit(
        gas=gas,
        ppm_at_r0=ppm_at_r0,
        exponent=exponent,
        low_ppm=span[0],
        high_ppm=span[1],
        source=source,
        clean_air_ratio=clean_air_ratio,
    )


def _fit_mg_l(gas: str, mg_l_at_r0: float, exponent: float, source: str) -> Fit:
    """A line of the MQ-3, whose graph counts mg/l (0.1 to 10) at 20 °C."""
    low, scale, high = mg_m3_to_ppm([100.0, mg_l_at_r0 * 1000.0, 10_000.0], gases.gas(gas), 20.0)
    return _fit(gas, float(scale), exponent, source, span=(float(low), float(high)))


_ROWS: tuple[Part, ...] = (
    MoxPart(
        name="MQ-2",
        title="flammable gas and smoke",
        r0_reference="1000 ppm hydrogen, 20 °C, 65 %RH",
        clean_air_ratio=9.83,
        clean_air_source="all published rows agree",
        typical_r0_ohm=12_000,
        typical_r0_source=_BAND + "3-30 kohm in 1000 ppm isobutane, taken along the LPG line",
        load_ohm=5_000,
        fits=table(
            _fit("methane", 4662.79, -2.6316, f"{_TROYKA}; the only published fit"),
            _fit("hydrogen", 1008.95, -2.0833, f"{_TROYKA}; {_NEAREST}"),
            _fit("lpg", 574.25, -2.222, f"{_LIB}; {_NEAREST}"),
            _fit("propane", 658.71, -2.168, f"{_LIB}; the only published fit"),
            _fit("smoke", 4575.96, -2.381, f"{_TROYKA}; {_NEAREST}"),
            _fit("ethanol", 3616.1, -2.675, f"{_LIB}; {_ONLY}"),
            _fit("carbon-monoxide", 36_974, -3.109, f"{_LIB}; no points to judge the two fits"),
        ),
        refused=too_flat(),
        climate=_USUAL_CLIMATE,
    ),
    MoxPart(
        name="MQ-3",
        title="alcohol",
        r0_reference="0.4 mg/l (209 ppm) ethanol, 20 °C, 65 %RH",
        clean_air_ratio=60,
        clean_air_source="all published rows agree; the newer datasheet promises only 5 or more",
        typical_r0_ohm=middle_ohm(2_000, 20_000),
        typical_r0_source=_BAND + "2-20 kohm in 0.4 mg/l alcohol (an older sheet: 1-8 Mohm)",
        load_ohm=200_000,
        fits=table(
            _fit_mg_l("ethanol", 0.3934, -1.504, f"{_LIB}; {_NEAREST}; mg/l made ppm at 20 °C"),
            _fit_mg_l("benzene", 4.8387, -2.68, f"{_LIB}; the only published fit"),
            _fit_mg_l("n-hexane", 7585.3, -2.849, f"{_LIB}; the only published fit"),
            _fit_mg_l("lpg", 44_771, -3.245, f"{_LIB}; the only published fit"),
            _fit_mg_l("carbon-monoxide", 521_853, -3.821, f"{_LIB}; the only published fit"),
        ),
        refused=too_flat(methane=19.01),
        climate=_USUAL_CLIMATE,
    ),
    MoxPart(
        name="MQ-4",
        title="methane, natural gas",
        r0_reference="1000 ppm methane, 20 °C, 65 %RH",
        clean_air_ratio=4.4,
        clean_air_source="all published rows agree",
        typical_r0_ohm=middle_ohm(10_000, 60_000),
        typical_r0_source=_BAND + "10-60 kohm in 1000 ppm methane (background)",
        load_ohm=20_000,
        fits=table(
            _fit("methane", 1012.7, -2.786, f"{_LIB}; {_NEAREST}"),
            _fit("lpg", 3811.9, -3.113, f"{_LIB}; the only published fit"),
        ),
        refused=too_flat(ethanol=-14.01, carbon_monoxide=-19.05, smoke=-8.308),
        climate=_USUAL_CLIMATE,
    ),
    MoxPart(
        name="MQ-5",
        title="LPG, natural gas, town gas",
        r0_reference="1000 ppm hydrogen, 20 °C, 65 %RH",
        clean_air_ratio=6.5,
        clean_air_source="all published rows agree",
        typical_r0_ohm=90_000,
        typical_r0_source=_BAND + "10-60 kohm in 5000 ppm methane, taken along its line",
        load_ohm=20_000,
        fits=table(
            _fit("methane", 177.65, -2.56, f"{_LIB}; {_NEAREST}"),
            _fit("lpg", 84.4279, -2.5641, f"{_TROYKA}; {_NEAREST}"),
            _fit("hydrogen", 1163.8, -3.874, f"{_LIB}; {_ONLY}"),
            _fit("ethanol", 97_124, -4.918, f"{_LIB}; {_ONLY}; a weak line"),
            _fit("carbon-monoxide", 491_204, -5.826, f"{_LIB}; {_ONLY}; a very weak line"),
        ),
        refused=too_flat(),
        climate=_USUAL_CLIMATE,
    ),
    MoxPart(
        name="MQ-6",
        title="LPG, propane, butane",
        r0_reference="1000 ppm LPG, 20 °C, 65 %RH",
        clean_air_ratio=10,
        clean_air_source="all published rows agree",
        typical_r0_ohm=middle_ohm(10_000, 60_000),
        typical_r0_source=_BAND + "10-60 kohm in 1000 ppm LPG (background)",
        load_ohm=20_000,
        fits=table(
            _fit("lpg", 1021.03, -2.381, f"{_TROYKA}; {_NEAREST}"),
            _fit("methane", 2127.2, -2.526, f"{_LIB}; the only published fit"),
            _fit("hydrogen", 88_158, -3.597, f"{_LIB}; {_ONLY}"),
        ),
        refused=too_flat(ethanol=-6.017, carbon_monoxide=-13.5),
        climate=_USUAL_CLIMATE,
    ),
    MoxPart(
        name="MQ-7",
        title="carbon monoxide",
        r0_reference="100 ppm carbon monoxide, 20 °C, 65 %RH",
        clean_air_ratio=27,
        clean_air_source="TroykaMQ, as its carbon monoxide line; MQSensorsLib has 27.5",
        typical_r0_ohm=middle_ohm(2_000, 20_000),
        typical_r0_source=_BAND + "2-20 kohm in 100 ppm carbon monoxide",
        load_ohm=10_000,
        fits=table(
            _fit("carbon-monoxide", 80.609, -1.2987, f"{_TROYKA}; {_NEAREST}", span=(20, 4000)),
            _fit("hydrogen", 69.014, -1.374, f"{_LIB}; {_ONLY}", span=(50, 4000)),
        ),
        refused=too_flat(ethanol=-12.35, methane=-10.54, lpg=-7.703),
        climate=_USUAL_CLIMATE,
        preheat_h=48,
        heater_cycling=True,
    ),
    MoxPart(
        name="MQ-8",
        title="hydrogen",
        r0_reference="1000 ppm hydrogen, 20 °C, 65 %RH",
        clean_air_ratio=70,
        clean_air_source=(
            "MQSensorsLib; TroykaMQ has 27 (as for its MQ-7), but the graph's methane line lies "
            "above that, and methane cannot make the film resist more than clean air does"
        ),
        typical_r0_ohm=middle_ohm(10_000, 60_000),
        typical_r0_source=_BAND + "10-60 kohm in 1000 ppm hydrogen (background)",
        load_ohm=10_000,
        fits=table(
            _fit("hydrogen", 993.581, -0.65789, f"{_TROYKA}; {_NEAREST}"),
            _fit("ethanol", 76_101, -1.86, f"{_LIB}; {_ONLY}"),
            _fit("lpg", 1e7, -3.123, f"{_LIB}; {_ONLY}"),
        ),
        refused=too_flat(methane=-6.666, carbon_monoxide=-8.074),
        climate=_USUAL_CLIMATE,
    ),
    MoxPart(
        name="MQ-9",
        title="carbon monoxide and flammable gas",
        r0_reference="1000 ppm LPG, 20 °C, 65 %RH",
        clean_air_ratio=9.6,
        clean_air_source="MQSensorsLib; TroykaMQ has 9.8",
        typical_r0_ohm=2_850,
        typical_r0_source=_BAND + "2-20 kohm in 100 ppm carbon monoxide (background), on its line",
        load_ohm=10_000,
        fits=table(
            # The graph begins at 200 ppm, the stated range at 10 (background): a foot of 200
            # would count as a dose of carbon monoxide in clean air.
            _fit("carbon-monoxide", 599.65, -2.244, f"{_LIB}; {_NEAREST}", span=(10, 1000)),
            _fit("methane", 4269.6, -2.648, f"{_LIB}; {_NEAREST}"),
            _fit("lpg", 1030.19, -2.0833, f"{_TROYKA}; {_NEAREST}"),
        ),
        refused=too_flat(),
        climate=_USUAL_CLIMATE,
        preheat_h=48,
        heater_cycling=True,
    ),
    MoxPart(
        name="MQ-135",
        title="air quality: ammonia, alcohol, solvents",
        r0_reference="100 ppm ammonia, 20 °C, 33 %RH",
        clean_air_ratio=3.6,
        clean_air_source="MQSensorsLib",
        typical_r0_ohm=middle_ohm(30_000, 200_000),
        typical_r0_source=_BAND + "30-200 kohm in 100 ppm ammonia",
        load_ohm=10_000,
        fits=table(
            _fit(
                "ammonia",
                102.2,
                -2.473,
                f"{_LIB} (its NH4); the only published fit",
                span=(10, 300),
            ),
            _fit("ethanol", 77.255, -3.18, f"{_LIB}; the only published fit", span=(10, 300)),
            _fit("acetone", 34.668, -3.369, f"{_LIB}; the only published fit", span=(10, 1000)),
            _fit("toluene", 44.947, -3.445, f"{_LIB}; the only published fit", span=(10, 1000)),
            _fit(
                "carbon-monoxide",
                605.18,
                -3.937,
                f"{_LIB}; the only published fit",
                span=(10, 1000),
            ),
            # The part's 3.6 would put clean air at 5 ppm of carbon dioxide. Outside air holds
            # 420, so on this line R0 follows from that, as GeorgK's library does with 397.
            _fit(
                "carbon-dioxide",
                96.6821,
                -2.381,
                f"{_TROYKA}; {_NEAREST}; indicative only: the film sees all else better",
                span=(10, 1000),
                clean_air_ratio=(420.0 / 96.6821) ** (1.0 / -2.381),
            ),
        ),
        refused=too_flat(),
        climate=_MQ135_CLIMATE,
    ),
    WeatherPart(
        name="DHT11",
        title="temperature and humidity",
        temperature_c=Scale(low=0, high=50, step=1, accuracy=2, t63_s=10),
        humidity=Scale(low=20, high=90, step=1, accuracy=5, t63_s=10),
        least_interval_s=2.0,
        source="datasheet: 1/e times of 6-30 s and 6-15 s, at most 1 Hz; Aosong asks for 2 s",
    ),
    WeatherPart(
        name="DHT22",
        title="temperature and humidity",
        temperature_c=Scale(low=-40, high=80, step=0.1, accuracy=0.5, t63_s=10),
        humidity=Scale(low=0, high=99.9, step=0.1, accuracy=2, t63_s=10),
        least_interval_s=2.0,
        source="vendors' data on AM2302; response time assumed equal to DHT11's",
    ),
)

PARTS: Mapping[str, Part] = MappingProxyType({row.name: row for row in _ROWS})
"""Every part by its name; read-only."""

_BY_LETTERS = {name.replace("-", "").lower(): row for name, row in PARTS.items()}


def part(name: str) -> Part:
    """The part that goes by this name: `MQ-4`, `mq4` and `MQ_4` are one.

    Raises:
        UnknownName: there is no such part; the message lists those that there are.
    """
    found = _BY_LETTERS.get("".join(letter for letter in name.lower() if letter.isalnum()))
    if found is None:
        raise UnknownName(f"part {name!r} is not in the catalog; use one of {', '.join(PARTS)}")
    return found


def mox_part(name: str) -> MoxPart:
    """The gas-sensing part of this name.

    Raises:
        UnknownName: there is no such part.
        InputError: it is a part that sees no gas.
    """
    found = part(name)
    if not isinstance(found, MoxPart):
        raise InputError(f"{found.name} measures {found.title} and sees no gas: use an MQ part")
    return found


def curve_for(part_name: str, gas_name: str) -> MoxCurve:
    """The line by which a part tells a gas; both may be written as people do (`mq7`, `CO`).

    Raises:
        UnknownName: there is no such part or gas.
        InputError: this part cannot see this gas: why not, and what it can see.

    Example:
        >>> curve_for("MQ-4", "methane").high_ppm
        10000.0
    """
    return mox_part(part_name).curve(gases.gas(gas_name).name)
