"""The live stream: server-sent events that resume where a watcher left off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import StreamingResponse

from davy.api.entry import Davy, Viewer
from davy.service.hub import Hub

router = APIRouter(tags=["live"])
_LONGEST_NUMBER = 18
_AS_IT_COMES = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStream(StreamingResponse):
    """Bytes as the HTML standard's event streams have them.

    FastAPI's own checks each event anew for each watcher, and fails loudly when a watcher
    leaves in the middle of one.
    """

    media_type = "text/event-stream"


@router.get("/live", response_class=EventStream)
async def live(
    davy: Davy,
    _: Viewer,
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventStream:
    """`reading`, `alarm`, `device`, `health` as they happen; `reset`: fetch everything again."""
    after = None if last_event_id is None else _number(last_event_id)
    return EventStream(_told(davy.hub, after), headers=_AS_IT_COMES)


async def _told(hub: Hub, after: int | None) -> AsyncIterator[bytes]:
    yield b": davy\n\n"
    async with aclosing(hub.watch(after)) as news:
        async for number, kind, data in news:
            if kind:
                yield b"id: %d\nevent: %b\ndata: %b\n\n" % (number, kind.encode(), data)
            else:
                yield b": still here\n\n"


def _number(last_event_id: str) -> int:
    """The number that a watcher saw last; one that was never given is answered by a reset."""
    known = last_event_id.isdecimal() and len(last_event_id) <= _LONGEST_NUMBER
    return int(last_event_id) if known else 0
