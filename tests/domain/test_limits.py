"""Where each channel alarms when nobody has said otherwise, and what a site may say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from davy.domain.alarm import Kind
from davy.domain.errors import InputError
from davy.domain.gas import GASES, Edition
from davy.domain.limits import (
    GAS_LEVELS,
    Limits,
    Rule,
    default_rules,
    device_points,
    renumbered,
    zone_point,
)
from davy.domain.site import Channel, Quantity, Vote, Zone
from tests.laws.plans import meter, nose, plan_of

KITCHEN = Zone(index=0, site="home", name="kitchen")


def on(gas: str, edition: Edition = Edition.US) -> dict[str, float]:
    """Levels of a gas with their limits in ppm."""
    return {rule.level: rule.setpoint(GASES[gas], edition).on for rule in default_rules(GASES[gas])}


@pytest.mark.parametrize(
    ("gas", "limits"),
    [
        ("methane", {"low": 5_000, "high": 10_000, "high-high": 20_000, "rise": 5_000}),
        ("hydrogen", {"low": 4_000, "high": 8_000, "high-high": 16_000, "rise": 4_000}),
        (
            "propane",
            {"low": 2_100, "high": 4_200, "high-high": 8_400, "rise": 2_100, "twa": 1_000},
        ),
        ("carbon-monoxide", {"co-dose-en": 1, "high": 200, "high-high": 1_200, "twa": 35}),
        ("hydrogen-sulfide", {"high": 10, "high-high": 100}),
        ("ammonia", {"high": 35, "high-high": 300, "stel": 35, "twa": 25}),
        ("carbon-dioxide", {"high": 30_000, "high-high": 40_000, "stel": 30_000, "twa": 5_000}),
        ("smoke", {}),
    ],
)
def test_default_limits_by_gas(gas, limits):
    assert on(gas) == pytest.approx(limits)


@pytest.mark.parametrize("gas", GASES)
def test_every_gas_that_can_harm_has_an_alarm_and_all_its_rules_make_setpoints(gas):
    limits = on(gas)

    assert limits or gas == "smoke"
    assert all(limit > 0 for limit in limits.values())


@pytest.mark.parametrize("gas", GASES)
@pytest.mark.parametrize("edition", Edition)
def test_the_defaults_of_every_gas_climb_from_low_to_high_high(gas, edition):
    limits = on(gas, edition)

    ladder = [limits[level] for level in ("low", "high", "high-high") if level in limits]
    assert ladder == sorted(set(ladder))


@pytest.mark.parametrize("gas", [name for name, gas in GASES.items() if gas.flammable])
def test_what_can_burn_alarms_well_before_a_quarter_of_its_lel(gas):
    limits = on(gas)
    first = min(limits.get(level, 1e9) for level in ("low", "high"))

    assert first <= 0.25 * GASES[gas].lel_ppm(Edition.US)


@pytest.mark.parametrize(("edition", "ppm"), [(Edition.US, 5_000), (Edition.IEC, 4_400)])
def test_ten_percent_lel_of_methane_depends_on_whose_lel(edition, ppm):
    setpoint = Rule(level="low", on=10, unit="%LEL", deadband=1).setpoint(GASES["methane"], edition)

    assert setpoint.on == pytest.approx(ppm)
    assert setpoint.off == pytest.approx(0.9 * ppm)


def test_delays_and_latching_of_a_rule_reach_its_setpoint():
    rule = Rule(level="low", on=9, unit="ppm", on_delay_s=3, off_delay_s=4, latching=False)

    setpoint = rule.setpoint(None, Edition.US)

    assert (setpoint.on_delay_s, setpoint.off_delay_s, setpoint.latching) == (3, 4, False)


@pytest.mark.parametrize(
    ("rule", "gas", "words"),
    [
        (Rule(level="low", on=10, deadband=10), None, "never end"),
        (Rule(level="low", on=10, deadband=-1), None, "not negative"),
        (Rule(level="low", on=0), None, "never end"),
        (Rule(level="low", on=float("nan")), None, "never end"),
        (Rule(level="low", on=10, unit="%LEL"), None, "needs a gas"),
        (Rule(level="low", on=10, unit="%LEL"), "carbon-dioxide", "no LEL"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_with_the_reason(rule, gas, words):
    with pytest.raises(InputError, match=words):
        rule.setpoint(GASES[gas] if gas else None, Edition.US)


def test_a_sites_own_rule_replaces_the_default_of_its_level_and_leaves_the_others():
    own = Limits(rules={"methane": (Rule(level="low", on=5, unit="%LEL"),)})

    rules = {rule.level: rule.on for rule in own.of(meter(0, 0).channels[0])}

    assert rules == {"low": 5, "high": 20, "high-high": 40, "rise": 10}


def test_a_low_alarm_above_the_high_one_is_refused_and_says_which():
    swapped = Limits(rules={"methane": (Rule(level="low", on=45, unit="%LEL"),)})

    with pytest.raises(InputError, match=r"methane: low is 45 %LEL, not below high 20"):
        swapped.of(meter(0, 0).channels[0])


def test_a_home_in_america_takes_the_dose_table_of_ul_2034():
    levels = [
        rule.level
        for rule in Limits(co_standard="co-dose-ul").of(meter(0, 0, "carbon-monoxide").channels[0])
    ]

    assert "co-dose-ul" in levels
    assert "co-dose-en" not in levels


@pytest.mark.parametrize("quantity", [Quantity.HUMIDITY, Quantity.COUNT])
def test_humidity_and_counts_have_no_limits_of_their_own(quantity):
    channel = Channel(id=0, device="box", name="x", quantity=quantity)

    assert Limits().of(channel) == ()


def test_the_points_of_a_nose():
    points = device_points(nose(0, 0), KITCHEN, Limits())

    assert [point.key for point in points] == [
        "nose-0.silent",
        *(f"nose-0.mq4.{level}" for level in ("low", "high", "high-high", "rise")),
        *(
            f"nose-0.mq4.{level}"
            for level in ("fault", "clock", "over-range", "warm-up", "uncalibrated")
        ),
        *(f"nose-0.mq7.{level}" for level in ("co-dose-en", "high", "high-high", "twa")),
        *(
            f"nose-0.mq7.{level}"
            for level in ("fault", "clock", "over-range", "warm-up", "uncalibrated")
        ),
        *(f"nose-0.temperature.{level}" for level in ("high", "rise", "fault", "clock")),
        *(f"nose-0.humidity.{level}" for level in ("fault", "clock")),
    ]
    assert {point.index for point in points} == {-1}


def test_gas_latches_and_trouble_clears_by_itself():
    for point in (*device_points(nose(0, 0), KITCHEN, Limits()), zone_point(KITCHEN)):
        gas = point.level in GAS_LEVELS or point.level == "executive"
        assert point.setpoint.latching == gas, point.key


def test_gas_and_trouble_are_never_mixed():
    by_kind: dict[Kind, set[str]] = {Kind.GAS: set(), Kind.TROUBLE: set()}
    for point in device_points(nose(0, 0), KITCHEN, Limits()):
        by_kind[point.kind].add(point.level)

    assert by_kind[Kind.GAS] <= set(GAS_LEVELS)
    assert by_kind[Kind.TROUBLE] == {
        "silent",
        "fault",
        "clock",
        "over-range",
        "warm-up",
        "uncalibrated",
    }


def test_each_point_speaks_the_unit_of_what_it_watches():
    units = {
        point.key.removeprefix("nose-0."): point.unit
        for point in device_points(nose(0, 0), KITCHEN, Limits())
    }

    assert units["mq4.low"] == "ppm"
    assert units["temperature.high"] == "Cel"
    assert units["mq7.co-dose-en"] == "dose"
    assert units["silent"] == "s"
    assert units["mq4.fault"] == ""


@pytest.mark.parametrize("uncertified", [True, False])
def test_a_co_dose_on_a_film_without_heater_cycling_says_so_and_nothing_else_does(uncertified):
    box = nose(0, 0)
    mq7 = replace(box.channels[1], uncertified=uncertified)
    box = replace(box, channels=(box.channels[0], mq7))

    marked = [p.key for p in device_points(box, KITCHEN, Limits()) if p.uncertified]

    assert marked == (["nose-0.mq7.co-dose-en"] if uncertified else [])


def test_the_zones_own_point_moves_back_only_by_hand():
    point = zone_point(replace(KITCHEN, vote=Vote(needed=2)))

    assert (point.key, point.unit, point.zone) == ("home.kitchen.executive", "votes", 0)
    assert point.setpoint.latching


def test_points_keep_the_index_that_their_key_has_and_new_ones_get_the_next():
    plan = plan_of(meter(0, 0))
    again = device_points(meter(0, 0), KITCHEN, Limits())
    new = device_points(meter(1, 1), KITCHEN, Limits())
    count = len(plan.points)

    numbered = renumbered((*new, *again), plan.point_by_key, count)

    by_key = {point.key: point.index for point in numbered}
    assert all(
        by_key[key] == point.index for key, point in plan.point_by_key.items() if key in by_key
    )
    assert sorted(by_key[point.key] for point in new) == list(range(count, count + len(new)))
