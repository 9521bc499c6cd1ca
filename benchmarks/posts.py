"""HTTP posts over kept-alive connections, written by hand so that the client costs little."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from benchmarks.load import Sending


async def _post(host: str, port: int, packs: Sequence[bytes]) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    accepted = 0
    for pack in packs:
        head = (
            f"POST /api/v1/readings HTTP/1.1\r\nHost: {host}\r\n"
            f"Content-Type: application/jose\r\nContent-Length: {len(pack)}\r\n\r\n"
        )
        writer.write(head.encode() + pack)
        reply = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in reply.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        body = await reader.readexactly(length)
        if b" 202 " not in reply[:20]:
            raise RuntimeError(f"the server answered {reply[:40]!r} {body!r}")
        accepted += msgspec.json.decode(body)["accepted"]
    writer.close()
    return accepted


def _run(api, sendings, ready, go, answer, connections) -> None:  # type: ignore[no-untyped-def]
    packs = [pack for sending in sendings for pack in sending.signed(time.time())]
    url = urlsplit(api)
    ready.set()
    go.wait()

    async def all_at_once() -> int:
        # A device's packs stay in order on one connection.
        share = len(packs) // len(sendings)
        parts = [packs[i * share : (i + 1) * share] for i in range(len(sendings))]
        lanes = [part[lane::connections] for part in parts for lane in range(connections)]
        return sum(await asyncio.gather(*(_post(url.hostname, url.port, lane) for lane in lanes)))

    answer.put(asyncio.run(all_at_once()))


class PostProcess:
    """A process that signs its packs, waits for `go`, and posts them all."""

    def __init__(self, api: str, sendings: Sequence[Sending], connections: int = 4) -> None:
        context = multiprocessing.get_context("spawn")
        self._ready, self._go = context.Event(), context.Event()
        self._answer = context.Queue()
        self._process = context.Process(
            target=_run,
            args=(api, sendings, self._ready, self._go, self._answer, connections),
            daemon=True,
        )
        self._process.start()

    async def ready(self) -> None:
        """Returns when all packs are signed."""
        await asyncio.to_thread(self._ready.wait)

    def go(self) -> None:
        """Lets it post."""
        self._go.set()

    async def result(self) -> int:
        """Readings accepted."""
        accepted: int = await asyncio.to_thread(self._answer.get)
        await asyncio.to_thread(self._process.join)
        return accepted
