"""A kitchen, the hall behind its door, three noses in them, and a gas hose that slips off.

The small world of the first `davy demo`. All chance comes from one `Generator`, and time only
through `step`: who drives it decides how fast it goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from davy.domain.gas import gas
from davy.domain.site import Unit
from davy.sensing.adc import ESP32_11DB
from davy.sensing.catalog import mox_part, part
from davy.sensing.chain import mv_for_ppm
from davy.sensing.parts import WeatherPart
from davy.sensing.response import respond
from davy.sensing.room import RoomBox
from davy.wire.senml import Sample

SITE = "home"
GAS = gas("methane")
DIVIDER = 0.5
"""Two equal resistors bring the 5 V of a film's output into the range that an ESP32 can read."""
FINEST_S = 1.0
"""The door is walked through in steps no longer than this."""
JITTER_COUNTS = 0.7
"""A live film moves the ADC by a count or two."""
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Nose:
    """One device of this world; `channels` as they are given to `davy device add`."""

    device: str
    zone: str
    name: str
    part: str
    r0_ohm: float
    load_ohm: float
    weather: str | None = None
    warmer_c: float = 0.0

    @property
    def channels(self) -> tuple[str, ...]:
        """What it measures, calibrated as somebody would who cares."""
        film = (
            f"{self.name}={self.part}:{GAS.name},load_ohm={self.load_ohm:g},"
            f"divider={DIVIDER:g},r0_ohm={self.r0_ohm:g}"
        )
        weather = () if self.weather is None else ("temperature", "humidity")
        return (film, *weather)


NOSES = (
    Nose(
        device="kitchen-1",
        zone="kitchen",
        name="mq4",
        part="MQ-4",
        r0_ohm=21_400,
        load_ohm=20_000,
        weather="DHT11",
        warmer_c=2.0,  # it hangs near the stove
    ),
    Nose(
        device="kitchen-2",
        zone="kitchen",
        name="mq4",
        part="MQ-4",
        r0_ohm=29_800,
        load_ohm=20_000,
    ),
    Nose(
        device="hall-1",
        zone="hall",
        name="mq2",
        part="MQ-2",
        r0_ohm=10_900,
        load_ohm=10_000,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Gas from `start_s` until somebody closes the cock and opens the windows at `stop_s`.

    5 kg/h is what a hose that slipped off its nozzle lets out; a burner that is open and not
    lit gives a tenth of it, and takes half an hour to the same concentration.
    """

    kg_h: float = 5.0
    start_s: float = 60.0
    stop_s: float = 180.0


STORY: tuple[tuple[float, str], ...] = (
    (0.0, "A quiet kitchen: three noses, clean air."),
    (60.0, "The hose behind the stove slips off, and gas pours into the kitchen."),
    (180.0, "Somebody closes the cock and opens the windows; the hall has had its share."),
)
"""What happens to people, by seconds from the start; for a `Leak()` as it is by default."""

EXPECTED = ("kitchen-1.mq4.low", "kitchen-2.mq4.low")
"""Alarms without which the demo has failed, two minutes from its start at the latest."""


class Kitchen:
    """The world as it is now; `step` lets time pass and says what the noses send.

    Args:
        chance: the only source of noise.
        start_s: what time it is there, seconds since 1970 UTC.
        leak: when, and how much.
    """

    shut = RoomBox(volume_m3=12.0, air_changes_per_h=0.5)
    aired = RoomBox(volume_m3=12.0, air_changes_per_h=30.0)
    hall = RoomBox(volume_m3=20.0, air_changes_per_h=6.0)
    hall_share = 0.4
    """Of the air that enters the hall, what comes from the kitchen."""

    def __init__(
        self,
        chance: np.random.Generator,
        start_s: float,
        leak: Leak = Leak(),
    ) -> None:
        self.time_s = start_s
        self.passed_s = 0.0
        self.ppm: dict[str, float] = {"kitchen": 0.0, "hall": 0.0}
        """What really is in the air of each zone."""
        self._chance = chance
        self._leak = leak
        # A film sees no less than clean air: there it starts, so that its answer is not late.
        self._shown = {nose.device: 0.0 for nose in NOSES}
        self._weather_s = -np.inf

    def step(self, dt_s: float) -> Mapping[str, tuple[Sample, ...]]:
        """What each device measures `dt_s` later, by device id.

        Raises:
            ValueError: time does not go backwards.
        """
        if not dt_s > 0:
            raise ValueError(f"dt_s is {dt_s}: time goes forwards")
        self._pass(dt_s)
        weather = self._weather()
        return {nose.device: self._measured(nose, weather) for nose in NOSES}

    # ---- the air

    def _pass(self, dt_s: float) -> None:
        end_s = self.passed_s + dt_s
        while self.passed_s < end_s:
            turns = (self._leak.start_s, self._leak.stop_s, end_s)
            until_s = min(turn for turn in turns if turn > self.passed_s)
            self._flow(min(until_s - self.passed_s, FINEST_S))
            # Steps are added up, and a sum of tenths never quite meets the whole second.
            if until_s - self.passed_s < 1e-9:
                self.passed_s = until_s
        self.time_s += dt_s

    def _flow(self, dt_s: float) -> None:
        """The leak, the windows and the door, while none of them changes."""
        leak = self._leak
        leaking = leak.start_s <= self.passed_s < leak.stop_s
        room = self.aired if self.passed_s >= leak.stop_s else self.shut
        kitchen, hall = self.ppm["kitchen"], self.ppm["hall"]
        self.ppm = {
            "kitchen": float(room.step(kitchen, leak.kg_h if leaking else 0.0, GAS, dt_s)),
            "hall": float(self.hall.step(hall, 0.0, GAS, dt_s, self.hall_share * kitchen)),
        }
        for nose in NOSES:
            film = mox_part(nose.part)
            self._shown[nose.device] = float(
                respond(
                    self._shown[nose.device],
                    self.ppm[nose.zone],
                    dt_s,
                    film.rise_t90_s,
                    film.recovery_t90_s,
                )
            )
        self.passed_s += dt_s

    # ---- the noses

    def _weather(self) -> tuple[float, float]:
        """°C and %RH: warmest and driest in the middle of the afternoon."""
        day = np.cos(2 * np.pi * (self.time_s / DAY_S - 15 / 24))
        return 21.0 + 2.0 * float(day), 48.0 - 6.0 * float(day)

    def _measured(self, nose: Nose, weather: tuple[float, float]) -> tuple[Sample, ...]:
        temperature_c, humidity = weather[0] + nose.warmer_c, weather[1] - 2 * nose.warmer_c
        truth_mv = mv_for_ppm(
            nose.part,
            GAS.name,
            self._shown[nose.device],
            r0_ohm=nose.r0_ohm,
            load_ohm=nose.load_ohm,
            divider=DIVIDER,
            temperature_c=temperature_c,
            humidity=humidity,
        )
        jitter_mv = self._chance.normal(0.0, JITTER_COUNTS) * ESP32_11DB.step_mv
        mv = float(ESP32_11DB.mv(ESP32_11DB.counts(truth_mv + jitter_mv)))
        film = Sample(nose.name, round(mv, 1), Unit.MILLIVOLT, self.time_s)
        box = part(nose.weather) if nose.weather else None
        if not isinstance(box, WeatherPart) or not self._may_read_weather(box):
            return (film,)
        # A DHT11 tosses between two of its steps when the truth lies between them.
        toss = self._chance.normal(0.0, 0.1, 2)
        return (
            film,
            Sample(
                "temperature",
                box.temperature_c.read(temperature_c + float(toss[0])),
                Unit.CELSIUS,
                self.time_s,
            ),
            Sample(
                "humidity",
                box.humidity.read(humidity + float(toss[1])),
                Unit.HUMIDITY,
                self.time_s,
            ),
        )

    def _may_read_weather(self, box: WeatherPart) -> bool:
        """A DHT11 that is asked more often warms itself and repeats its last answer."""
        if self.passed_s - self._weather_s < box.least_interval_s - 1e-6:
            return False
        self._weather_s = self.passed_s
        return True
