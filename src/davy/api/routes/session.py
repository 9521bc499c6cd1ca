"""Logging in and out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from davy.api.entry import COOKIE, Davy, Viewer, remember
from davy.api.reply import reply

router = APIRouter(tags=["session"])


@dataclass(frozen=True, slots=True)
class Login:
    """Name and password."""

    name: str
    password: str


@dataclass(frozen=True, slots=True)
class Me:
    """Who is logged in, and what they may do."""

    name: str
    role: str


@router.post("/login", response_model=Me)
async def log_in(login: Login, davy: Davy, request: Request) -> Response:
    """Starts a session; five wrong passwords in a minute end in 429."""
    # One at a time: guesses would take all threads, 64 MiB each, and overtake their own count.
    async with request.app.state.door:
        who = await asyncio.to_thread(davy.access.log_in, login.name, login.password)
    if who is None:
        raise HTTPException(401, "name and password do not belong together")
    answer = reply(Me(who.name, who.role.value))
    remember(answer, davy, who, secure=request.app.state.secure_cookie)
    return answer


@router.post("/logout", status_code=204)
async def log_out() -> Response:
    """Ends the session in this browser."""
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, samesite="strict", httponly=True)
    return answer


@router.get("/me", response_model=Me)
async def me(who: Viewer) -> Response:
    """Who this session belongs to."""
    return reply(Me(who.name, who.role.value))
