"""What people and programs are shown: one frozen shape for each thing, as the API gives it."""

from __future__ import annotations

import msgspec


class AlarmView(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm. Times are seconds since 1970 UTC."""

    id: str
    kind: str
    level: str
    site: str
    zone: str
    device: str | None
    channel: str | None
    state: str
    active: bool
    raised_at: float | None
    changed_at: float | None
    value: float | None
    unit: str
    setpoint: float
    latching: bool
    uncertified: bool
    unverified: bool
    backfilled: bool
    shelved_until: float | None
    by: str
    note: str


class AlarmNews(AlarmView, frozen=True, kw_only=True):
    """An alarm that has just changed, and by what."""

    event: str
    at_s: float


class TransitionView(msgspec.Struct, frozen=True, kw_only=True):
    """One step in an alarm's life."""

    id: str
    at_s: float
    time_s: float
    event: str
    before: str
    after: str
    value: float | None
    by: str
    note: str
    unverified: bool
    backfilled: bool


class LatestView(msgspec.Struct, frozen=True, kw_only=True):
    """The newest reading of a channel."""

    time_s: float
    value: float | None
    percent_lel: float | None
    flags: list[str]
    suspicion: float


class LimitView(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of a channel, in the channel's unit."""

    level: str
    on: float
    off: float
    unit: str


class ChannelView(msgspec.Struct, frozen=True, kw_only=True):
    """One measured quantity."""

    key: str
    device: str
    name: str
    zone: str
    quantity: str
    unit: str
    gas: str | None
    part: str | None
    calibrated: bool
    uncertified: bool
    lel_ppm: float | None
    edition: str | None
    limits: list[LimitView]
    latest: LatestView | None


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """One box. `online` is None until it was first heard."""

    id: str
    site: str
    zone: str
    trust: str
    heartbeat_s: float
    revoked: bool
    online: bool | None
    last_seen_s: float | None
    channels: list[str]


class VoteView(msgspec.Struct, frozen=True, kw_only=True):
    """How a zone votes."""

    needed: int
    level: str


class ZoneView(msgspec.Struct, frozen=True, kw_only=True):
    """One area; `executive` tells whether its valve has been told to act."""

    key: str
    site: str
    name: str
    vote: VoteView
    devices: list[str]
    executive: bool


class SiteView(msgspec.Struct, frozen=True, kw_only=True):
    """One place."""

    site: str
    zones: list[str]
    devices: int


class TroubleView(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong with Davy itself."""

    what: str
    since_s: float
    detail: str


class HealthView(msgspec.Struct, frozen=True, kw_only=True):
    """How Davy is."""

    status: str
    troubles: list[TroubleView]
    readings_per_s: float
    lag_s: float
    version: str


class HistoryView(msgspec.Struct, frozen=True, kw_only=True):
    """One channel's past in buckets; empty buckets are absent."""

    channel: str
    unit: str
    bucket_s: float
    time_s: list[float]
    min: list[float]
    mean: list[float]
    max: list[float]
    count: list[int]


class EvidenceView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was refused; `bytes` is its beginning, base64."""

    id: int
    at_s: float
    reason: str
    detail: str
    device: str
    topic: str
    size: int
    sha256: str
    bytes: str


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody did."""

    index: int
    at_s: float
    who: str
    action: str
    what: str
    detail: str
    hash: str


class EnrolledView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new device's papers: shown once. `key` is absent for a transport device."""

    device: str
    site: str
    zone: str
    token: str
    topic: str
    mqtt: dict[str, str | int | bool]
    http: str
    channels: list[str]
    key: str | msgspec.UnsetType = msgspec.UNSET
