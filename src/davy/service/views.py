"""What people and programs are shown: one frozen shape for each thing, as the API gives it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmView:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmNews(AlarmView):
    """An alarm that has just changed, and by what."""

    event: str
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionView:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestView:
    """The newest reading of a channel."""

    time_s: float
    value: float | None
    percent_lel: float | None
    flags: list[str]
    suspicion: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitView:
    """One limit of a channel, in the channel's unit."""

    level: str
    on: float
    off: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelView:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteView:
    """How a zone votes."""

    needed: int
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneView:
    """One area; `executive` tells whether its valve has been told to act."""

    key: str
    site: str
    name: str
    vote: VoteView
    devices: list[str]
    executive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteView:
    """One place."""

    site: str
    zones: list[str]
    devices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleView:
    """Something wrong with Davy itself."""

    what: str
    since_s: float
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthView:
    """How Davy is."""

    status: str
    troubles: list[TroubleView]
    readings_per_s: float
    lag_s: float
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """One channel's past in buckets; empty buckets are absent."""

    channel: str
    unit: str
    bucket_s: float
    time_s: list[float]
    min: list[float]
    mean: list[float]
    max: list[float]
    count: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditView:
    """One thing that somebody did."""

    index: int
    at_s: float
    who: str
    action: str
    what: str
    detail: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledView:
    """A new device's papers: shown once. `key` is absent for a transport device."""

    device: str
    site: str
    zone: str
    token: str
    topic: str
    mqtt: dict[str, str | int | bool]
    http: str
    channels: list[str]
    key: str | None = None
