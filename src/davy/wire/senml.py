"""SenML: the JSON that a pack is made of, read into plain columns and written again.

One typed decode reads the whole pack. Only when a record is odd is the pack read again,
record by record, so that one bad record costs one reading and not the pack around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Literal, NamedTuple

import msgspec

from davy.domain.errors import InputError, Reason, Refusal

MAX_BYTES = 256 * 1024
MAX_RECORDS = 4096

RELATIVE_BELOW_S = 2.0**28
"""Times below this (July 1978) count from *now*, as RFC 8428 has it."""

LAST_S = 253_402_300_799.0
"""The last second of the year 9999: a clock that is further off is held here.

The reading stays in and is flagged as coming from the future; refusing it would hide gas.
"""

URN = "urn:dev:davy:"


class Sample(NamedTuple):
    """One reading on its way out. Without a time it means *now*; below 2**28 s, so long ago."""

    channel: str
    value: float
    unit: str | None = None
    time_s: float | None = None


class Bad(NamedTuple):
    """A record that is left out: its place in the pack, and why."""

    row: int
    reason: Reason
    detail: str


class Pack(NamedTuple):
    """The records of one pack as columns of equal length, base values resolved.

    Attributes:
        names: the channel's name within its device.
        units: as sent; None where the device trusts in the channel's own unit.
        values: finite numbers, as sent, in that unit.
        times_s: seconds since 1970 UTC.
        rows: the place of each reading among the records of the pack.
        bad: the records that did not become readings.
    """

    names: list[str]
    units: list[str | None]
    values: list[float]
    times_s: list[float]
    rows: Sequence[int]
    bad: list[Bad]


class Record(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The fields of RFC 8428 in JSON, typed as Davy uses them.

    `v` alone carries a reading. Sums, texts, truths, bytes and update times are read past.
    """

    bn: str | None = None
    bt: float | None = None
    bu: str | None = None
    bv: float | None = None
    bs: float | None = None
    bver: Literal[10] | None = None
    n: str = ""
    u: str | None = None
    v: float | None = None
    t: float = 0.0
    vs: str | None = None
    vb: bool | None = None
    vd: str | None = None
    s: float | None = None
    ut: float | None = None


_RECORDS = msgspec.json.Decoder(list[Record])
_ONE_BY_ONE = msgspec.json.Decoder(list[msgspec.Raw])
_RECORD = msgspec.json.Decoder(Record)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_BLAME: dict[str, tuple[Reason, str]] = {
    "v": (Reason.BAD_VALUE, "v is not a number"),
    "t": (Reason.BAD_VALUE, "t is not a number"),
    "n": (Reason.MALFORMED, "n is not a text"),
    "u": (Reason.WRONG_UNIT, "u is not a text"),
}
"""What a record is refused for when a field of it has another type, in this order."""

_BASES = ("bn", "bt", "bu", "bv", "bver")


def decode(payload: bytes, device: str, arrived_s: float) -> Pack:
    """The readings in a pack that is already known to come from `device`.

    Args:
        payload: SenML JSON, at most 256 KiB with 1 to 4,096 records.
        device: the name that every record must stand under.
        arrived_s: *now* for times below 2**28, seconds since 1970 UTC.

    Raises:
        Refusal: `TOO_LARGE`, `EMPTY`, `MALFORMED` (no SenML, or a base value that leaves
            everything after it in doubt) or `FOREIGN_NAME` (a base name of someone else).

    Source: RFC 8428; the profile is `contract/payload.schema.json`.
    """
    bad: dict[int, Bad] = {}
    records = _records(payload, bad)
    base = _Base(device)
    names: list[str] = []
    units: list[str | None] = []
    values: list[float] = []
    times_s: list[float] = []
    for row, record in enumerate(records):
        if (
            record.bn is not None
            or record.bt is not None
            or record.bu is not None
            or record.bv is not None
        ):
            base.take(record)
        value, name = record.v, record.n if base.inside == "" else base.name(record.n)
        if value is None:
            bad.setdefault(row, Bad(row, Reason.NO_VALUE, "it has no v: Davy reads numbers"))
            continue
        if name is None:
            detail = f"{record.n[:160]!r} does not begin with {base.prefix!r}"
            bad[row] = Bad(row, Reason.FOREIGN_NAME, detail)
            continue
        if base.value and not isfinite(value := value + base.value):
            bad[row] = Bad(row, Reason.BAD_VALUE, "bv + v is beyond any number")
            continue
        time_s = base.time_s + record.t
        if time_s < RELATIVE_BELOW_S:
            time_s += arrived_s

        names.append(name)
        units.append(base.unit if record.u is None else record.u)
        values.append(value)
        times_s.append(time_s if 0.0 <= time_s <= LAST_S else min(max(time_s, 0.0), LAST_S))
    if not bad:
        return Pack(names, units, values, times_s, range(len(records)), [])
    rows = [row for row in range(len(records)) if row not in bad]
    return Pack(names, units, values, times_s, rows, [bad[row] for row in sorted(bad)])


class _Base:
    """The base values as they stand at one record of the pack; RFC 8428 carries them on.

    `inside` is what the base name says beyond `urn:dev:davy:<device>:`, None without one.
    """

    __slots__ = ("inside", "prefix", "time_s", "unit", "value")

    def __init__(self, device: str) -> None:
        self.prefix = f"{URN}{device}:"
        self.inside: str | None = None
        self.time_s = self.value = 0.0
        self.unit: str | None = None

    def take(self, record: Record) -> None:
        """What this record sets anew holds from here on."""
        if record.bn is not None:
            if record.bn and not record.bn.startswith(self.prefix):
                detail = f"bn is {record.bn[:160]!r}, not {self.prefix!r}"
                raise Refusal(Reason.FOREIGN_NAME, detail)
            self.inside = record.bn[len(self.prefix) :] if record.bn else None
        if record.bt is not None:
            self.time_s = record.bt
        if record.bu is not None:
            self.unit = record.bu
        if record.bv is not None:
            self.value = record.bv

    def name(self, name: str) -> str | None:
        """The channel's name within the device; None if it is another device's."""
        if self.inside is not None:
            return self.inside + name
        return name[len(self.prefix) :] if name.startswith(self.prefix) else None


def _records(payload: bytes, bad: dict[int, Bad]) -> Sequence[Record]:
    """Every record of the pack; those that are bad in themselves are told in `bad`."""
    if len(payload) > MAX_BYTES:
        raise Refusal(Reason.TOO_LARGE, f"{len(payload)} bytes; a pack has at most {MAX_BYTES}")
    try:
        records = _RECORDS.decode(payload)
    except msgspec.ValidationError:
        records = _read_again(payload, bad)
    except _BROKEN as cause:
        raise Refusal(Reason.MALFORMED, f"not JSON: {_brief(cause)}") from cause
    _check_count(len(records))
    return records


def _check_count(count: int) -> None:
    if not count:
        raise Refusal(Reason.EMPTY, "a pack has at least one record")
    if count > MAX_RECORDS:
        raise Refusal(Reason.TOO_LARGE, f"{count} records; a pack has at most {MAX_RECORDS}")


def _read_again(payload: bytes, bad: dict[int, Bad]) -> list[Record]:
    """Record by record: slower, and right about which of them is at fault."""
    try:
        payload.decode()  # what is skipped below must be text as well
        raws = _ONE_BY_ONE.decode(payload)
    except _BROKEN as cause:
        raise Refusal(Reason.MALFORMED, f"not an array of records: {_brief(cause)}") from cause
    _check_count(len(raws))
    records = []
    for row, raw in enumerate(raws):
        try:
            records.append(_RECORD.decode(raw))
        except _BROKEN:
            records.append(_mend(row, raw, bad))
    return records


def _mend(row: int, raw: msgspec.Raw, bad: dict[int, Bad]) -> Record:
    """What can be saved of an odd record: itself, or at least the base values it sets."""
    try:
        fields = _FIELDS.decode(raw)
    except _BROKEN:
        bad[row] = Bad(row, Reason.MALFORMED, "a record is a JSON object")
        return Record()
    for name in fields:
        if name.endswith("_"):  # RFC 8428: a label like this must be understood or refused
            bad[row] = Bad(row, Reason.MALFORMED, f"{name[:160]!r} is not known here")
    record = Record()
    for name in _BASES:
        if name in fields and not _take(record, name, fields[name]):
            raise Refusal(Reason.MALFORMED, f"record {row}: {name} cannot be used")
    for name, (reason, detail) in _BLAME.items():
        if name in fields and not _take(record, name, fields[name]) and row not in bad:
            bad[row] = Bad(row, reason, detail)
    if row in bad:
        record.v = None  # so that nobody reads it
    return record


def _take(record: Record, name: str, raw: msgspec.Raw) -> bool:
    """Sets one field if it has the type of that field."""
    try:
        one = _RECORD.decode(b'{"%s":%s}' % (name.encode(), bytes(raw)))
    except _BROKEN:
        return False
    setattr(record, name, getattr(one, name))
    return True


def _brief(cause: Exception) -> str:
    return str(cause)[:160]


def encode(device: str, samples: Iterable[Sample]) -> bytes:
    """A pack as a device would write it; `decode` gives the same numbers back, bit for bit.

    The first record carries the name all share, and the unit and the time where that
    shortens the others without changing them.

    Raises:
        InputError: no samples, or a number that JSON cannot hold.

    Example:
        >>> encode("kitchen-1", [Sample("mq4", 412.0, "mV", 1.7e9)])
        b'[{"bn":"urn:dev:davy:kitchen-1:","bt":1700000000.0,"bu":"mV","n":"mq4","v":412.0}]'
    """
    samples = list(samples)
    if not samples:
        raise InputError(f"{device}: a pack needs at least one sample")
    for sample in samples:
        if not isfinite(sample.value) or not isfinite(sample.time_s or 0.0):
            raise InputError(f"{device}: {sample} cannot be sent: JSON has finite numbers only")
    base_time, offsets = _offsets([sample.time_s or 0.0 for sample in samples])
    shared = samples[0].unit if len({sample.unit for sample in samples}) == 1 else None
    first: dict[str, str | float] = {"bn": f"{URN}{device}:"}
    if base_time:
        first["bt"] = base_time
    if shared:
        first["bu"] = shared
    records: list[dict[str, str | float]] = []
    for sample, offset in zip(samples, offsets, strict=True):
        record = {} if records else first
        record["n"] = sample.channel
        if sample.unit and not shared:
            record["u"] = sample.unit
        record["v"] = sample.value
        if offset:
            record["t"] = offset
        records.append(record)
    return msgspec.json.encode(records)


def _offsets(times_s: list[float]) -> tuple[float, list[float]]:
    """A base time and what is left for each record, or no base if a bit would be lost."""
    base = times_s[0]
    offsets = []
    for time_s in times_s:
        exact = time_s - base
        short = round(exact, 6)  # 0.1 instead of 0.09999990463256836
        offset = short if base + short == time_s else exact
        if base + offset != time_s:
            return 0.0, times_s
        offsets.append(offset)
    return base, offsets
