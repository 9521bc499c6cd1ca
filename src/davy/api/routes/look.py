"""What can be looked at: places, devices, channels and their past, evidence, the trail."""

from __future__ import annotations

import asyncio
import base64
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from davy.api.entry import Admin, Davy, Viewer
from davy.api.reply import reply
from davy.domain.errors import UnknownName
from davy.domain.site import Channel
from davy.service.station import Station
from davy.service.views import (
    AuditView,
    ChannelView,
    DeviceView,
    EvidenceView,
    HealthView,
    HistoryView,
    SiteView,
    ZoneView,
)
from davy.store.words import Evidence

router = APIRouter(tags=["look"])
Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("/sites", response_model=list[SiteView])
async def sites(davy: Davy, _: Viewer) -> Response:
    """All sites."""
    return reply(davy.live.sites())


@router.get("/zones", response_model=list[ZoneView])
async def zones(davy: Davy, _: Viewer) -> Response:
    """All zones."""
    return reply(davy.live.zones())


@router.get("/devices", response_model=list[DeviceView])
async def devices(davy: Davy, _: Viewer) -> Response:
    """All devices, the revoked ones among them."""
    return reply(davy.live.devices())


@router.get("/channels", response_model=list[ChannelView])
async def channels(davy: Davy, _: Viewer) -> Response:
    """All channels with their limits and newest reading."""
    return reply(davy.live.channels())


@router.get("/channels/{key}/history", response_model=HistoryView)
async def history(
    davy: Davy,
    _: Viewer,
    key: str,
    start: float,
    end: float,
    points: Annotated[int, Query(ge=2, le=10_000)] = 500,
) -> Response:
    """One channel's past in at most so many buckets of minimum, mean and maximum."""
    channel = channel_named(davy, key)
    past = await asyncio.to_thread(davy.store.history, channel.id, start, end, points)
    return reply(
        HistoryView(
            channel=channel.key,
            unit=channel.quantity.unit,
            bucket_s=past.bucket_s,
            time_s=past.time_s.tolist(),
            min=past.min.tolist(),
            mean=past.mean.tolist(),
            max=past.max.tolist(),
            count=past.count.tolist(),
        )
    )


@router.get("/quarantine", response_model=list[EvidenceView])
async def quarantine(
    davy: Davy, _: Viewer, limit: Limit = 100, reason: str | None = None
) -> Response:
    """What was refused, newest first."""
    find = partial(davy.store.quarantine, limit, reason=reason)
    return reply([_evidence(one) for one in await asyncio.to_thread(find)])


@router.get("/suspicions", response_model=list[dict[str, Any]])
async def suspicions(_: Viewer) -> Response:
    """Readings that look tampered with; empty until a defence stage is installed."""
    return reply([])


@router.get("/audit", response_model=list[AuditView])
async def audit(davy: Davy, _: Admin, limit: Limit = 100) -> Response:
    """Who did what, newest first; each row carries the hash of the one before."""
    rows = await asyncio.to_thread(davy.store.audit_rows, limit)
    return reply(
        [
            AuditView(
                index=row.seq,
                at_s=row.at_s,
                who=row.who,
                action=row.action,
                what=row.what,
                detail=row.detail,
                hash=row.hash.hex(),
            )
            for row in rows
        ]
    )


@router.get("/health", response_model=HealthView)
async def health(davy: Davy, _: Viewer) -> Response:
    """How Davy itself is."""
    return reply(davy.health_now())


def channel_named(davy: Station, key: str) -> Channel:
    """A channel by `device.channel`.

    Raises:
        UnknownName: there is none.
    """
    device_id, _, name = key.partition(".")
    device = davy.live.plan.device_by_id.get(device_id)
    for channel in device.channels if device else ():
        if channel.name == name:
            return channel
    raise UnknownName(f"channel {key}: no such channel; GET /api/v1/channels lists them")


def _evidence(one: Evidence) -> EvidenceView:
    return EvidenceView(
        id=one.id,
        at_s=one.at_s,
        reason=one.reason.value,
        detail=one.detail,
        device=one.device,
        topic=one.topic,
        size=one.size,
        sha256=one.sha256,
        bytes=base64.b64encode(one.payload).decode(),
    )
