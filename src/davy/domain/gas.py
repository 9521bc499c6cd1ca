"""The gases that Davy knows: what burns from when on, what poisons from when on.

A %LEL means nothing without its edition: 10 %LEL of methane is 5,000 ppm by the American
figure and 4,400 ppm by the IEC's, so every limit in %LEL names the one that it stands on.

A newcomer adds a row to `_ROWS`, with its source; the table laws in the tests do the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from davy.domain.errors import InputError, UnknownName


class Edition(StrEnum):
    """Whose lower explosive limit: the two differ by up to a quarter."""

    US = "us"
    """NFPA 497 and the tables after it: methane 5.0 % by volume."""
    IEC = "iec"
    """IEC 60079-20-1, with which EN 50194 speaks: methane 4.4 % by volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gas:
    """One gas or vapour, and the concentrations at which it burns or poisons.

    Attributes:
        name: the key in `GASES`, as people and configuration files write it.
        title: as a sentence says it.
        formula: the chemist's short name; empty for what is no single substance.
        molar_mass_g_mol: None for what has none (smoke).
        lel_percent: lower explosive limit, % by volume, by edition; empty if it cannot burn.
        uel_percent: upper explosive limit, % by volume; None if it cannot burn.
        relative_density: to air = 1; above 1 it gathers at the floor.
        twa_ppm: limit of the 8-hour average (10-hour where it is a NIOSH REL).
        stel_ppm: limit of the 15-minute average.
        ceiling_ppm: never to be passed, not for a moment.
        idlh_ppm: immediately dangerous to life or health.
        source: where the figures come from, and which of them nobody has looked up yet.
    """

    name: str
    title: str
    formula: str
    molar_mass_g_mol: float | None
    lel_percent: Mapping[Edition, float] = field(hash=False)
    uel_percent: float | None
    relative_density: float | None
    twa_ppm: float | None = None
    stel_ppm: float | None = None
    ceiling_ppm: float | None = None
    idlh_ppm: float | None = None
    source: str

    @property
    def flammable(self) -> bool:
        """Whether a limit in %LEL makes sense."""
        return bool(self.lel_percent)

    def lel_ppm(self, edition: Edition) -> float:
        """100 %LEL as ppm by volume.

        Raises:
            InputError: it has no lower explosive limit.
        """
        if edition not in self.lel_percent:
            raise InputError(f"{self.name} has no LEL: give its limits in ppm")
        return self.lel_percent[edition] * 10_000


def _lel(us: float, iec: float) -> Mapping[Edition, float]:
    return MappingProxyType({Edition.US: us, Edition.IEC: iec})


_NO_LEL: Mapping[Edition, float] = MappingProxyType({})

_LEL_497 = "LEL as in NFPA 497 (2008) and IEC 60079-20-1 (2010)"
_NIOSH = "exposure limits from background knowledge of the NIOSH pocket guide, not looked up"

_ROWS = (
    Gas(
        name="methane",
        title="methane (natural gas)",
        formula="CH4",
        molar_mass_g_mol=16.0425,
        lel_percent=_lel(us=5.0, iec=4.4),
        uel_percent=15.0,
        relative_density=0.55,
        source=f"{_LEL_497}; US LEL and UEL also in Figaro's tables",
    ),
    Gas(
        name="propane",
        title="propane",
        formula="C3H8",
        molar_mass_g_mol=44.0956,
        lel_percent=_lel(us=2.1, iec=1.7),
        uel_percent=9.5,
        relative_density=1.55,
        twa_ppm=1000,
        idlh_ppm=2100,
        source=f"{_LEL_497}, Figaro; {_NIOSH} (the IDLH is 10 %LEL)",
    ),
    Gas(
        name="n-butane",
        title="n-butane",
        formula="C4H10",
        molar_mass_g_mol=58.1222,
        lel_percent=_lel(us=1.9, iec=1.4),
        uel_percent=8.4,
        relative_density=2.0,
        twa_ppm=800,
        idlh_ppm=1600,
        source=f"{_LEL_497}, Evikon's manual; {_NIOSH}",
    ),
    Gas(
        name="isobutane",
        title="isobutane",
        formula="C4H10",
        molar_mass_g_mol=58.1222,
        lel_percent=_lel(us=1.8, iec=1.3),
        uel_percent=8.4,
        relative_density=2.0,
        twa_ppm=800,
        source=f"{_LEL_497} (other tables: 1.5 IEC), Figaro; {_NIOSH}",
    ),
    Gas(
        name="lpg",
        title="LPG (propane and butane)",
        formula="",
        # No two countries fill the same mixture: mass and density are those of half and
        # half, the LELs those of the butane end, so that an alarm comes rather too soon.
        molar_mass_g_mol=51.109,
        lel_percent=_lel(us=1.8, iec=1.4),
        uel_percent=9.5,
        relative_density=1.76,
        twa_ppm=1000,
        idlh_ppm=2000,
        source="background knowledge: LEL 1.8-2.1 (US), 1.4-1.7 (IEC), the lower end taken; "
        + _NIOSH,
    ),
    Gas(
        name="hydrogen",
        title="hydrogen",
        formula="H2",
        molar_mass_g_mol=2.0159,
        lel_percent=_lel(us=4.0, iec=4.0),
        uel_percent=75.6,
        relative_density=0.07,
        source=f"{_LEL_497}, Figaro",
    ),
    Gas(
        name="carbon-monoxide",
        title="carbon monoxide",
        formula="CO",
        molar_mass_g_mol=28.0101,
        lel_percent=_lel(us=12.5, iec=10.9),
        uel_percent=74.0,
        relative_density=0.97,
        twa_ppm=35,
        ceiling_ppm=200,
        idlh_ppm=1200,
        source=f"{_LEL_497}; TWA and ceiling NIOSH REL; IDLH NIOSH",
    ),
    Gas(
        name="hydrogen-sulfide",
        title="hydrogen sulfide",
        formula="H2S",
        molar_mass_g_mol=34.0809,
        lel_percent=_lel(us=4.0, iec=4.0),  # 4.3 in some US tables; the lower one warns sooner
        uel_percent=45.0,
        relative_density=1.19,
        ceiling_ppm=10,  # NIOSH: over 10 minutes
        idlh_ppm=100,
        source=f"{_LEL_497}; {_NIOSH}",
    ),
    Gas(
        name="ammonia",
        title="ammonia",
        formula="NH3",
        molar_mass_g_mol=17.0305,
        lel_percent=_lel(us=15.0, iec=15.0),
        uel_percent=28.0,
        relative_density=0.6,
        twa_ppm=25,
        stel_ppm=35,
        idlh_ppm=300,
        source=f"{_LEL_497}; {_NIOSH}",
    ),
    Gas(
        name="ethanol",
        title="ethanol (alcohol)",
        formula="C2H6O",
        molar_mass_g_mol=46.0684,
        lel_percent=_lel(us=3.3, iec=3.1),
        uel_percent=19.0,
        relative_density=1.6,
        twa_ppm=1000,
        idlh_ppm=3300,
        source=f"{_LEL_497}, Figaro; {_NIOSH}",
    ),
    Gas(
        name="carbon-dioxide",
        title="carbon dioxide",
        formula="CO2",
        molar_mass_g_mol=44.0095,
        lel_percent=_NO_LEL,
        uel_percent=None,
        relative_density=1.52,
        twa_ppm=5000,
        stel_ppm=30_000,
        idlh_ppm=40_000,
        source=_NIOSH,
    ),
    Gas(
        name="benzene",
        title="benzene",
        formula="C6H6",
        molar_mass_g_mol=78.1118,
        lel_percent=_lel(us=1.2, iec=1.2),
        uel_percent=8.6,
        relative_density=2.7,
        twa_ppm=0.1,
        stel_ppm=1,
        idlh_ppm=500,
        source=f"{_LEL_497}; {_NIOSH}",
    ),
    Gas(
        name="n-hexane",
        title="n-hexane",
        formula="C6H14",
        molar_mass_g_mol=86.1754,
        lel_percent=_lel(us=1.1, iec=1.0),
        uel_percent=8.9,
        relative_density=2.97,
        twa_ppm=50,
        idlh_ppm=1100,
        source=f"{_LEL_497}; {_NIOSH}",
    ),
    Gas(
        name="acetone",
        title="acetone",
        formula="C3H6O",
        molar_mass_g_mol=58.0791,
        lel_percent=_lel(us=2.5, iec=2.5),
        uel_percent=14.3,
        relative_density=2.0,
        twa_ppm=250,
        idlh_ppm=2500,
        source=f"{_LEL_497}; {_NIOSH}",
    ),
    Gas(
        name="toluene",
        title="toluene",
        formula="C7H8",
        molar_mass_g_mol=92.1384,
        lel_percent=_lel(us=1.1, iec=1.0),
        uel_percent=7.8,
        relative_density=3.18,
        twa_ppm=100,
        stel_ppm=150,
        idlh_ppm=500,
        source=f"{_LEL_497}; {_NIOSH}",
    ),
    Gas(
        name="smoke",
        title="smoke",
        formula="",
        molar_mass_g_mol=None,
        lel_percent=_NO_LEL,
        uel_percent=None,
        relative_density=None,
        source="no substance: the scale of a datasheet's smoke line and nothing else",
    ),
)

GASES: Mapping[str, Gas] = MappingProxyType({row.name: row for row in _ROWS})
"""Every gas by its name; read-only."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {row.formula.lower(): row.name for row in _ROWS if row.formula and row.formula != "C4H10"}
    | {
        "alcohol": "ethanol",
        "butane": "n-butane",
        "i-butane": "isobutane",
        "iso-butane": "isobutane",
        "hexane": "n-hexane",
        "natural-gas": "methane",
        "hydrogen-sulphide": "hydrogen-sulfide",
    }
)
"""What else people call them: formulas, and the words on a sensor's box."""


def gas(name: str) -> Gas:
    """The gas that goes by this name, an alias or a formula; case and spaces do not matter.

    Raises:
        UnknownName: there is no such gas; the message lists those that there are.

    Example:
        >>> gas("CO").title
        'carbon monoxide'
    """
    key = "-".join(name.lower().replace("_", " ").split())
    found = GASES.get(ALIASES.get(key, key))
    if found is None:
        known = ", ".join(sorted(GASES))
        raise UnknownName(f"gas {name!r} is not in the table; use one of {known}")
    return found
