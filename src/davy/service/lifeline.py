"""Gas is announced even when nothing can be written.

While the log is in trouble (a full disk, a dead broker), what still comes in is judged on a
copy of the pipeline and its gas alarms are told at once, marked as not logged. The copy is
thrown away when the log can be written again: the packs were never acknowledged, come the
usual way, and are announced and kept as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from davy.domain.alarm import Event
from davy.domain.errors import BrokerError, Refusal
from davy.domain.gas import Edition
from davy.ingest.gateway import Gateway, Message
from davy.service.live import Live
from davy.service.replica import Replica, Step
from davy.service.views import AlarmNews
from davy.wire.entries import Packed, batch_of, block_of
from davy.wire.envelope import open_pack
from davy.wire.topics import parse

NOTE = "the log cannot be written: this is announced, and not kept yet"


class Lifeline:
    """Judges what cannot be logged.

    Args:
        gateway: who may send.
        present: the pipeline as it is now.
        tell: takes the alarms that rise.
        edition: whose LEL a %LEL stands on.
    """

    def __init__(
        self,
        gateway: Gateway,
        present: Callable[[], Replica],
        tell: Callable[[AlarmNews], None],
        edition: Edition,
    ) -> None:
        self.announced = 0
        self._gateway = gateway
        self._present = present
        self._tell = tell
        self._edition = edition
        self._scratch: tuple[Replica, Live] | None = None

    def log_is(self, cause: BrokerError | None) -> None:
        """What is wrong with the log; None when it can be written (again)."""
        if cause is None:
            self._scratch = None
        elif self._scratch is None:
            replica, live = self._present().copy(), Live(self._edition)
            live.begin(replica, {}, ())
            self._scratch = replica, live

    def offer(self, message: Message) -> None:
        """Judges a message that has just come in, if the log is in trouble."""
        if self._scratch is None:
            return
        replica, live = self._scratch
        try:
            topic = parse(message.address) if message.address is not None else None
            envelope = open_pack(
                message.payload,
                message.arrived_s,
                self._gateway.directory.senders.get,
                topic=topic,
                bearer=message.bearer,
            )
        except Refusal:
            return  # it is evidence when it comes the usual way
        block = block_of([Packed(envelope, message.arrived_s)], "lifeline")
        batch = replica.judge(batch_of(block, replica.ledger))
        step = Step(0, batch, np.empty(0, np.int64))
        for news in live.take(replica, step):
            if news.kind == "gas" and news.event == Event.RISE:
                self.announced += 1
                self._tell(replace(news, note=NOTE))
