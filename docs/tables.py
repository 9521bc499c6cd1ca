"""Tables of the reference, told by the code itself."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from davy.api.entry import Admin, Operator, Viewer
from davy.api.problems import REFUSALS
from davy.domain.alarm import CLEARING, LATCHING, Event, State
from davy.domain.errors import Reason
from davy.domain.flags import FAULT, Flag
from davy.domain.gas import GASES, Edition
from davy.domain.limits import MOX_TROUBLES, SILENT, TEMPERATURE, TROUBLES, Rule, default_rules
from davy.domain.site import Unit
from davy.pipeline.dose import DOSE_TABLES
from davy.pipeline.validate import PLAUSIBLE
from davy.sensing.catalog import PARTS
from davy.sensing.parts import MoxPart
from davy.service.config import Config

UNITS = {
    "s": "s",
    "mib": "MiB",
    "days": "days",
    "hours": "h",
    "lel": "%LEL",
    "ppm": "ppm",
    "c": "°C",
    "percent": "%",
}
"""The unit that ends a key's name."""

REASONS: Mapping[Reason, str] = {
    Reason.MALFORMED: "It is not what its kind must be: no SenML, no JWS, half a character.",
    Reason.TOO_LARGE: "More than 262,144 bytes of payload or 4,096 records.",
    Reason.EMPTY: "A pack without a record.",
    Reason.UNSIGNED: "Plain JSON from a device that must sign.",
    Reason.BAD_SIGNATURE: "Not signed with this device's key, or changed on the way.",
    Reason.WRONG_ALGORITHM: "Another `alg` than HS256, or a header that asks for more.",
    Reason.UNKNOWN_DEVICE: "Nobody of this name is registered.",
    Reason.REVOKED_DEVICE: "The device was shut out with `davy device revoke`.",
    Reason.BAD_CREDENTIALS: "A wrong token, at the broker's door or over HTTP.",
    Reason.FOREIGN_TOPIC: "One device speaks, or wants to listen, on another's topic.",
    Reason.FOREIGN_NAME: "`bn` or `n` names another device.",
    Reason.STALE: "Its number lies behind the window, or it is of an older boot.",
    Reason.REPLAYED: "A number that was used, with other bytes: two speak with one key.",
    Reason.UNKNOWN_CHANNEL: "The device has no such channel.",
    Reason.WRONG_UNIT: "The channel does not speak this unit.",
    Reason.NO_VALUE: "A record without `v`.",
    Reason.BAD_VALUE: "A `v` that is no finite number.",
    Reason.RATE_LIMITED: "More than may come at once.",
}
"""What each word of a refusal means to the person who finds it."""


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown."""
    names = list(head)
    lines = [names, ["---"] * len(names), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


# ---- davy.toml


def configuration() -> str:
    """Every table of the file with its keys."""
    return "\n".join(
        f"## {title}\n\n{_one_line(model.__doc__ or '')}\n\n"
        + table(
            ("key", "default", "unit", "takes", "meaning"),
            (
                (f"`{key}`", _default(field), unit_of(key), _takes(field), field.description)
                for key, field in model.model_fields.items()
                if model_in(field.annotation) is None
            ),
        )
        for title, model in sections()
    )


def sections() -> Iterator[tuple[str, type[BaseModel]]]:
    """The tables of the file, in its order; one that repeats stands under an example of it."""
    for name, field in Config.model_fields.items():
        model = model_in(field.annotation)
        if model is None:
            continue
        title = '[zones."home.kitchen"]' if name == "zones" else f"[{name}]"
        yield title, model
        for key, nested in model.model_fields.items():
            inner = model_in(nested.annotation)
            if inner is not None:
                yield f"[{name}.{key}.methane]", inner


def model_in(kind: Any) -> type[BaseModel] | None:
    """The section that a type is, or holds one of for each name."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    return next((found for arg in get_args(kind) if (found := model_in(arg))), None)


def unit_of(key: str) -> str:
    """The unit that the key's name ends in; empty where it ends in none."""
    return UNITS.get(key.rpartition("_")[2], "")


def _default(field: FieldInfo) -> str:
    if field.default is None:
        return "not set"
    value = field.default.value if isinstance(field.default, Enum) else field.default
    plain = value if isinstance(value, bool | int | float) else str(value)
    return f"`{json.dumps(plain)}`"


def _takes(field: FieldInfo) -> str:
    """The kind of value, and its bounds."""
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    kind = field.annotation if not kinds or get_origin(field.annotation) is Literal else kinds[0]
    if get_origin(kind) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{one.value}`" for one in kind)
    names = {bool: "true, false", int: "whole number", float: "number", str: "text", Path: "path"}
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    bounds = [
        f"{sign} {getattr(rule, name):g}"
        for rule in field.metadata
        for name, sign in signs.items()
        if getattr(rule, name, None) is not None
    ]
    return " ".join([names.get(kind, "text"), *bounds])  # type: ignore[arg-type]


# ---- flags and reasons


def flags() -> str:
    """What can be marked on a reading."""
    said = said_of(Flag)
    rows = (
        (
            f"`{flag.name.lower().replace('_', '-')}`",
            int(flag),
            said[flag.name],
            "no value is used" if flag in FAULT else "",
        )
        for flag in Flag
        if flag.name
    )
    return table(("flag", "number", "meaning", "consequence"), rows)


def reasons() -> str:
    """Why something is refused."""
    rows = ((f"`{one}`", REASONS[one], REFUSALS.get(one, "")) for one in Reason)
    return table(("reason", "meaning", "HTTP"), rows)


def said_of(kind: type[Enum]) -> dict[str, str]:
    """The sentence under each member of an enumeration, from its source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = tree.body[0].body  # type: ignore[attr-defined]
    said = {}
    for one, below in pairwise(body):
        if isinstance(one, ast.Assign) and isinstance(below, ast.Expr):
            said[ast.unparse(one.targets[0])] = _one_line(ast.literal_eval(below.value))
    return said


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# ---- alarms


def latching() -> str:
    """The life of an alarm that only a person ends."""
    return _states(LATCHING)


def clearing() -> str:
    """The life of an alarm that ends by itself."""
    return _states(CLEARING)


def _states(life: Mapping[tuple[State, Event], State]) -> str:
    before = [state for state in State if any(state is one for one, _ in life)]
    events = [event for event in Event if any(event is one for _, one in life)]
    rows = (
        (f"**{state}**", *(life.get((state, event), "") for event in events)) for state in before
    )
    return table(("state", *(f"on {event}" for event in events)), rows)


def limits() -> str:
    """Where each quantity alarms by default."""
    rows = [(gas.name, *_cells(default_rules(gas))) for gas in GASES.values()]
    return table(
        ("measures", "low", "high", "high-high", "rise in a minute", "STEL", "TWA", "CO dose"),
        [*rows, ("temperature", *_cells(TEMPERATURE))],
    )


def _cells(rules: Iterable[Rule]) -> Iterator[str]:
    by_level = {rule.level: rule for rule in rules}
    for level in ("low", "high", "high-high", "rise", "stel", "twa", "co-dose-en"):
        rule = by_level.get(level)
        unit = {"Cel": "°C", "": "of the dose"}.get(rule.unit, rule.unit) if rule else ""
        yield f"{rule.on:g} {unit}".replace("1 of the dose", "EN 50291") if rule else ""


def troubles() -> str:
    """Alarms of kind `trouble`: what raises each, and how they end."""
    where = [(SILENT, "device"), *((rule, "channel") for rule in TROUBLES)]
    where += [(rule, "channel with a film") for rule in MOX_TROUBLES]
    rows = (
        (
            f"`{rule.level}`",
            owner,
            "a person" if rule.latching else "by itself",
            f"{rule.off_delay_s:g} s",
        )
        for rule, owner in where
    )
    return table(("level", "of a", "ended", "off-delay"), rows)


def doses() -> str:
    """After how long each concentration of carbon monoxide alarms."""
    rows = (
        (f"`{name}`", f"{ppm:g} ppm", f"{minutes:g} min")
        for name, dose in DOSE_TABLES.items()
        for ppm, minutes in zip(dose.ppm, dose.minutes, strict=True)
    )
    return table(("table", "steady concentration", "alarm after"), rows)


# ---- the wire and HTTP


def units() -> str:
    """What each unit may be."""
    rows = ((f"`{unit}`", f"{low:g} … {high:g}") for unit, (low, high) in _plausible())
    return table(("unit", "plausible; beyond it a reading is marked `out-of-range`"), rows)


def _plausible() -> Iterator[tuple[Unit, tuple[float, float]]]:
    yield from PLAUSIBLE.items()


def routes() -> str:
    """Every route, who may use it, and what it does."""
    from contract.make_openapi import HERE as OPENAPI  # noqa: PLC0415 (needs the whole house)

    told = json.loads(OPENAPI.read_text("utf-8"))
    roles = dict(_roles())
    rows = []
    for path, methods in told["paths"].items():
        for method, about in methods.items():
            asked = [p["name"] for p in about.get("parameters", ()) if p["in"] == "query"]
            query = f"?{'&'.join(asked)}" if asked else ""
            who = roles.get((method.upper(), path), "")
            said = about.get("description") or f"{about['summary']}."
            rows.append((f"`{method.upper()} {path}{query}`", who, _one_line(said)))
    return table(("route", "who", "what"), rows)


def _roles() -> Iterator[tuple[tuple[str, str], str]]:
    """Who may use each route: the strictest of the guards that it depends on."""
    from fastapi.routing import APIRoute  # noqa: PLC0415

    from davy.api.app import PREFIX  # noqa: PLC0415
    from davy.api.routes import alarms, devices, live, look, session, users  # noqa: PLC0415

    guards = {
        get_args(guard)[1].dependency: name
        for guard, name in ((Viewer, "viewer"), (Operator, "operator"), (Admin, "admin"))
    }
    for module in (session, look, alarms, devices, users, live):
        for route in module.router.routes:
            if isinstance(route, APIRoute):
                found = [guards[d.call] for d in route.dependant.dependencies if d.call in guards]
                for method in route.methods or ():
                    yield (method, PREFIX + route.path), found[0] if found else "anybody"


# ---- gases and parts


def gases() -> str:
    """The gases, with the figures that limits stand on."""
    rows = (
        (
            f"`{gas.name}`",
            gas.formula,
            *(
                f"{gas.lel_percent[edition]:g}" if gas.lel_percent else ""
                for edition in (Edition.US, Edition.IEC)
            ),
            *(
                "" if ppm is None else f"{ppm:g}"
                for ppm in (gas.twa_ppm, gas.stel_ppm, gas.ceiling_ppm, gas.idlh_ppm)
            ),
            gas.source,
        )
        for gas in GASES.values()
    )
    head = ("gas", "formula", "LEL us, % vol", "LEL iec, % vol", "TWA", "STEL", "ceiling", "IDLH")
    return table((*head, "source"), rows)


def parts() -> str:
    """What each part sees, and how far."""
    rows = (
        (
            name,
            f"`{gas}`",
            f"{fit.low_ppm:,.0f} – {fit.high_ppm:,.0f}",
            f"{part.r0_ohm(gas):,.0f}",
            f"{part.load_ohm:,.0f}",
            part.r0_reference,
        )
        for name, part in PARTS.items()
        if isinstance(part, MoxPart)
        for gas, fit in part.fits.items()
    )
    head = ("part", "gas", "curve, ppm", "typical R0, ohm", "load, ohm", "R0 is Rs in")
    return table(head, rows)
