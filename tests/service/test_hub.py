"""The hub: numbered events, a ring of them, and watchers that lose only their own place."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from davy.service.hub import Happening, Hub


async def heard(hub: Hub, after: int | None, events: int) -> list[tuple[int, str]]:
    """The first events that a watcher is given."""
    told: list[tuple[int, str]] = []
    watcher = hub.watch(after, idle_s=0.01)
    async for event in watcher:
        told.append((event.number, event.kind))
        if len(told) == events:
            break
    await watcher.aclose()
    return told


def with_events(count_: int, keep: int = 4) -> Hub:
    hub = Hub(first=10, keep=keep)
    for number in range(count_):
        hub.publish("reading", {"n": number})
    return hub


STORIES = [
    # events so far, last number seen, what comes then
    ("a new watcher hears from now on", 3, None, [(12, "")]),
    ("one that saw all waits", 3, 12, [(12, "")]),
    ("one that missed two gets two", 3, 10, [(11, "reading"), (12, "reading")]),
    ("one that saw the one before the ring", 6, 11, [(12, "reading"), (13, "reading")]),
    ("one that missed what is gone", 6, 10, [(15, "reset"), (15, "")]),
    ("one from another life, long ago", 3, 0, [(12, "reset"), (12, "")]),
    ("one from the future", 3, 99, [(12, "reset"), (12, "")]),
    ("one that comes before anything happened", 0, 9, [(9, "")]),
]


@pytest.mark.parametrize(
    ("events", "after", "told"), [s[1:] for s in STORIES], ids=[s[0] for s in STORIES]
)
async def test_a_watcher_is_given_what_it_missed_or_told_that_it_is_gone(events, after, told):
    assert await heard(with_events(events), after, len(told)) == told


async def test_an_event_is_json_and_goes_to_whoever_waits():
    hub = Hub(first=1)
    watcher = hub.watch(None, idle_s=5)
    waiting = asyncio.ensure_future(anext(watcher))
    await asyncio.sleep(0)
    hub.publish("alarm", {"id": "a"})

    assert await waiting == Happening(1, "alarm", b'{"id":"a"}')
    assert hub.watchers == 1
    await watcher.aclose()
    assert hub.watchers == 0


async def test_a_slow_watcher_loses_its_place_and_a_quick_one_does_not():
    hub = Hub(first=1, keep=3)
    slow, quick = hub.watch(0, idle_s=0.01), hub.watch(0, idle_s=0.01)
    numbers = count()
    for _ in range(2):
        hub.publish("reading", next(numbers))
    assert [(await anext(quick)).number for _ in range(2)] == [1, 2]
    assert (await anext(slow)).number == 1
    for _ in range(5):
        hub.publish("reading", next(numbers))
        assert (await anext(quick)).kind == "reading"

    assert (await anext(slow)).number == 2  # it was given both before the others came
    assert await anext(slow) == Happening(7, "reset", b"{}")
    await slow.aclose()
    await quick.aclose()
