"""The live stream: server-sent events that resume where a watcher left off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from davy.api.entry import Davy, Viewer

router = APIRouter(tags=["live"])


@router.get("/live", response_class=EventSourceResponse)
async def live(
    davy: Davy,
    _: Viewer,
    last_event_id: Annotated[str | None, Header()] = None,
) -> AsyncIterator[ServerSentEvent]:
    """`reading`, `alarm`, `device`, `health` as they happen; `reset`: fetch everything again."""
    after = int(last_event_id) if last_event_id and last_event_id.isdecimal() else None
    yield ServerSentEvent(comment="davy")
    async for happening in davy.hub.watch(after):
        if happening.kind:
            yield ServerSentEvent(
                raw_data=happening.data.decode(), event=happening.kind, id=str(happening.number)
            )
        else:
            yield ServerSentEvent(comment="still here")
