"""All commands of `davy`, joined."""

from __future__ import annotations

from typing import Annotated

import typer

from davy import __version__
from davy.cli import (
    alarms,
    audit,
    demo,
    device,
    doctor,
    export,
    init,
    limits,
    quarantine,
    replay,
    serve,
    user,
)
from davy.cli.front import Front

app = typer.Typer(
    cls=Front,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Davy is not a certified safety device.",
)
for command in (demo.demo, init.init, serve.serve, doctor.doctor, replay.replay, export.export):
    app.command()(command)
for group in (device, user, alarms, limits, quarantine, audit):
    app.add_typer(group.app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"davy {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Says which one.")
    ] = False,
) -> None:
    """Detects gas leaks, shows them, and keeps the readings from harm."""
