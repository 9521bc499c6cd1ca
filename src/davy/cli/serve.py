"""`davy serve`: the whole of Davy in this process, until it is told to stop."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from davy.cli.options import ConfigFile
from davy.cli.reach import configuration, server_of
from davy.domain.errors import Conflict

if TYPE_CHECKING:
    from davy.service.config import Config
    from davy.service.running import Running


def serve(config_file: ConfigFile = None) -> None:
    """Runs Davy until Ctrl-C or SIGTERM: broker, pipeline, store, API and dashboard.

    Example: `davy serve -c davy.toml`
    """
    from davy.cli import lifetime, logs

    config = configuration(config_file)
    with server_of(config) as other:
        if other is not None:
            raise Conflict(
                f"{config.data.dir}: a Davy runs there already, at {other.run.api} with process "
                f"id {other.run.pid}; stop that one first, or name another [data] dir"
            )
    logs.to_stderr()
    raise typer.Exit(lifetime.run(_serve(config)))


async def _serve(config: Config) -> int:
    import asyncio

    from davy.api.server import web_server
    from davy.service.compose import compose

    async with compose(config) as running, web_server(running) as url:
        with noted(running, url):
            mqtt = running.broker.mqtt.url
            typer.echo(f"Davy runs: dashboard and API at {url}, devices at {mqtt}")
            await asyncio.Event().wait()
    return 0


@contextmanager
def noted(running: Running, url: str) -> Iterator[None]:
    """Keeps the run file in the data directory for as long as the context lasts."""
    from davy.service.runfile import MqttAddress, RunFile

    mqtt = running.broker.mqtt
    note = RunFile(
        api=url,
        mqtt=MqttAddress(mqtt.host, mqtt.port),
        nats=running.broker.nats_url,
        pid=os.getpid(),
        token=running.station.access.program_token,
    )
    directory = running.config.data.dir
    note.write(directory)
    try:
        yield
    finally:
        note.remove(directory)
