"""A Davy of its own that reads a foreign broker into a log, until it is killed.

Started by `test_bridge` with one JSON argument. Once connected it says again and again how many
packs have reached its gateway, and how many of them were known.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import nats

from davy.ingest.bridge import Bridge, BridgeSettings
from davy.ingest.external import Credentials, Endpoint
from davy.ingest.gateway import Directory, Gateway
from davy.ingest.log import Log, LogSettings
from davy.wire.channels import ChannelKey, Channels
from davy.wire.entries import Block, batch_of
from davy.wire.envelope import Sender
from davy.wire.jws import key_from_text
from davy.wire.window import Ledger

MILLIVOLTS = frozenset({"mV"})


def directory(keys: dict[str, str]) -> Directory:
    """Signed devices of the site `home`, each with one channel; channel id = device index."""
    senders = {
        device: Sender(
            device=device,
            index=index,
            site="home",
            channels=Channels({"mq4": ChannelKey(index, MILLIVOLTS, "mV")}),
            key=key_from_text(key),
        )
        for index, (device, key) in enumerate(keys.items())
    }
    return Directory(senders, dict.fromkeys(senders, "home.kitchen"))


async def ledger_of(log: Log) -> Ledger:
    """What the log says of the past, as a restart builds it."""
    ledger = Ledger()
    _, last = await log.bounds()
    if last == 0:
        return ledger
    async for some in log.read(0):
        for one in some:
            if isinstance(one.entry, Block):
                batch_of(one.entry, ledger)
        if some[-1].sequence >= last:
            break
    return ledger


async def main() -> None:
    told = json.loads(sys.argv[1])
    client = await nats.connect(told["nats"], user=told["user"], password=told["password"])
    log = Log(client, LogSettings())
    await log.open()
    gateway = Gateway(log, keep=print, on_trouble=print)
    gateway.restore(await ledger_of(log), {})
    gateway.directory = directory(told["keys"])
    login = Credentials(*told["login"]) if told["login"] else None
    settings = BridgeSettings(broker=Endpoint("127.0.0.1", told["port"]), credentials=login)
    bridge = Bridge(settings, gateway, time.time, print)
    reading = asyncio.create_task(bridge.run())
    while not reading.done():
        if bridge.connected:
            meters = gateway.meters
            print(json.dumps([meters.packs, meters.retransmissions]), flush=True)
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main())
