"""Errors as problem+json (RFC 9457): what happened, and what to do, in words."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from davy.domain.errors import (
    BrokerError,
    Conflict,
    DavyError,
    InputError,
    Reason,
    StoreError,
    UnknownName,
)
from davy.service.access import TooManyTries

_LOG = structlog.get_logger("davy.api")
_STATUS: tuple[tuple[type[DavyError], int], ...] = (
    (UnknownName, 404),
    (Conflict, 409),
    (InputError, 400),
    (TooManyTries, 429),
    (StoreError, 503),
    (BrokerError, 503),
)

REFUSALS: dict[Reason, int] = {
    Reason.MALFORMED: 400,
    Reason.EMPTY: 400,
    Reason.FOREIGN_NAME: 400,
    Reason.TOO_LARGE: 413,
    Reason.UNSIGNED: 401,
    Reason.BAD_SIGNATURE: 401,
    Reason.WRONG_ALGORITHM: 401,
    Reason.UNKNOWN_DEVICE: 401,
    Reason.REVOKED_DEVICE: 401,
    Reason.BAD_CREDENTIALS: 401,
    Reason.FOREIGN_TOPIC: 401,
    Reason.STALE: 409,
    Reason.REPLAYED: 409,
    Reason.RATE_LIMITED: 429,
}
"""What a device is told when its pack is refused."""


def problem(status: int, detail: str, kind: str = "about:blank") -> Response:
    """One problem as a reply."""
    body = {
        "type": kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if status in {429, 503}:
        headers["Retry-After"] = "5"
    return Response(
        msgspec.json.encode(body), status, headers, media_type="application/problem+json"
    )


def install(app: FastAPI) -> None:
    """Lets every error of ours leave as a problem."""

    @app.exception_handler(DavyError)
    async def ours(_: Request, error: DavyError) -> Response:
        for kind, status in _STATUS:
            if isinstance(error, kind):
                return problem(status, str(error))
        return problem(500, str(error))

    @app.exception_handler(HTTPException)
    async def theirs(_: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail))

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, error: Exception) -> Response:
        _LOG.error("a request failed", error=f"{type(error).__name__}: {error}")
        return problem(500, "something failed inside Davy; its log says what")

    @app.exception_handler(RequestValidationError)
    async def mistyped(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return problem(422, f"{where}: {first['msg']}")
