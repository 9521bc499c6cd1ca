"""Who is asking: a session cookie, the local program's token, or nobody."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request
from starlette.responses import Response

from davy.service.access import Access, Role, Who
from davy.service.station import Station

COOKIE = "davy_session"


def station_of(request: Request) -> Station:
    """The running installation."""
    station: Station = request.app.state.station
    return station


Davy = Annotated[Station, Depends(station_of)]


def bearer_of(request: Request) -> str | None:
    """The token of an `Authorization: Bearer …`."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def _who(request: Request, davy: Davy) -> Who:
    access: Access = davy.access
    token = bearer_of(request)
    if token is not None and access.is_program(token):
        return Who("local", Role.ADMIN)
    session = request.cookies.get(COOKIE)
    who = access.who_has(session) if session else None
    if who is None:
        raise HTTPException(401, "log in first: POST /api/v1/login")
    if request.method not in {"GET", "HEAD"} and _foreign(request):
        raise HTTPException(403, "the request comes from another site's page")
    return who


def _foreign(request: Request) -> bool:
    """A cookie alone must not let another site's page act for its visitor."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


Viewer = Annotated[Who, Depends(_who)]


def _operator(who: Viewer) -> Who:
    return _at_least(who, Role.OPERATOR)


def _admin(who: Viewer) -> Who:
    return _at_least(who, Role.ADMIN)


def _at_least(who: Who, role: Role) -> Who:
    if not who.role.may(role):
        raise HTTPException(403, f"{who.name} is a {who.role}; this needs an {role}")
    return who


Operator = Annotated[Who, Depends(_operator)]
Admin = Annotated[Who, Depends(_admin)]


def remember(reply: Response, davy: Station, who: Who, *, secure: bool) -> None:
    """Gives the browser its session."""
    reply.set_cookie(
        COOKIE,
        davy.access.session_of(who),
        max_age=int(davy.access.session_s),
        httponly=True,
        samesite="strict",
        secure=secure,
    )
