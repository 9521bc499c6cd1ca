"""MQTT publishers that keep many packs in flight, so that what is measured is Davy.

A general client waits for each PUBACK and spends tens of microseconds a message; this speaks
the three packets that it needs by hand (3 to 4 µs a message). A publish counts when its
PUBACK came back.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from davy.wire.jws import sign
from davy.wire.senml import Sample, encode

CONNACK, PUBACK = 0x20, 0x40


def _text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return len(raw).to_bytes(2, "big") + raw


def _packet(head: int, body: bytes) -> bytes:
    size, length = len(body), bytearray()
    while True:
        size, low = divmod(size, 128)
        length.append(low | (0x80 if size else 0))
        if not size:
            return bytes((head, *length)) + body


def connect_packet(client_id: str, user: str, password: str) -> bytes:
    """CONNECT with a clean session, a user and no keep-alive (MQTT 3.1.1, 3.1)."""
    login = _text(user) + _text(password)
    return _packet(0x10, _text("MQTT") + b"\x04\xc2\0\0" + _text(client_id) + login)


def publish_packet(topic: bytes, payload: bytes, packet_id: int) -> bytes:
    """PUBLISH with QoS 1; `packet_id` counts 1..65535 (3.3)."""
    return _packet(0x32, _text(topic) + packet_id.to_bytes(2, "big") + payload)


class Publisher(asyncio.Protocol):
    """Sends packs with at most `window` unacknowledged; `done` resolves at the last PUBACK."""

    def __init__(self, hello: bytes, packets: Iterator[bytes], window: int) -> None:
        self._hello = hello
        self._packets = packets
        self._window = window
        self._rest = b""
        self._ready = False
        self._exhausted = False
        self.sent = 0
        self.acked = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Says hello."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._transport.write(self._hello)

    def data_received(self, data: bytes) -> None:
        """Counts acknowledgements and sends as many packs again."""
        data = self._rest + data
        whole = len(data) // 4 * 4  # CONNACK and PUBACK, all we are ever sent, are 4 bytes
        self._rest = data[whole:]
        if not self._ready and whole:
            if data[0] != CONNACK or data[3] != 0:
                self.done.set_exception(ConnectionError(f"CONNECT was refused: {data[3]}"))
                return
            self._ready = True
            data, whole = data[4:], whole - 4
        self.acked += data[:whole:4].count(PUBACK)
        packets = list(islice(self._packets, self._window - (self.sent - self.acked)))
        self._exhausted = self._exhausted or not packets
        self.sent += len(packets)
        self._transport.write(b"".join(packets))
        if self._exhausted and self.acked >= self.sent and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fails what is under way."""
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the broker closed the connection"))


@dataclass(frozen=True, slots=True)
class Sending:
    """One device of the load, as its papers say."""

    port: int
    device: str
    token: str
    topic: str
    key: bytes
    channel: str
    packs: int
    readings: int
    window: int = 64
    host: str = "127.0.0.1"

    def signed(self, first_s: float) -> list[bytes]:
        """The packs, signed beforehand: devices sign, not the machine that is measured."""
        made = []
        for seq in range(self.packs):
            at_s = first_s - 100 + seq * 1e-3 * self.readings
            samples = [
                Sample(self.channel, 400.0 + (seq + row) % 7, "ppm", round(at_s + row * 1e-3, 3))
                for row in range(self.readings)
            ]
            payload = encode(self.device, samples)
            made.append(sign(payload, self.key, self.device, 1, seq))
        return made


async def publish(sending: Sending, packs: Iterable[bytes]) -> int:
    """Publishes packs over one connection; the count that was acknowledged."""
    hello = connect_packet(sending.device, sending.device, sending.token)
    topic = sending.topic.encode()
    packets = (publish_packet(topic, pack, index % 65535 + 1) for index, pack in enumerate(packs))
    transport, publisher = await asyncio.get_running_loop().create_connection(
        lambda: Publisher(hello, packets, sending.window), sending.host, sending.port
    )
    try:
        await publisher.done
        return publisher.acked
    finally:
        transport.close()


def _work(
    sendings: Sequence[Sending], ready: Callable[[], object], go: Callable[[], object]
) -> tuple[int, float]:
    packs = [sending.signed(time.time()) for sending in sendings]
    ready()
    go()

    async def all_at_once() -> int:
        return sum(await asyncio.gather(*map(publish, sendings, packs)))

    cpu_s = time.process_time()
    acked = asyncio.run(all_at_once())
    return acked, time.process_time() - cpu_s


class LoadProcess:
    """A process that signs its packs, waits for `go`, and publishes them all."""

    def __init__(self, sendings: Sequence[Sending]) -> None:
        context = multiprocessing.get_context("spawn")
        self._ready, self._go = context.Event(), context.Event()
        self._answer = context.Queue()
        self._process = context.Process(
            target=_run, args=(sendings, self._ready, self._go, self._answer), daemon=True
        )
        self._process.start()

    async def ready(self) -> None:
        """Returns when all packs are signed."""
        await asyncio.to_thread(self._ready.wait)

    def go(self) -> None:
        """Lets it publish."""
        self._go.set()

    async def result(self) -> tuple[int, float]:
        """Packs acknowledged and CPU seconds used."""
        answer: tuple[int, float] = await asyncio.to_thread(self._answer.get)
        await asyncio.to_thread(self._process.join)
        return answer


def _run(sendings, ready, go, answer) -> None:  # type: ignore[no-untyped-def]
    answer.put(_work(sendings, ready.set, go.wait))
