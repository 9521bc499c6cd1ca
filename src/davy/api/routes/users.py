"""People come and go: only an admin may change who may log in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from fastapi import APIRouter
from starlette.responses import Response

from davy.api.entry import Admin, Davy
from davy.api.reply import reply
from davy.service.access import Role

router = APIRouter(tags=["users"])


@dataclass(frozen=True, slots=True)
class UserView:
    """Somebody who may log in."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class NewUser:
    """Somebody who shall be able to log in."""

    name: str
    role: Role
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewRole:
    """What somebody may do from now on."""

    role: Role


@router.get("/users", response_model=list[UserView])
async def users(davy: Davy, _: Admin) -> Response:
    """Everybody who may log in."""
    known = await asyncio.to_thread(davy.store.users)
    return reply([UserView(user.name, user.role) for user in known])


@router.post("/users", response_model=UserView, status_code=201)
async def put(davy: Davy, who: Admin, user: NewUser) -> Response:
    """Adds a user, or gives one a new role and password."""
    await asyncio.to_thread(davy.access.put_user, user.name, user.role, user.password)
    await davy.note(who, "user add", user.name, user.role.value)
    return reply(UserView(user.name, user.role.value), 201)


@router.post("/users/{name}/role", response_model=UserView)
async def change(davy: Davy, who: Admin, name: str, new: NewRole) -> Response:
    """Gives a user another role; the password stays."""
    await asyncio.to_thread(davy.access.set_role, name, new.role)
    await davy.note(who, "user role", name, new.role.value)
    return reply(UserView(name, new.role.value))


@router.delete("/users/{name}", status_code=204)
async def remove(davy: Davy, who: Admin, name: str) -> Response:
    """Takes a user away; open sessions end at once."""
    await asyncio.to_thread(davy.access.remove_user, name)
    await davy.note(who, "user remove", name)
    return Response(status_code=204)
