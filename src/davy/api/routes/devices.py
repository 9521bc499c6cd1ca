"""Devices come and go: only an admin may change them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import Field
from starlette.responses import Response

from davy.api.entry import Admin, Davy
from davy.api.reply import reply
from davy.domain.site import Trust
from davy.service.papers import DeviceOrder
from davy.service.views import EnrolledView

router = APIRouter(tags=["devices"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A device to add; channels as on the command line: `mq4=MQ-4:methane`."""

    id: str
    site: str
    zone: str
    channels: tuple[str, ...]
    transport: bool = False
    heartbeat_s: float = 60.0

    def order(self) -> DeviceOrder:
        """As the service wants it."""
        return DeviceOrder(
            id=self.id,
            site=self.site,
            zone=self.zone,
            channels=self.channels,
            trust=Trust.TRANSPORT if self.transport else Trust.SIGNED,
            heartbeat_s=self.heartbeat_s,
        )


@dataclass(frozen=True, slots=True)
class Calibration:
    """A channel's own R0 in ohm."""

    channel: str
    r0_ohm: Annotated[float, Field(gt=0, lt=1e9)]


@router.post("/devices", response_model=list[EnrolledView], status_code=201)
async def add(
    davy: Davy, who: Admin, orders: Annotated[list[Order], Body(max_length=5000)]
) -> Response:
    """Adds devices, all or none, and hands out their papers."""
    return reply(await davy.add_devices([order.order() for order in orders], who), 201)


@router.get("/devices/{device}/papers", response_model=EnrolledView)
async def papers(davy: Davy, _: Admin, device: str) -> Response:
    """A device's secrets and where it sends."""
    return reply(await davy.papers(device))


@router.post("/devices/{device}/rotate", response_model=EnrolledView)
async def rotate(davy: Davy, who: Admin, device: str) -> Response:
    """New secrets; the old ones are worth nothing from now on."""
    return reply(await davy.rotate(device, who))


@router.post("/devices/{device}/revoke", status_code=204)
async def revoke(davy: Davy, who: Admin, device: str) -> Response:
    """Shuts a device out; its readings stay."""
    await davy.revoke(device, who)
    return Response(status_code=204)


@router.post("/devices/{device}/calibrate", status_code=204)
async def calibrate(davy: Davy, who: Admin, device: str, calibration: Calibration) -> Response:
    """Sets a channel's own R0, from a recording in clean air."""
    await davy.calibrate(device, calibration.channel, calibration.r0_ohm, who)
    return Response(status_code=204)
