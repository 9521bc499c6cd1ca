"""Runs one coroutine until it ends or somebody says stop: Ctrl-C, or SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

STOPS = (signal.SIGINT, signal.SIGTERM)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The faster event loop, where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def run(main: Coroutine[Any, Any, int]) -> int:
    """Runs to the end, in the main thread, and gives its exit status; 0 if it was stopped.

    The first signal cancels, and everything that is open closes in its order; further ones
    change nothing, so an impatient second Ctrl-C does not cut the closing short.
    """
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_until_stopped(main))


async def _until_stopped(main: Coroutine[Any, Any, int]) -> int:
    loop = asyncio.get_running_loop()
    work = loop.create_task(main)
    stopped = False

    def stop() -> None:
        nonlocal stopped
        if not stopped:
            stopped = True
            work.cancel()

    for number in STOPS:
        loop.add_signal_handler(number, stop)
    try:
        return await work
    except asyncio.CancelledError:
        if not stopped:
            raise
        return 0
    finally:
        for number in STOPS:
            loop.remove_signal_handler(number)
