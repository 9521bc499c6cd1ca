"""`davy replay`: recordings become devices again, or are judged at once without any broker."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from davy.cli import show
from davy.cli.export import time_of
from davy.cli.options import ConfigFile, Json
from davy.cli.reach import Server, configuration, running_server
from davy.domain.errors import InputError

if TYPE_CHECKING:
    from davy.ingest.recorded import Recorded
    from davy.service.papers import DeviceOrder
    from davy.simulate.device import Account

HEARTBEAT_S = 86_400.0
"""A recording ends and is not silent; nobody is called for that."""
AS_RECORDED = "recorded"


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="CSV or Parquet.", show_default=False),
    ],
    *,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="mqtt://HOST:PORT",
            show_default=False,
            help="Another address of the broker than the running Davy names.",
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Judge here and now, store nothing.")
    ] = False,
    speed: Annotated[
        str, typer.Option(metavar="X|max", help="Recorded seconds for each of the clock.")
    ] = "max",
    recording: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="A known one: mq2_telemetry, enose; without it the columns tell.",
        ),
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SPEC",
            show_default=False,
            help="A column as a channel: mq4=MQ-4:methane; several times.",
        ),
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=UNIT",
            show_default=False,
            help="The unit of a column, as mq4=mV; several times.",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar=f"ISO|{AS_RECORDED}",
            show_default=False,
            help="When its first reading was; live it ends now, offline it is as recorded.",
        ),
    ] = None,
    site: Annotated[str, typer.Option(help="Where missing devices are added.")] = "replay",
    zone: Annotated[str, typer.Option(help="Their zone.")] = "recording",
    config_file: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Plays recordings, over MQTT into a running Davy or through the pipeline alone.

    Devices that the running Davy does not know are added. Each reading is acknowledged before
    this ends.

    Example: `davy replay day.csv --speed 60`, or `davy replay day.csv --offline --json`
    """
    from davy.domain.site import Trust
    from davy.ingest.recorded import read
    from davy.service.papers import DeviceOrder

    config = configuration(config_file)
    pace = _pace(speed)
    start_s = None if start in {None, AS_RECORDED} else time_of("--start", str(start))
    units = dict(_unit(text) for text in unit or ())
    played = [
        read(file, recording, start_s=start_s, channels=channel or (), units=units)
        for file in files
    ]
    orders = [
        DeviceOrder(
            id=device,
            site=site,
            zone=zone,
            channels=channels,
            trust=Trust.SIGNED,
            heartbeat_s=HEARTBEAT_S,
        )
        for device, channels in _devices(played).items()
    ]
    if offline:
        if url:
            raise InputError("--offline needs no --url; leave one of them out")
        from davy.cli import judge

        result = judge.judged(config, orders, played)
        if as_json:
            show.json(result)
        else:
            judge.show_result(result, f"{site}.{zone}")
        return
    if start is None:
        played = [_ending_now(one, pace) for one in played]
    with running_server(config, "`davy replay` without --offline") as server:
        accounts = _accounts(server, orders, url)
    from davy.cli import lifetime

    status = lifetime.run(_live(played, accounts, pace, as_json))
    raise typer.Exit(status)


def _pace(text: str) -> float:
    try:
        pace = math.inf if text == "max" else float(text)
    except ValueError:
        pace = math.nan
    if not pace > 0:
        raise InputError(f"--speed {text}: give a positive number, or max")
    return pace


def _unit(text: str) -> tuple[str, str]:
    name, equals, unit = text.partition("=")
    if not equals:
        raise InputError(f"--unit {text}: write NAME=UNIT, as mq4=mV")
    return name, unit


def _devices(played: Sequence[Recorded]) -> dict[str, tuple[str, ...]]:
    """Each device of all files with all its channels."""
    devices: dict[str, dict[str, None]] = {}
    for one in played:
        for order in one.orders():
            devices.setdefault(order.device, {}).update(dict.fromkeys(order.channels))
    return {device: tuple(channels) for device, channels in devices.items()}


def _ending_now(recorded: Recorded, pace: float) -> Recorded:
    """Moved so that its last reading is of the very moment when it is sent."""
    length_s = float(recorded.time_s.max() - recorded.time_s.min())
    return recorded.starting_at(time.time() + length_s / pace - length_s)


def _accounts(server: Server, orders: Sequence[DeviceOrder], url: str | None) -> dict[str, Account]:
    """Adds what is missing, and fetches the papers of all."""
    import ssl

    from davy.cli.changes import Asked
    from davy.simulate.device import Account
    from davy.wire.jws import key_from_text

    known = {device["id"]: device for device in server.get("devices")}
    host, port, tls = _address(server, url)
    accounts = {}
    for order in orders:
        if order.id in known:
            papers = Asked(server).papers(order.id)
            _check_channels(order, papers.channels)
        else:
            papers = Asked(server).add_device(order)
        accounts[order.id] = Account(
            site=papers.site,
            device=papers.device,
            token=papers.token,
            key=key_from_text(papers.key) if papers.key else None,
            host=host or str(papers.mqtt["host"]),
            port=port or int(papers.mqtt["port"]),
            tls=ssl.create_default_context() if tls or papers.mqtt["tls"] else None,
        )
    return accounts


def _check_channels(order: DeviceOrder, known: Sequence[str]) -> None:
    names = {spec.partition("=")[0].partition(",")[0] for spec in order.channels}
    missing = ", ".join(sorted(names - set(known)))
    if missing:
        raise InputError(
            f"device {order.id} is there already, without the channel {missing}; name the "
            "recording's columns with --channel, or play it into another installation"
        )


def _address(server: Server, url: str | None) -> tuple[str, int, bool]:
    from urllib.parse import urlsplit

    if url is None:
        return server.run.mqtt.host, server.run.mqtt.port, False
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        raise InputError(f"--url {url}: write mqtt://HOST:PORT, or mqtts:// for TLS")
    tls = parts.scheme == "mqtts"
    return parts.hostname, port or (8883 if tls else 1883), tls


async def _live(
    played: Sequence[Recorded], accounts: dict[str, Account], pace: float, as_json: bool
) -> int:
    """Plays one recording after the other, each device on its own connection."""
    from contextlib import AsyncExitStack

    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
    )

    from davy.ingest.replay import play
    from davy.simulate.device import VirtualDevice

    looks = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    readings = packs = 0
    began_s = time.monotonic()
    async with AsyncExitStack() as stack:
        progress = stack.enter_context(show.progress(*looks, TimeRemainingColumn()))
        boot = time.time_ns() // 1000
        devices = {
            name: await stack.enter_async_context(VirtualDevice(account, boot=boot))
            for name, account in accounts.items()
        }
        for one in played:
            task = progress.add_task(one.recording.name, total=len(one))

            def tell(count: int, _: int, task: TaskID = task) -> None:
                progress.update(task, completed=count)

            done = await play(one, devices, speed=pace, on_progress=tell)
            readings, packs = readings + done.readings, packs + done.packs
    seconds = time.monotonic() - began_s
    if as_json:
        show.json(
            {
                "readings": readings,
                "packs": packs,
                "devices": list(accounts),
                "seconds": round(seconds, 3),
            }
        )
    else:
        typer.echo(
            f"{readings:,} readings in {packs:,} packs of {len(accounts)} devices, every one "
            f"acknowledged, in {seconds:.1f} s"
        )
    return 0
