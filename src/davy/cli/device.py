"""`davy device`: boxes come, are calibrated, change their secrets, and go."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from davy.cli import show
from davy.cli.options import ConfigFile, Json, group
from davy.cli.reach import configuration, store_to_read
from davy.domain.errors import UnknownName

if TYPE_CHECKING:
    from davy.domain.site import Channel, Device
    from davy.service.views import EnrolledView

app = group("device", "Adds, shows and changes devices.", "davy device list")
Id = Annotated[str, typer.Argument(metavar="ID", help="The device's name.", show_default=False)]
CHANNEL = (
    "NAME[=PART:GAS[,load_ohm=…,supply_mv=…,r0_ohm=…,divider=…]]: a part with its gas "
    "(mq4=MQ-4:methane), an instrument that sends ppm (ch4=:methane), temperature, humidity."
)


@app.command()
def add(
    device: Id,
    *,
    site: Annotated[str, typer.Option(help="The place.", show_default=False)],
    zone: Annotated[
        str, typer.Option(help="What votes and evacuates together.", show_default=False)
    ],
    channel: Annotated[
        list[str], typer.Option("--channel", help=CHANNEL, metavar="SPEC", show_default=False)
    ],
    transport: Annotated[
        bool, typer.Option("--transport", help="It cannot sign: its password is its only proof.")
    ] = False,
    heartbeat: Annotated[
        float, typer.Option(help="Seconds of silence that are trouble.", metavar="SECONDS")
    ] = 60.0,
    config_file: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Adds a device and prints its papers: token, key and where it sends.

    Example: `davy device add kitchen-1 --site home --zone kitchen --channel mq4=MQ-4:methane
    --channel temperature`
    """
    from davy.cli.changes import changes_of
    from davy.domain.site import Trust
    from davy.service.papers import DeviceOrder

    order = DeviceOrder(
        id=device,
        site=site,
        zone=zone,
        channels=tuple(channel),
        trust=Trust.TRANSPORT if transport else Trust.SIGNED,
        heartbeat_s=heartbeat,
    )
    with changes_of(configuration(config_file)) as changes:
        _print_papers(changes.add_device(order), as_json)


@app.command("list")
def list_(config_file: ConfigFile = None, as_json: Json = False) -> None:
    """Lists all devices, the revoked ones among them.

    Example: `davy device list`
    """
    with store_to_read(configuration(config_file)) as store:
        devices = store.devices()
    if as_json:
        show.json([_as_json(device) for device in devices])
        return
    show.table(
        ("device", "site", "zone", "trust", "heartbeat", "channels", ""),
        [
            (
                device.id,
                device.site,
                device.zone,
                device.trust.value,
                f"{device.heartbeat_s:g} s",
                " ".join(channel.name for channel in device.channels),
                "revoked" if device.revoked else "",
            )
            for device in devices
        ],
        nothing="There are no devices yet; `davy device add --help` shows how to add one.",
        right="heartbeat",
    )


@app.command("show")
def show_(device: Id, config_file: ConfigFile = None, as_json: Json = False) -> None:
    """Shows one device: its channels, their parts and calibration. Secrets stay hidden.

    Example: `davy device show kitchen-1`
    """
    with store_to_read(configuration(config_file)) as store:
        found = next((one for one in store.devices() if one.id == device), None)
        if found is None:
            raise UnknownName(f"device {device}: no such device; `davy device list` shows them")
        latest = store.latest([channel.id for channel in found.channels])
    if as_json:
        show.json(_as_json(found))
        return
    typer.echo(
        f"{found.id}: {found.site}/{found.zone}, {found.trust.value}, silent after "
        f"{found.heartbeat_s:g} s{', revoked' if found.revoked else ''}"
    )
    rows = []
    for channel in found.channels:
        newest = latest.get(channel.id)
        rows.append(
            (
                channel.name,
                channel.part or "",
                channel.gas or channel.quantity.value,
                _r0(channel),
                show.number(newest.value, channel.quantity.unit) if newest else "-",
                show.when(newest.time_s) if newest else "",
            )
        )
    show.table(("channel", "part", "measures", "R0", "newest", "at"), rows, nothing="No channels.")


@app.command()
def rotate(device: Id, config_file: ConfigFile = None, as_json: Json = False) -> None:
    """Gives a device new secrets; the old ones are worth nothing from then on.

    A revoked device is let in again.

    Example: `davy device rotate kitchen-1`
    """
    from davy.cli.changes import changes_of

    with changes_of(configuration(config_file)) as changes:
        _print_papers(changes.rotate(device), as_json)


@app.command()
def revoke(device: Id, config_file: ConfigFile = None) -> None:
    """Shuts a device out; its readings stay.

    Example: `davy device revoke kitchen-1`
    """
    from davy.cli.changes import changes_of

    with changes_of(configuration(config_file)) as changes:
        changes.revoke(device)
    typer.echo(f"{device} is shut out; `davy device rotate {device}` lets it in again")


@app.command()
def calibrate(
    device: Id,
    channel: Annotated[
        str, typer.Argument(metavar="CHANNEL", help="One of its channels.", show_default=False)
    ],
    r0_ohm: Annotated[
        float,
        typer.Option(min=1e-3, max=1e9, help="The film's own R0 in ohm.", show_default=False),
    ],
    config_file: ConfigFile = None,
) -> None:
    """Sets a channel's own R0; from then on it is no longer called uncalibrated.

    Example: `davy device calibrate kitchen-1 mq4 --r0-ohm 21400`
    """
    from davy.cli.changes import changes_of

    with changes_of(configuration(config_file)) as changes:
        changes.calibrate(device, channel, r0_ohm)
    typer.echo(f"{device}.{channel} counts on R0 = {r0_ohm:g} ohm from now on")


def _print_papers(papers: EnrolledView, as_json: bool) -> None:
    fields = asdict(papers)
    if papers.key is None:
        del fields["key"]
    if as_json:
        show.json(fields)
        return
    tls = " with TLS" if papers.mqtt["tls"] else ""
    typer.echo(
        f"device   {papers.device}  ({papers.site}/{papers.zone}: {', '.join(papers.channels)})\n"
        f"token    {papers.token}\n"
        f"key      {papers.key or 'none: it does not sign'}\n"
        f"MQTT     {papers.mqtt['host']}:{papers.mqtt['port']}{tls}, user {papers.device}, "
        f"topic {papers.topic}\n"
        f"HTTP     POST {papers.http}\n"
        "Put them into the device now; `davy device show` does not tell secrets."
    )


def _as_json(device: Device) -> dict[str, object]:
    return {
        "id": device.id,
        "site": device.site,
        "zone": device.zone,
        "trust": device.trust,
        "heartbeat_s": device.heartbeat_s,
        "revoked": device.revoked,
        "channels": [
            {
                "name": channel.name,
                "quantity": channel.quantity,
                "unit": channel.quantity.unit,
                "part": channel.part,
                "gas": channel.gas,
                "r0_ohm": channel.r0_ohm,
                "r0_at_s": channel.r0_at_s,
            }
            for channel in device.channels
        ],
    }


def _r0(channel: Channel) -> str:
    if channel.part is None:
        return ""
    if channel.r0_ohm is None:
        return "typical: uncalibrated"
    since = f", {show.when(channel.r0_at_s)}" if channel.r0_at_s else ""
    return f"{channel.r0_ohm:g} ohm{since}"
