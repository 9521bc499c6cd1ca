"""`davy limits show`: where each channel alarms, and whether its part can see that far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from davy.cli import show
from davy.cli.options import ConfigFile, Json, group
from davy.cli.reach import configuration, store_to_read
from davy.domain.errors import UnknownName

if TYPE_CHECKING:
    from davy.domain.alarm import Point
    from davy.domain.gas import Edition
    from davy.domain.site import Channel

app = group("limits", "Shows where channels alarm.", "davy limits show")


@app.command("show")
def show_(
    device: Annotated[
        str | None, typer.Argument(metavar="[DEVICE]", help="Only this one.", show_default=False)
    ] = None,
    config_file: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Shows every limit of every channel, in its own unit and in %LEL.

    A limit that the part's datasheet curve does not reach is marked. Limits come from [limits]
    in davy.toml, as they were at the last start.

    Example: `davy limits show kitchen-1`
    """
    config = configuration(config_file)
    with store_to_read(config) as store:
        devices, points = store.devices(), store.points()
    if device is not None:
        devices = [one for one in devices if one.id == device]
        if not devices:
            raise UnknownName(f"device {device}: no such device; `davy device list` shows them")
    rows = [
        _limit(channel, point, config.limits.edition)
        for one in devices
        if not one.revoked
        for channel in one.channels
        for point in points
        if point.channel == channel.id and point.kind.value == "gas" and point.enabled
    ]
    if as_json:
        show.json(rows)
        return
    show.table(
        ("channel", "measures", "alarm", "at", "%LEL", "ends below", "on-delay", "off-delay", ""),
        [_cells(row) for row in rows],
        nothing="No channel has limits yet; `davy device add --help` shows how to add a device.",
        right="at %LEL on-delay off-delay",
    )


def _limit(channel: Channel, point: Point, edition: Edition) -> dict[str, Any]:
    setpoint = point.setpoint
    in_ppm = channel.gas is not None and point.unit == "ppm"
    return {
        "channel": channel.key,
        "measures": f"{channel.gas or channel.quantity.value}",
        "part": channel.part,
        "level": point.level,
        "on": setpoint.on,
        "off": setpoint.off,
        "unit": point.unit,
        "percent_lel": _percent_lel(channel, setpoint.on, edition) if in_ppm else None,
        "on_delay_s": setpoint.on_delay_s,
        "off_delay_s": setpoint.off_delay_s,
        "latching": setpoint.latching,
        "uncertified": point.uncertified,
        "reach": reach(channel, setpoint.on) if in_ppm and point.level != "rise" else "",
    }


def reach(channel: Channel, on_ppm: float) -> str:
    """What it means that the part's curve does not reach this limit; empty where it does."""
    from davy.sensing.catalog import curve_for

    if channel.part is None or channel.gas is None:
        return ""
    curve = curve_for(channel.part, channel.gas)
    if on_ppm < curve.low_ppm:
        return f"below the {channel.part}'s curve: alarms only from {curve.low_ppm:g} ppm on"
    if on_ppm > curve.high_ppm:
        return (
            f"above the {channel.part}'s curve: alarms already at its top, {curve.high_ppm:g} ppm"
        )
    return ""


def _percent_lel(channel: Channel, ppm: float, edition: Edition) -> float | None:
    from davy.domain.gas import GASES

    gas = GASES[channel.gas or ""]
    return 100 * ppm / gas.lel_ppm(edition) if gas.flammable else None


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    unit = f"{row['unit']}/min" if row["level"] == "rise" else row["unit"]
    words = [row["reach"], "uncertified" if row["uncertified"] else ""]
    return (
        row["channel"],
        row["measures"] + (f" ({row['part']})" if row["part"] else ""),
        row["level"],
        show.number(row["on"], unit),
        "" if row["percent_lel"] is None else f"{row['percent_lel']:.3g}",
        show.number(row["off"], unit),
        f"{row['on_delay_s']:g} s",
        f"{row['off_delay_s']:g} s",
        ", ".join(word for word in words if word),
    )
