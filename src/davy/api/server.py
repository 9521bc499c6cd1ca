"""The web server around a running Davy."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from davy.api.app import create_app
from davy.domain.errors import ConfigError
from davy.service.running import Running

_HERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}
"""As seen from this machine: listening everywhere includes here."""


@asynccontextmanager
async def web_server(running: Running) -> AsyncIterator[str]:
    """Serves the station for as long as the context lasts; gives its URL.

    Raises:
        ConfigError: the address or port cannot be listened on.
    """
    section = running.config.server
    listener = _listen(section.host, section.port)
    host, port = listener.getsockname()[:2]
    url = f"http://{_HERE.get(host, host)}:{port}"
    running.station.api_url = url
    app = create_app(running.station, secure_cookie=section.secure_cookie)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=2,
            timeout_keep_alive=65,
            server_header=False,
        )
    )
    # Signals belong to whoever runs us; uvicorn would take them for itself.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve(sockets=[listener]), name="davy web")
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 (it has no event)
            await asyncio.sleep(0.01)
        yield url
    finally:
        running.station.hub.close()
        server.should_exit = True
        await task
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as cause:
        listener.close()
        raise ConfigError(
            f"[server] port {port} on {host}: {cause.strerror}; stop what listens there, or "
            "choose another port (0: any free one)"
        ) from cause
    listener.listen(512)
    return listener
