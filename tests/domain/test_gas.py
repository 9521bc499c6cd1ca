"""The gas table: its laws, and its figures against an independent collection."""

from __future__ import annotations

import dataclasses

import chemicals
import pytest

from davy.domain.errors import InputError, UnknownName
from davy.domain.gas import ALIASES, GASES, Edition, Gas, gas

AIR_G_MOL = 28.96
CHEMISTS = {"hydrogen-sulfide": "hydrogen sulfide", "carbon-monoxide": "carbon monoxide"}
LEL_TABLES = {Edition.US: "NFPA 497 (2008)", Edition.IEC: "IEC 60079-20-1 (2010)"}

EVERY = pytest.mark.parametrize("row", GASES.values(), ids=lambda row: row.name)
FLAMMABLE = pytest.mark.parametrize(
    "row", [row for row in GASES.values() if row.flammable], ids=lambda row: row.name
)
SUBSTANCES = pytest.mark.parametrize(
    "row", [row for row in GASES.values() if row.formula], ids=lambda row: row.name
)


def cas_of(row: Gas) -> str:
    return chemicals.CAS_from_any(CHEMISTS.get(row.name, row.name.replace("carbon-", "carbon ")))


@FLAMMABLE
def test_a_gas_that_burns_has_both_editions_below_its_upper_limit(row: Gas):
    assert set(row.lel_percent) == set(Edition)
    for lel in row.lel_percent.values():
        assert 0 < lel < row.uel_percent < 100


@FLAMMABLE
def test_the_iec_never_allows_more_than_the_us(row: Gas):
    assert row.lel_percent[Edition.IEC] <= row.lel_percent[Edition.US]


@EVERY
def test_limits_of_exposure_rise_with_their_urgency(row: Gas):
    ladder = [row.twa_ppm, row.stel_ppm, row.ceiling_ppm, row.idlh_ppm]
    known = [limit for limit in ladder if limit is not None]

    assert known == sorted(set(known))
    assert all(limit > 0 for limit in known)


@EVERY
def test_every_row_says_where_its_figures_are_from(row: Gas):
    assert row.source
    assert GASES[row.name] is row


@pytest.mark.parametrize(
    "row", [row for row in GASES.values() if row.molar_mass_g_mol], ids=lambda row: row.name
)
def test_density_follows_from_the_molar_mass(row: Gas):
    assert row.relative_density == pytest.approx(row.molar_mass_g_mol / AIR_G_MOL, rel=0.04)


@SUBSTANCES
def test_molar_masses_are_those_of_the_chemists(row: Gas):
    assert row.molar_mass_g_mol == pytest.approx(chemicals.MW(cas_of(row)), rel=1e-4)


@pytest.mark.parametrize("edition", Edition)
@pytest.mark.parametrize(
    "row",
    [row for row in GASES.values() if row.flammable and row.formula],
    ids=lambda row: row.name,
)
def test_lower_limits_are_those_of_the_named_edition(row: Gas, edition: Edition):
    table = chemicals.LFL(CASRN=cas_of(row), method=LEL_TABLES[edition])

    assert row.lel_percent[edition] == pytest.approx(100 * table, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "us_ppm", "iec_ppm"), [("methane", 50_000, 44_000), ("lpg", 18_000, 14_000)]
)
def test_the_lel_in_ppm_depends_on_the_edition(name: str, us_ppm: float, iec_ppm: float):
    assert gas(name).lel_ppm(Edition.US) == pytest.approx(us_ppm)
    assert gas(name).lel_ppm(Edition.IEC) == pytest.approx(iec_ppm)


def test_smoke_and_carbon_dioxide_have_no_lel_and_say_so():
    for name in ("smoke", "carbon-dioxide"):
        with pytest.raises(InputError, match=f"{name} has no LEL: give its limits in ppm"):
            gas(name).lel_ppm(Edition.US)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("CO", "carbon-monoxide"),
        ("h2", "hydrogen"),
        ("CH4", "methane"),
        ("alcohol", "ethanol"),
        ("NH3", "ammonia"),
        ("H2S", "hydrogen-sulfide"),
        ("carbon monoxide", "carbon-monoxide"),
        ("Carbon_Monoxide", "carbon-monoxide"),
        (" LPG ", "lpg"),
        ("butane", "n-butane"),
    ],
)
def test_people_may_call_a_gas_what_they_like(said: str, meant: str):
    assert gas(said).name == meant


def test_every_alias_leads_to_a_gas_and_hides_none():
    assert set(ALIASES.values()) <= set(GASES)
    assert not set(ALIASES) & set(GASES)


def test_an_unknown_gas_is_answered_with_those_that_are_known():
    with pytest.raises(UnknownName, match=r"'kryptonite'.*methane.*propane"):
        gas("kryptonite")


def test_nobody_can_move_a_limit_at_run_time():
    with pytest.raises(TypeError):
        GASES["methane"] = GASES["propane"]  # type: ignore[index]
    with pytest.raises(TypeError):
        GASES["methane"].lel_percent[Edition.US] = 50.0  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        GASES["methane"].twa_ppm = 1e9  # type: ignore[misc]


def test_a_gas_can_stand_in_a_set():
    assert len(set(GASES.values())) == len(GASES)
