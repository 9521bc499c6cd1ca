"""`davy demo`: a whole Davy in this process, a kitchen before it, and a story to watch."""

from __future__ import annotations

import logging
import socket
import sys
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from davy.domain.errors import InputError

if TYPE_CHECKING:
    from davy.cli.story import Play, Told
    from davy.service.config import Config

SCENARIOS = ("kitchen-leak",)
PORT = 8080
SPEED = 5.0
"""The gas reaches its limit a quarter of a minute after the address is there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line."""

    port: int | None
    speed: float
    for_s: float | None
    headless: bool
    as_json: bool


def demo(
    *,
    scenario: Annotated[
        str, typer.Option(help=f"The play: {', '.join(SCENARIOS)}.", metavar="NAME")
    ] = SCENARIOS[0],
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help=f"Port of the dashboard; without it {PORT}, or any free one if that is taken.",
            show_default=False,
        ),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.1, max=100, help="Seconds in the kitchen for each of the clock.")
    ] = SPEED,
    for_s: Annotated[
        float | None,
        typer.Option(
            "--for",
            min=1,
            metavar="SECONDS",
            help="Ends by itself after so long; without it Ctrl-C does.",
            show_default=False,
        ),
    ] = None,
    headless: Annotated[
        bool, typer.Option("--headless", help="Draw no screen: one line for each thing.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Keep the data there; without it they go.", show_default=False
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object at the end, nothing else.")
    ] = False,
) -> None:
    """Shows a gas leak in a kitchen, a forged reading, and the alarms: nothing to prepare.

    Three simulated devices send signed readings over MQTT. With --for or --headless it ends
    with 0 only if the expected alarms were raised.

    Example: `davy demo`, or `davy demo --headless --for 120 --json`
    """
    from davy.cli import lifetime, logs

    if scenario not in SCENARIOS:
        raise InputError(f"scenario {scenario}: there is no such play; use {', '.join(SCENARIOS)}")
    logs.to_stderr(logging.ERROR)
    logging.getLogger("davy").setLevel(logging.ERROR)
    wanted = Wanted(port, speed, for_s, headless or as_json, as_json)
    with ExitStack() as stack:
        if data is None:
            kept = tempfile.TemporaryDirectory(prefix="davy-demo-", ignore_cleanup_errors=True)
            data = Path(stack.enter_context(kept))
        status = lifetime.run(_demo(wanted, _config(wanted, data)))
    raise typer.Exit(status)


def _config(wanted: Wanted, data: Path) -> Config:
    """Made by hand: the environment of an installation must not reach into its demo."""
    from davy.service.config import Config
    from davy.service.sections import BrokerSection, Data, Server

    port = wanted.port
    if port is None:
        port = PORT if _is_free(PORT) else 0
    return Config.model_construct(
        server=Server(port=port), data=Data(dir=data.absolute()), broker=BrokerSection(mqtt_port=0)
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def _demo(wanted: Wanted, config: Config) -> int:
    import asyncio

    from davy.api.server import web_server
    from davy.cli.serve import noted
    from davy.cli.story import Play
    from davy.service.compose import compose

    async with compose(config) as running, web_server(running) as url:
        with noted(running, url):
            told: list[Told] = []
            play = Play(running, url, wanted.speed, told.append)
            address = await play.prepare()
            with suppress(asyncio.CancelledError):  # Ctrl-C ends the play, not the telling
                await _perform(play, wanted, address)
            return await _epilogue(play, wanted)


async def _perform(play: Play, wanted: Wanted, address: str) -> None:
    """Plays on a screen, or line by line where there is none to draw on."""
    import asyncio

    from rich.text import Text

    from davy.cli import screen, show

    console = show.console(error=wanted.as_json)
    head = Text("\nDavy runs. Watch it at\n\n    ").append(address, style="bold underline")
    head.append("\n\nCtrl-C ends it. Davy is not a certified safety device.\n", style="dim")
    if wanted.headless or not sys.stdout.isatty():
        console.print(head, soft_wrap=True)
        play.tell = lambda told: console.print(screen.line(told), soft_wrap=True)
        await play.perform(wanted.for_s)
        return
    station = play.running.station
    console.print(head, soft_wrap=True)  # whole, to be clicked, however narrow the terminal
    with screen.Screen(console, station.live, station.live.standing) as drawn:
        play.tell = drawn.tell
        drawing = asyncio.create_task(drawn.keep())
        try:
            await play.perform(wanted.for_s)
        finally:
            drawing.cancel()


async def _epilogue(play: Play, wanted: Wanted) -> int:
    """The sum of it, and whether what had to be seen was seen."""
    from davy.cli import show

    station = play.running.station
    summary: dict[str, Any] = {
        "readings": play.readings,
        "alarms": [
            {
                "device": alarm.device,
                "channel": alarm.channel,
                "kind": alarm.kind,
                "level": alarm.level,
                "raised_at": alarm.raised_at,
                "value": alarm.value,
                "unit": alarm.unit,
                "state": alarm.state,
            }
            for alarm in play.raised
        ],
        "refused": sum(station.gateway.meters.refused.values()),
        "suspicions": [],
        "story": play.story,
    }
    if wanted.as_json:
        show.json(summary)
    else:
        gas = sum(alarm["kind"] == "gas" for alarm in summary["alarms"])
        typer.echo(
            f"\n{summary['readings']} readings, {gas} gas alarms, {summary['refused']} refused."
        )
    missing = play.missing()
    judged = wanted.headless or wanted.for_s is not None
    if missing and judged:
        typer.echo(f"davy: not raised, though expected: {', '.join(missing)}", err=True)
    return 1 if missing and judged else 0
