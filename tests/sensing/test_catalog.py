"""The catalog: laws over all parts, and its lines against the digitised datasheet graphs."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.domain.errors import InputError, UnknownName
from davy.domain.gas import GASES, gas
from davy.domain.units import mg_m3_to_ppm
from davy.sensing.catalog import PARTS, curve_for, mox_part, part
from davy.sensing.chain import mv_for_ppm, ppm_for_mv
from davy.sensing.curve import ppm_to_ratio, ratio_to_ppm
from davy.sensing.parts import INSENSITIVE, MoxPart, WeatherPart

DATA = Path(os.environ.get("DAVY_DATA", Path(__file__).parents[2] / "../shared/data")) / "sensors"
needs_graphs = pytest.mark.skipif(
    not (DATA / "mq_points.csv").exists(), reason="sensors: digitised datasheet graphs are absent"
)

FILMS = [row for row in PARTS.values() if isinstance(row, MoxPart)]
PAIRS = [(row.name, name) for row in FILMS for name in row.fits]
FILM = pytest.mark.parametrize("row", FILMS, ids=lambda row: row.name)
PAIR = pytest.mark.parametrize(("film", "target"), PAIRS)

NAMES = {"Hexane": "n-hexane", "NH4": "ammonia", "Aceton": "acetone", "Toluen": "toluene"}


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as lines:
        return list(csv.DictReader(lines))


def target_of(word: str) -> str:
    return gas(NAMES.get(word, word.removesuffix("_mg_per_L"))).name


def points() -> dict[tuple[str, str], np.ndarray]:
    """float64 [n, 2] a pair: ppm and Rs/R0 (the MQ-3's axis counts mg/l at 20 °C)."""
    found = defaultdict(list)
    for row in rows("mq_points.csv"):
        ppm = float(row["ppm"])
        if row["sensor"] == "MQ3":
            ppm = float(mg_m3_to_ppm(ppm * 1000, GASES["ethanol"], 20.0))
        found[part(row["sensor"]).name, target_of(row["gas"])].append((ppm, float(row["rs_r0"])))
    return {pair: np.array(values) for pair, values in found.items()}


def candidates() -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Every published fit of a pair, as ppm = a * ratio ** b."""
    found = defaultdict(list)
    for row in rows("mq_curves.csv"):
        try:
            film = part(row["sensor"]).name
        except UnknownName:
            continue  # the file knows parts that the catalog does not take
        a, b, target = float(row["a"]), float(row["b"]), target_of(row["gas"])
        if film == "MQ-3" and b < 0:
            a = float(mg_m3_to_ppm(a * 1000, GASES[target], 20.0))
        found[film, target].append((a, b))
    return found


def miss(a: float, b: float, graph: np.ndarray) -> float:
    """RMS of the natural logarithm by which a fit misses the graph, in ppm."""
    ppm, ratio = graph.T
    return float(np.sqrt(np.mean(np.log(a * ratio**b / ppm) ** 2)))


# Laws of every row ---------------------------------------------------------------------------


@PAIR
def test_a_voltage_there_and_back(film, target):
    curve = curve_for(film, target)
    ppm = np.geomspace(curve.low_ppm, curve.high_ppm, 50)
    ppm = ppm[ppm >= float(ppm_for_mv(film, target, mv_for_ppm(film, target, 0)))]
    channel = {"divider": 0.5, "r0_ohm": 20_000, "load_ohm": 4_700}
    weather = {"temperature_c": 31.0, "humidity": 44.0}

    np.testing.assert_allclose(ppm_for_mv(film, target, mv_for_ppm(film, target, ppm)), ppm)
    np.testing.assert_allclose(
        ppm_for_mv(
            film, target, mv_for_ppm(film, target, ppm, **channel, **weather), **channel, **weather
        ),
        ppm,
    )


@PAIR
def test_more_gas_is_more_voltage_within_the_supply(film, target):
    curve = curve_for(film, target)
    mv = mv_for_ppm(film, target, np.geomspace(curve.low_ppm, curve.high_ppm, 50))

    assert (np.diff(mv) >= 0).all()
    assert mv[-1] > mv[0]
    assert mv[-1] < mox_part(film).supply_mv


@PAIR
def test_clean_air_lies_below_the_foot_of_every_line_but_one(film, target):
    curve = curve_for(film, target)

    clean_ppm = ratio_to_ppm(mox_part(film).air_ratio(target), curve)

    if target == "carbon-dioxide":  # of which outside air does hold some
        assert clean_ppm == pytest.approx(420)
    else:
        assert clean_ppm < curve.low_ppm


@PAIR
def test_faults_lie_far_outside_the_line(film, target):
    curve, clean = curve_for(film, target), mox_part(film).air_ratio(target)

    assert curve.open_ratio >= 100 * clean
    assert curve.short_ratio <= float(ppm_to_ratio(curve.high_ppm, curve)) / 100 * (1 + 1e-9)


@PAIR
def test_a_line_that_is_taken_is_one_that_says_something(film, target):
    fit = mox_part(film).fit(target)

    assert target in GASES
    assert -INSENSITIVE < fit.exponent < 0
    assert fit.source


@FILM
def test_no_gas_is_both_seen_and_refused(row):
    assert not set(row.fits) & set(row.refused)
    assert set(row.refused) <= set(GASES)
    assert all([row.typical_r0_source, row.clean_air_source, row.r0_reference])


@FILM
def test_no_gas_gives_the_voltage_of_clean_air(row):
    for target in row.fits:
        in_air = mv_for_ppm(row.name, target, [0.0, 1e-6])
        rs_ohm = row.typical_r0_ohm * row.clean_air_ratio

        clean_mv = row.supply_mv * row.load_ohm / (row.load_ohm + rs_ohm)
        np.testing.assert_allclose(in_air, clean_mv, rtol=0.01)


@given(pair=st.sampled_from(PAIRS), weather=st.tuples(st.floats(-60, 99), st.floats(-50, 150)))
def test_no_weather_hides_more_than_the_lead_allows(pair, weather):
    film, target = pair
    curve = curve_for(film, target)
    mv = mv_for_ppm(film, target, curve.high_ppm)

    told = ppm_for_mv(film, target, mv, temperature_c=weather[0], humidity=weather[1])

    assert told >= curve.high_ppm * 0.8 ** (-1 / curve.slope) * (1 - 1e-9)


# What it must say ------------------------------------------------------------------------------


def test_ten_percent_lel_of_methane_on_an_mq4_is_the_ratio_of_the_notes():
    assert 0.56 <= float(ppm_to_ratio(5_000, curve_for("MQ-4", "methane"))) <= 0.59


@pytest.mark.parametrize(
    ("film", "ppm", "low", "high"), [("MQ-2", 1_800, 0.58, 0.64), ("MQ-6", 1_900, 0.75, 0.78)]
)
def test_ten_percent_lel_of_lpg_is_the_ratio_of_the_notes(film, ppm, low, high):
    assert low <= float(ppm_to_ratio(ppm, curve_for(film, "lpg"))) <= high


def test_an_mq4_in_clean_air_is_never_at_zero():
    row = mox_part("MQ-4")

    assert 16 <= float(ratio_to_ppm(row.clean_air_ratio, row.curve("methane"))) <= 19


@pytest.mark.parametrize(
    "row", [r for r in FILMS if "carbon-monoxide" in r.fits and r.heater_cycling]
)
def test_a_carbon_monoxide_part_does_not_count_clean_air_as_a_dose(row):
    assert row.curve("carbon-monoxide").low_ppm < 30  # EN 50291: no alarm at 30 ppm


def test_only_the_two_that_need_it_ask_for_a_cycled_heater():
    assert [row.name for row in FILMS if row.heater_cycling] == ["MQ-7", "MQ-9"]


def test_all_nine_parts_and_both_weather_sensors_are_there():
    assert [row.name for row in FILMS] == [f"MQ-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 9, 135)]
    assert [row.name for row in PARTS.values() if isinstance(row, WeatherPart)] == [
        "DHT11",
        "DHT22",
    ]


@pytest.mark.parametrize(
    ("film", "target", "sentence"),
    [
        ("MQ-4", "carbon-monoxide", r"MQ-4 cannot see carbon-monoxide: .* flat .*; it can see "),
        ("MQ-3", "methane", r"MQ-3 cannot see methane: .*wrong sign.*can see .*ethanol"),
        ("MQ-4", "ammonia", r"MQ-4 cannot see ammonia: .*no line.*can see lpg, methane"),
        ("DHT22", "methane", r"DHT22 measures temperature and humidity and sees no gas"),
    ],
)
def test_a_part_that_cannot_see_a_gas_says_why_and_what_it_can_see(film, target, sentence):
    with pytest.raises(InputError, match=sentence):
        curve_for(film, target)


def test_an_unknown_part_is_answered_with_those_that_are_known():
    with pytest.raises(UnknownName, match=r"'MQ-99'.*MQ-2.*MQ-135.*DHT22"):
        curve_for("MQ-99", "methane")


def test_parts_and_gases_go_by_the_names_that_people_write():
    assert curve_for("mq7", "CO") == curve_for("MQ-7", "carbon-monoxide")
    assert curve_for("MQ_135", "alcohol") == curve_for("MQ-135", "ethanol")
    assert part("dht11") is PARTS["DHT11"]


def test_a_dht11_speaks_in_whole_degrees_within_its_range():
    scale = PARTS["DHT11"].temperature_c

    assert [scale.read(truth) for truth in (-5.0, 21.4, 21.6, 77.0)] == [0, 21, 22, 50]
    assert PARTS["DHT22"].temperature_c.read(-7.26) == -7.3


# Against the graphs ------------------------------------------------------------------------------


@needs_graphs
@PAIR
def test_every_line_is_one_that_was_published(film, target):
    fit = mox_part(film).fit(target)

    assert any(
        (fit.ppm_at_r0, fit.exponent) == pytest.approx(published, rel=1e-9)
        for published in candidates()[film, target]
    )


@needs_graphs
def test_every_published_line_is_either_taken_or_refused():
    for film, target in candidates():
        row = mox_part(film)
        assert (target in row.fits) != (target in row.refused), (film, target)


@needs_graphs
@pytest.mark.parametrize("row", FILMS, ids=lambda row: row.name)
def test_where_fits_compete_the_one_nearest_to_the_graph_is_taken(row):
    graphs, published = points(), candidates()
    judged = [target for target in row.fits if (row.name, target) in graphs]
    assert judged

    for target in judged:
        graph, fit = graphs[row.name, target], row.fit(target)
        nearest = min(miss(a, b, graph) for a, b in published[row.name, target])
        assert miss(fit.ppm_at_r0, fit.exponent, graph) == pytest.approx(nearest), target
        assert nearest < 0.2, target  # a fifth of the concentration


@needs_graphs
def test_every_digitised_point_is_told_within_a_factor_of_one_point_six():
    for (film, target), graph in points().items():
        told = ratio_to_ppm(graph[:, 1], curve_for(film, target))
        np.testing.assert_array_less(np.abs(np.log(told / graph[:, 0])), np.log(1.6))


@needs_graphs
def test_ranges_cover_the_graph_and_go_no_further_up():
    for (film, target), graph in points().items():
        curve = curve_for(film, target)
        assert curve.low_ppm <= graph[:, 0].min() * (1 + 1e-9), (film, target)
        assert curve.high_ppm == pytest.approx(graph[:, 0].max()), (film, target)
