"""Alarms: what stands, how it came to be, and what people do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Body, Query
from pydantic import Field
from starlette.responses import Response

from davy.api.entry import Davy, Operator, Viewer
from davy.api.reply import reply
from davy.domain.alarm import Event, State, Transition
from davy.domain.errors import InputError
from davy.service.views import AlarmView, TransitionView

router = APIRouter(tags=["alarms"])


@dataclass(frozen=True, slots=True)
class Note:
    """Why, in a person's own words."""

    note: Annotated[str, Field(max_length=500)] = ""


@dataclass(frozen=True, slots=True)
class Shelf:
    """For how long an alarm is put away, and why; the maximum is 8 hours."""

    for_s: Annotated[float, Field(gt=0)] = 3600.0
    note: Annotated[str, Field(max_length=500)] = ""


NOTE = Note()
SHELF = Shelf()


@router.get("/alarms", response_model=list[AlarmView])
async def alarms(davy: Davy, _: Viewer, state: str | None = None) -> Response:
    """Alarms that are not normal; `state` asks for one state, or for `all`."""
    if state is None:
        return reply(davy.live.standing())
    if state == "all":
        return reply(davy.live.alarms())
    known = [one.value for one in State]
    if state not in known:
        raise InputError(f"state {state!r}: give one of all, {', '.join(known)}")
    return reply([alarm for alarm in davy.live.alarms() if alarm.state == state])


@router.get("/alarms/{key}/transitions", response_model=list[TransitionView])
async def transitions(
    davy: Davy, _: Viewer, key: str, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Response:
    """The alarm's story, newest first."""
    point = davy.point(key)
    find = partial(davy.store.transitions, point.index, limit=limit)
    return reply(_told(key, await asyncio.to_thread(find)))


_ACTS = {
    "ack": (Event.ACK, "Says that a person has seen it and takes care of it."),
    "reset": (Event.RESET, "Ends a latched alarm whose condition has ended."),
    "unshelve": (Event.UNSHELVE, "Takes it off the shelf before its time."),
    "comment": (Event.COMMENT, "Adds a sentence to its story."),
    "out-of-service": (Event.REMOVE, "Takes it out of service for work on the sensor: no vote."),
    "in-service": (Event.RETURN, "Puts it back into service; it is announced if it stands."),
}


def _add_act(name: str, event: Event, sentence: str) -> None:
    @router.post(
        f"/alarms/{{key}}/{name}", response_model=AlarmView, name=name, description=sentence
    )
    async def act(
        davy: Davy, who: Operator, key: str, note: Annotated[Note, Body()] = NOTE
    ) -> Response:
        return reply(await davy.act(key, event, who, note=note.note))


for _name, (_event, _sentence) in _ACTS.items():
    _add_act(_name, _event, _sentence)


@router.post("/alarms/{key}/shelve", response_model=AlarmView)
async def shelve(
    davy: Davy, who: Operator, key: str, shelf: Annotated[Shelf, Body()] = SHELF
) -> Response:
    """Puts an alarm away for a while; it comes back by itself."""
    return reply(await davy.act(key, Event.SHELVE, who, note=shelf.note, for_s=shelf.for_s))


def _told(key: str, story: Sequence[Transition]) -> list[TransitionView]:
    return [
        TransitionView(
            id=key,
            at_s=step.at_s,
            time_s=step.time_s,
            event=step.event.value,
            before=step.before.value,
            after=step.after.value,
            value=step.value if step.value == step.value else None,
            by=step.by,
            note=step.note,
            unverified=step.unverified,
            backfilled=step.backfilled,
        )
        for step in story
    ]
