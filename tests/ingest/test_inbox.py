"""The HTTP way in: together into the log, each with its own answer."""

from __future__ import annotations

import asyncio
import time

import pytest

from davy.domain.errors import BrokerError, Reason
from davy.ingest.gateway import Message
from davy.ingest.inbox import Inbox
from tests.ingest.gates import NOW_S, Gate, pack
from tests.installation import until


def no_lifeline(_: Message) -> None:
    """Nobody else looks at what comes."""


async def test_requests_that_come_together_share_a_block_and_each_gets_its_own_answer():
    gate = Gate()
    inbox = Inbox(gate.gateway, lambda: NOW_S, no_lifeline)
    working = asyncio.create_task(inbox.run())
    gate.log.slow.clear()
    first = asyncio.create_task(inbox.submit(pack(0.0, 0)))
    await until(lambda: not gate.gateway._lock.locked() or inbox._waiting)
    others = [asyncio.create_task(inbox.submit(pack(float(n), n))) for n in range(1, 100)]
    bad = asyncio.create_task(inbox.submit(b"junk"))
    await asyncio.sleep(0)
    assert inbox.drained_s() == NOW_S
    gate.log.slow.set()
    outcomes = [await first, *[await one for one in others]]
    working.cancel()
    assert [one.accepted for one in outcomes] == [1] * 100
    refusal = (await bad).refusal
    assert refusal is not None
    assert refusal.reason is Reason.MALFORMED
    assert gate.gateway.meters.blocks <= 2
    assert gate.log.values() == [float(n) for n in range(100)]


async def test_a_request_that_waits_too_long_is_told_to_come_again_and_then_counts_once():
    gate = Gate()
    inbox = Inbox(gate.gateway, time.time, no_lifeline, wait_s=0.05)
    working = asyncio.create_task(inbox.run())
    gate.log.slow.clear()
    with pytest.raises(BrokerError, match="send this pack again later"):
        await inbox.submit(pack(1.0, 0))
    gate.log.slow.set()
    again = await inbox.submit(pack(1.0, 0))
    working.cancel()
    assert (again.accepted, again.duplicate) == (0, 1)
    assert gate.log.values() == [1.0]


async def test_more_than_may_wait_are_told_so_at_once():
    inbox = Inbox(Gate().gateway, time.time, no_lifeline, most_waiting=2)
    waiting = [asyncio.create_task(inbox.submit(pack(1.0, n))) for n in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(BrokerError, match="2 packs wait already"):
        await inbox.submit(pack(1.0, 2))
    for one in waiting:
        one.cancel()


async def test_every_message_is_shown_as_it_comes_even_while_the_log_is_held_up():
    gate, shown = Gate(), []
    inbox = Inbox(gate.gateway, lambda: NOW_S, shown.append)
    gate.log.slow.clear()
    working = asyncio.create_task(inbox.run())
    waiting = asyncio.create_task(inbox.submit(pack(1.0, 0)))
    await until(lambda: len(shown) == 1)
    assert not waiting.done()
    gate.log.slow.set()
    await waiting
    working.cancel()
