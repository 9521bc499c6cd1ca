"""The small world of the demo: gas goes where it should, and noses say so."""

from __future__ import annotations

import numpy as np
import pytest

from davy.sensing.adc import ESP32_11DB
from davy.sensing.chain import ppm_for_mv
from davy.service.papers import DeviceOrder
from davy.simulate.kitchen import DIVIDER, NOSES, SITE, STORY, Kitchen, Leak
from davy.wire.senml import Sample

START_S = 1_760_000_000.0
NO_LEAK = Leak(kg_h=0.0)


def kitchen(seed: int = 1, leak: Leak | None = None) -> Kitchen:
    return Kitchen(np.random.default_rng(seed), START_S, leak or Leak())


def lived(world: Kitchen, seconds: int, dt_s: float = 1.0) -> list[dict[str, tuple[Sample, ...]]]:
    return [dict(world.step(dt_s)) for _ in range(round(seconds / dt_s))]


def ppm_of(device: str, sample: Sample) -> float:
    nose = next(nose for nose in NOSES if nose.device == device)
    ppm = ppm_for_mv(
        nose.part,
        "methane",
        sample.value,
        r0_ohm=nose.r0_ohm,
        load_ohm=nose.load_ohm,
        divider=DIVIDER,
    )
    return float(ppm)


def test_its_noses_can_be_enrolled_as_they_describe_themselves():
    for index, nose in enumerate(NOSES):
        order = DeviceOrder(id=nose.device, site=SITE, zone=nose.zone, channels=nose.channels)
        order.check()

        assert order.drawn(index, 0).channels[0].r0_ohm == nose.r0_ohm


def test_before_the_leak_the_air_is_clean_and_no_nose_says_otherwise():
    world = kitchen()

    minute = lived(world, 60)

    assert world.ppm == {"kitchen": 0.0, "hall": 0.0}
    for moment in minute:
        assert all(ppm_of(device, samples[0]) < 200 for device, samples in moment.items())


def test_within_two_minutes_both_kitchen_noses_stand_above_a_tenth_of_the_lel():
    moments = lived(kitchen(), 120)

    for device in ("kitchen-1", "kitchen-2"):
        first = next(
            at for at, moment in enumerate(moments, 1) if ppm_of(device, moment[device][0]) > 5000
        )
        assert 90 < first < 118
    assert ppm_of("hall-1", moments[-1]["hall-1"][0]) < 1000


def test_the_room_fills_as_the_leak_divided_by_its_volume_says():
    world = kitchen()

    lived(world, 61)

    # 5 kg/h of methane at 20 °C is 7.5 m³/h; in 12 m³ that is 173 ppm a second.
    assert world.ppm["kitchen"] == pytest.approx(173.0, rel=0.01)


def test_open_windows_empty_the_kitchen_and_the_hall_follows_late():
    world = kitchen()

    lived(world, 180)
    at_the_end_of_the_leak = dict(world.ppm)
    lived(world, 240)

    assert world.ppm["kitchen"] < at_the_end_of_the_leak["kitchen"] / 5
    assert world.ppm["hall"] > at_the_end_of_the_leak["hall"]


def test_a_film_answers_later_than_the_air():
    world = kitchen()

    last = lived(world, 90)[-1]

    assert 2000 < ppm_of("kitchen-1", last["kitchen-1"][0]) < 0.7 * world.ppm["kitchen"]


@pytest.mark.parametrize("dt_s", [0.1, 0.7, 10.0])
def test_the_length_of_a_step_does_not_change_the_air(dt_s):
    fine, other = kitchen(), kitchen()

    lived(fine, 210)
    lived(other, 210, dt_s)

    assert other.time_s == pytest.approx(fine.time_s)
    assert other.ppm["kitchen"] == pytest.approx(fine.ppm["kitchen"], rel=1e-6)
    assert other.ppm["hall"] == pytest.approx(fine.ppm["hall"], rel=0.02)


def test_the_same_chance_gives_the_same_readings():
    assert lived(kitchen(7), 100) == lived(kitchen(7), 100)
    assert lived(kitchen(7), 100) != lived(kitchen(8), 100)


def test_a_live_film_jitters_by_a_count_or_two():
    values = [moment["kitchen-2"][0].value for moment in lived(kitchen(leak=NO_LEAK), 300)]

    counts = np.round(np.array(values) / ESP32_11DB.step_mv)
    assert 2 <= np.ptp(counts) <= 6
    assert np.max(np.diff(np.flatnonzero(np.diff(counts) != 0))) < 30


def test_a_dht11_speaks_in_whole_steps_and_follows_the_day():
    hours = [
        Kitchen(np.random.default_rng(hour), START_S + 3600 * hour).step(1.0)["kitchen-1"]
        for hour in range(24)
    ]
    temperature = [samples[1].value for samples in hours]
    humidity = [samples[2].value for samples in hours]

    assert all(value == round(value) for value in temperature + humidity)
    assert np.ptp(temperature) == pytest.approx(4, abs=1)
    assert np.corrcoef(temperature, humidity)[0, 1] < -0.8


def test_a_dht11_is_asked_every_two_seconds_and_the_film_each_time():
    moments = lived(kitchen(), 10)

    assert [len(moment["kitchen-1"]) for moment in moments] == [3, 1, 3, 1, 3, 1, 3, 1, 3, 1]
    assert all(len(moment["hall-1"]) == 1 for moment in moments)


def test_its_story_is_told_in_order_and_matches_its_leak():
    assert [at_s for at_s, _ in STORY] == [0.0, Leak().start_s, Leak().stop_s]


def test_time_does_not_go_backwards():
    with pytest.raises(ValueError, match="forwards"):
        kitchen().step(0.0)
