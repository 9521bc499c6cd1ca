"""Readings over HTTP: the signature, or the device's token, is the credential."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from davy.api.entry import bearer_of, station_of
from davy.api.problems import REFUSALS, problem
from davy.api.reply import reply
from davy.domain.errors import BrokerError, Reason, Refusal
from davy.ingest.gateway import Outcome

router = APIRouter(tags=["ingest"])
_SIGNED, _PLAIN = "application/jose", "application/senml+json"
_MOST_BYTES = 1 << 20
"""As over MQTT: what is too large for a pack is read so far, and kept as evidence."""


class StraightIn:
    """Takes readings past the router: matching a path against every route, for each of two
    thousand posts a second, costs more than checking the signature."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A post of readings, or whatever else the application answers."""
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            answer = await readings(request)
        except BrokerError as cause:
            answer = problem(503, str(cause))
        await answer(scope, receive, send)


async def readings(request: Request) -> Response:
    """Takes one pack; 202 when it is safely in the log."""
    station = station_of(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    bearer = None
    if kind == _PLAIN:
        token = bearer_of(request)
        bearer = station.access.device_with(token) if token else None
        if bearer is None:
            refusal = Refusal(
                Reason.BAD_CREDENTIALS,
                "plain SenML needs Authorization: Bearer <the device's token>",
            )
            station.turn_away(refusal, await _body(request))
            return _answer(Outcome(refusal=refusal))
    elif kind != _SIGNED:
        return problem(415, f"send {_SIGNED} (signed) or {_PLAIN} (with the device's token)")
    return _answer(await station.submit(await _body(request), bearer))


async def _body(request: Request) -> bytes:
    """The body, or the beginning of one that is larger than any pack may be."""
    chunks, size = [], 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > _MOST_BYTES:
            break
    return b"".join(chunks)


def _answer(outcome: Outcome) -> Response:
    if outcome.refusal is not None:
        reason = outcome.refusal.reason
        return problem(REFUSALS.get(reason, 400), outcome.refusal.detail, f"urn:davy:{reason}")
    bad = [{"index": one.row, "reason": one.reason.value} for one in outcome.bad]
    return reply(
        {"accepted": outcome.accepted, "duplicate": outcome.duplicate, "quarantined": bad}, 202
    )


_DOC = {
    "requestBody": {
        "required": True,
        "content": {
            _SIGNED: {"schema": {"type": "string"}},
            _PLAIN: {"schema": {"type": "array", "items": {"type": "object"}}},
        },
    },
    "responses": {
        "202": {
            "description": "Safely in the log.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "accepted": {"type": "integer"},
                            "duplicate": {"type": "integer"},
                            "quarantined": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "properties": {
                                        "index": {"type": "integer"},
                                        "reason": {"type": "string"},
                                    },
                                },
                            },
                        },
                    }
                }
            },
        }
    },
}
router.add_api_route(
    "/readings",
    readings,
    methods=["POST"],
    status_code=202,
    openapi_extra=_DOC,
    response_model=None,
)
