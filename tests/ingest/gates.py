"""A gateway over a log in memory, for what must be broken or held up at will."""

from __future__ import annotations

import asyncio

from davy.domain.site import Trust
from davy.ingest.gateway import Directory, Gateway, Message, Refused
from davy.ingest.log import LogSettings
from davy.wire.channels import ChannelKey, Channels
from davy.wire.entries import Block, Entry, batch_of
from davy.wire.envelope import Sender
from davy.wire.jws import sign
from davy.wire.senml import Sample, encode
from davy.wire.window import Ledger

KEY = bytes(range(32))
NOW_S = 1.76e9


class Shelf:
    """A log in memory; while `broken` it refuses, and `slow` makes it wait."""

    def __init__(self, partitions: int = 1) -> None:
        self.settings = LogSettings(partitions=partitions)
        self.entries: list[tuple[int, Entry]] = []
        self.keys: list[str | None] = []
        self.broken: Exception | None = None
        self.slow = asyncio.Event()
        self.slow.set()

    async def append(self, partition: int, entry: Entry, key: str | None = None) -> int:
        """As `Log.append`."""
        await self.slow.wait()
        self.keys.append(key)
        if self.broken is not None:
            raise self.broken
        self.entries.append((partition, entry))
        return len(self.entries)

    def values(self) -> list[float]:
        """All readings in the log that are no twins."""
        ledger, found = Ledger(), []
        for _, entry in self.entries:
            if isinstance(entry, Block):
                batch = batch_of(entry, ledger)
                found += batch.raw[batch.flags == 0].tolist()
        return found


def sender(device: str, index: int, **more: object) -> Sender:
    channels = Channels({"gas": ChannelKey(index, frozenset({"ppm"}), "ppm")})
    settings = {"key": KEY, "site": "home", **more}
    return Sender(device=device, index=index, channels=channels, **settings)  # type: ignore[arg-type]


SENDERS = {
    "a": sender("a", 0),
    "b": sender("b", 1),
    "gone": sender("gone", 2, revoked=True),
    "meter": sender("meter", 3, trust=Trust.TRANSPORT, key=None),
}
DIRECTORY = Directory(
    SENDERS, {"a": "home.one", "b": "home.two", "gone": "home.one", "meter": "home.one"}
)


class Gate:
    """A gateway with what it told."""

    def __init__(self, partitions: int = 1) -> None:
        self.log = Shelf(partitions)
        self.evidence: list[Refused] = []
        self.troubles: list[str] = []
        self.gateway = Gateway(
            self.log,  # type: ignore[arg-type]
            self.evidence.extend,
            lambda cause: self.troubles.append(str(cause) if cause else "over"),
        )
        self.gateway.directory = DIRECTORY

    def reconciles(self) -> bool:
        m = self.gateway.meters
        return m.messages == m.packs + m.retransmissions + m.redelivered + sum(m.refused.values())


def pack(value: float, seq: int, device: str = "a", boot: int = 1, rows: int = 1) -> bytes:
    samples = [Sample("gas", value, "ppm", NOW_S + row) for row in range(rows)]
    return sign(encode(device, samples), KEY, device, boot, seq)


def over_mqtt(payload: bytes, position: int, device: str = "a") -> Message:
    return Message(payload, NOW_S, f"$MQTT.msgs.davy.v1.home.{device}.readings", position)
