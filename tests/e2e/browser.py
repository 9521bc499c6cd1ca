"""A real Chromium, spoken to over its own protocol: no driver to install."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import websockets

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--remote-debugging-port=0", "--window-size=1440,900"),
)


class Page:
    """One tab."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def call(self, method: str, **params: Any) -> Any:
        """One command of the DevTools protocol."""
        number = next(self._numbers)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(await self._socket.recv())
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    async def open(self, url: str) -> None:
        """Goes to an address."""
        await self.call("Page.navigate", url=url)

    async def value(self, expression: str) -> Any:
        """What an expression gives in the page."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def text(self) -> str:
        """All that can be read on the page."""
        return str(await self.value("document.body ? document.body.innerText : ''"))

    async def click(self, label: str, within: str = "body") -> bool:
        """Presses the first button with this label that can be pressed."""
        return bool(
            await self.value(
                f"""(() => {{
                const all = [...document.querySelectorAll({json.dumps(within)} + ' button')];
                const one = all.find(b => b.innerText.trim() === {json.dumps(label)}
                    && !b.disabled && b.getAttribute('aria-disabled') !== 'true');
                if (one) one.click();
                return !!one;
                }})()"""
            )
        )


@asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Page]:
    """A tab of a Chromium with an empty profile."""
    process = await asyncio.create_subprocess_exec(
        *(CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = await asyncio.to_thread(_port, profile / "DevToolsActivePort")
        async with httpx.AsyncClient() as http:
            tabs = (await http.get(f"http://127.0.0.1:{port}/json/list")).json()
        address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
        async with websockets.connect(address, max_size=None) as socket:
            yield Page(socket)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def _port(file: Path) -> int:
    """Where it listens: it writes that into its profile."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if file.exists() and (lines := file.read_text().splitlines()):
            return int(lines[0])
        time.sleep(0.05)
    raise AssertionError("Chromium did not start within 30 s")
