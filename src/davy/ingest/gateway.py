"""The gate: what comes from outside is judged here, once, and what passes goes into the log.

Judging and appending happen under one lock, so the log holds packs in the order in which
they were judged, and the ledger that a restart builds from the log is the one that was lost.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple
from uuid import uuid4

from davy.domain.errors import BrokerError, Reason, Refusal
from davy.ingest.log import Log
from davy.wire.entries import Enrolled, Entry, Packed, block_of, partition_of
from davy.wire.envelope import NO_COUNT, Envelope, Sender, open_pack
from davy.wire.senml import Bad
from davy.wire.topics import Topic, parse
from davy.wire.window import Ledger, Verdict

MOST_READINGS = 16_384
"""Of one block: half a megabyte of columns, well below what the broker takes in one piece."""


class Message(NamedTuple):
    """Something that came: `topic` is None over HTTP, `position` counts within its source."""

    payload: bytes
    arrived_s: float
    address: str | None = None
    position: int = 0
    bearer: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """What did not get through, as evidence."""

    at_s: float
    reason: Reason
    detail: str
    device: str
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message."""

    accepted: int = 0
    duplicate: int = 0
    bad: tuple[Bad, ...] = ()
    refusal: Refusal | None = None


@dataclass(slots=True)
class Meters:
    """Counts since the start, for `/metrics`; they reconcile:
    messages = packs + retransmissions + redelivered + the sum of refused."""

    messages: int = 0
    packs: int = 0
    readings: int = 0
    retransmissions: int = 0
    redelivered: int = 0
    blocks: int = 0
    refused: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    bad_records: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True, slots=True)
class Directory:
    """Who may send: senders by device id, and the zone of each."""

    senders: Mapping[str, Sender] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)


class Gateway:
    """Judges messages, writes blocks, and keeps time for the log.

    Args:
        log: where accepted packs go.
        keep: takes evidence of what was refused; it must not block.
        on_trouble: told what keeps the log from being written, and None when it is over.
    """

    def __init__(
        self,
        log: Log,
        keep: Callable[[Sequence[Refused]], None],
        on_trouble: Callable[[BrokerError | None], None],
    ) -> None:
        self.meters = Meters()
        self.directory = Directory()
        self._log = log
        self._keep = keep
        self._on_trouble = on_trouble
        self._ledger = Ledger()
        self._positions: dict[tuple[str, int], int] = {}
        self._lock = asyncio.Lock()

    def restore(self, ledger: Ledger, positions: Mapping[tuple[str, int], int]) -> None:
        """What the log says of the past: the replay windows, and how far each source got."""
        self._ledger = ledger
        self._positions = dict(positions)

    async def take(self, source: str, messages: Sequence[Message]) -> list[Outcome]:
        """Judges messages in order and returns when all that passed is in the log.

        A log that cannot be written is tried again until it can: what was judged is never
        dropped, and until then nothing more is judged. The caller acknowledges afterwards.
        """
        async with self._lock:
            packs: dict[int, list[Packed]] = defaultdict(list)
            evidence: list[Refused] = []
            outcomes = [self._judge(source, message, packs, evidence) for message in messages]
            if evidence:
                self._keep(evidence)
            try:
                for partition, some in packs.items():
                    for part in _cut(some):
                        await self._append(partition, block_of(part, source))
                        self.meters.blocks += 1
                    self._positions[source, partition] = some[-1].position
            except BaseException:
                # They come again and must not pass for retransmissions of what was never
                # written; whoever reads the log knows twins by a ledger of its own.
                for pack in chain.from_iterable(packs.values()):
                    self._ledger.forget(pack.envelope.sender.index)
                raise
        return outcomes

    def note(self, refused: Refused) -> None:
        """Counts and keeps what was refused before it came here."""
        self.meters.messages += 1
        self.meters.refused[refused.reason] += 1
        self._keep([refused])

    async def write(self, entry: Entry, zone: str | None = None) -> None:
        """Writes an entry that is no reading: to a zone's partition, or to all of them."""
        count = self._log.settings.partitions
        every = range(count) if zone is None else [partition_of(zone, count)]
        async with self._lock:
            for partition in every:
                await self._append(partition, entry)

    async def enrol(self, entries: Sequence[Enrolled], directory: Directory) -> None:
        """Changes who may send, in the log and here, between two packs."""
        async with self._lock:
            for entry in entries:
                for partition in range(self._log.settings.partitions):
                    await self._append(partition, entry)
                for device in entry.forgotten:
                    self._ledger.forget(device)
            self.directory = directory

    def _judge(
        self,
        source: str,
        message: Message,
        packs: dict[int, list[Packed]],
        evidence: list[Refused],
    ) -> Outcome:
        self.meters.messages += 1
        topic: Topic | None = None
        try:
            if message.address is not None:
                topic = parse(message.address)
            envelope = open_pack(
                message.payload,
                message.arrived_s,
                self.directory.senders.get,
                topic=topic,
                bearer=message.bearer,
            )
            sender = envelope.sender
            partition = partition_of(
                self.directory.zones[sender.device], self._log.settings.partitions
            )
            if message.position and message.position <= self._positions.get((source, partition), 0):
                self.meters.redelivered += 1
                return Outcome(duplicate=len(envelope.columns.time_s))
            if not self._is_new(envelope):
                self.meters.retransmissions += 1
                return Outcome(duplicate=len(envelope.columns.time_s))
        except Refusal as refusal:
            self.meters.refused[refusal.reason] += 1
            device = message.bearer or (topic.device if topic else "")
            evidence.append(_evidence(message, device, refusal))
            return Outcome(refusal=refusal)
        bad = envelope.columns.bad
        if bad:
            evidence.append(self._bad_records(message, sender.device, bad))
        accepted = len(envelope.columns.time_s)
        if accepted:
            packs[partition].append(Packed(envelope, message.arrived_s, message.position))
        self.meters.packs += 1
        self.meters.readings += accepted
        return Outcome(accepted=accepted, bad=bad)

    def _is_new(self, envelope: Envelope) -> bool:
        """False for a retransmission.

        Raises:
            Refusal: the number is stale, or it was used with other bytes.
        """
        if envelope.boot == NO_COUNT:
            return True
        device, boot, seq = envelope.sender.index, envelope.boot, envelope.seq
        verdict = self._ledger.judge(device, boot, seq, envelope.mark)
        if verdict in {Verdict.STALE, Verdict.REPLAYED}:
            raise self._ledger.refusal(device, verdict, boot, seq)
        return verdict is Verdict.ACCEPT

    def _bad_records(self, message: Message, device: str, bad: Sequence[Bad]) -> Refused:
        for one in bad:
            self.meters.bad_records[one.reason] += 1
        first = bad[0]
        more = f"; and {len(bad) - 1} more records" if len(bad) > 1 else ""
        detail = f"record {first.row}: {first.detail}{more}"
        return _evidence(message, device, Refusal(first.reason, detail))

    async def _append(self, partition: int, entry: Entry) -> None:
        """Until it is written; the key lets the server recognise a second attempt."""
        key = uuid4().hex
        wait_s = 0.1
        troubled = False
        while True:
            try:
                await self._log.append(partition, entry, key)
            except BrokerError as cause:
                self._on_trouble(cause)
                troubled = True
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, 5.0)
            else:
                if troubled:
                    self._on_trouble(None)
                return


def _cut(packs: Sequence[Packed]) -> Iterator[Sequence[Packed]]:
    """Blocks of at most `MOST_READINGS`; a pack is never cut."""
    start = readings = 0
    for end, pack in enumerate(packs):
        size = len(pack.envelope.columns.time_s)
        if readings + size > MOST_READINGS and end > start:
            yield packs[start:end]
            start, readings = end, 0
        readings += size
    yield packs[start:]


def _evidence(message: Message, device: str, refusal: Refusal) -> Refused:
    return Refused(
        at_s=message.arrived_s,
        reason=refusal.reason,
        detail=refusal.detail,
        device=device,
        topic=message.address or "",
        payload=message.payload,
    )
