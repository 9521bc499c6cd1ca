"""Runs a Davy until it is told to stop: `python -m tests.e2e.run_davy davy.toml`.

When it is ready it prints one line of JSON that says where it can be met.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

from davy.api.server import web_server
from davy.service.compose import compose
from davy.service.config import load


async def main(config_file: Path) -> None:
    """Serves until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with compose(load(config_file)) as running, web_server(running) as url:
        told = {
            "url": url,
            "port": urlsplit(url).port,
            "mqtt_port": running.broker.mqtt.port,
            "token": running.station.access.program_token,
            "broker_pid": running.broker.pid,
        }
        print(json.dumps(told), flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
