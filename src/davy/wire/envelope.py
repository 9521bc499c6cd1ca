"""One message from outside becomes one value that can be trusted, or one refusal.

This is the gateway's whole judgement of a message taken alone. Whether it was seen before is
for the `Ledger`, which is asked next: nothing here remembers anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from davy.domain.errors import Reason, Refusal
from davy.domain.site import Trust
from davy.wire.channels import Channels, Columns, resolve
from davy.wire.jws import KEY_BYTES, MAX_TOKEN_BYTES, Signed, verify
from davy.wire.senml import decode
from davy.wire.topics import Topic

NO_COUNT = -1
"""The `boot` and `seq` of a device that does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What the gateway must know of a device to judge its packs.

    `index` is `Device.index`. The key is 32 bytes, None for a transport device.
    """

    device: str
    index: int
    site: str
    channels: Channels
    trust: Trust = Trust.SIGNED
    key: bytes | None = field(default=None, repr=False)
    revoked: bool = False

    def __post_init__(self) -> None:
        if self.trust is Trust.SIGNED and len(self.key or b"") != KEY_BYTES:
            raise ValueError(f"{self.device}: a signed device needs a key of {KEY_BYTES} bytes")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A pack that is its device's own.

    `boot`, `seq` and `mark` go to the `Ledger`; a transport device has -1, -1 and 0, and its
    duplicates are told by the stream's sequence instead.
    """

    sender: Sender
    boot: int
    seq: int
    mark: int
    columns: Columns


def open_pack(
    message: bytes,
    arrived_s: float,
    sender_for: Callable[[str], Sender | None],
    *,
    topic: Topic | None = None,
    bearer: str | None = None,
) -> Envelope:
    """The readings in a message, if it is what it says it is.

    Args:
        message: as it came: a JWS token of a signed device, SenML JSON of a transport device.
        arrived_s: *now* for relative times, seconds since 1970 UTC.
        sender_for: the registry; None for a device that nobody knows.
        topic: where it was published; None over HTTP.
        bearer: the device whose token came with an HTTP request. A signed pack needs none:
            its signature is the credential.

    Raises:
        Refusal: the message is provably bad. A bad record is not: it is in `columns.bad`.
    """
    if len(message) > MAX_TOKEN_BYTES:
        raise Refusal(Reason.TOO_LARGE, f"{len(message)} bytes; at most {MAX_TOKEN_BYTES}")
    claimed = bearer if topic is None else topic.device
    if claimed is not None:
        sender = _known(claimed, sender_for)
        _check_topic(sender, topic)
        if sender.trust is Trust.TRANSPORT:
            columns = resolve(decode(message, claimed, arrived_s), sender.channels)
            return Envelope(sender, NO_COUNT, NO_COUNT, 0, columns)
    if message.lstrip()[:1] in (b"[", b"{"):
        raise Refusal(Reason.UNSIGNED, f"{claimed or 'HTTP'}: plain JSON where a signature is due")

    sender, signed = _verify(message, sender_for, claimed)
    columns = resolve(decode(signed.payload, signed.device, arrived_s), sender.channels)
    return Envelope(sender, signed.boot, signed.seq, signed.mark, columns)


def _verify(
    message: bytes, sender_for: Callable[[str], Sender | None], claimed: str | None
) -> tuple[Sender, Signed]:
    senders: list[Sender] = []

    def key_for(kid: str) -> bytes | None:
        if claimed is not None and kid != claimed:
            raise Refusal(Reason.FOREIGN_TOPIC, f"signed as {kid}, sent as {claimed}")
        sender = _known(kid, sender_for)
        if sender.trust is Trust.TRANSPORT:
            raise Refusal(Reason.BAD_SIGNATURE, f"{kid} has no key: it sends with its token")
        senders.append(sender)
        return sender.key

    signed = verify(message, key_for)
    return senders[0], signed


def _known(device: str, sender_for: Callable[[str], Sender | None]) -> Sender:
    sender = sender_for(device)
    if sender is None:
        raise Refusal(Reason.UNKNOWN_DEVICE, f"{device} is not registered here")
    if sender.revoked:
        raise Refusal(Reason.REVOKED_DEVICE, f"{device} was revoked; add it again to trust it")
    return sender


def _check_topic(sender: Sender, topic: Topic | None) -> None:
    if topic is None:
        return
    if topic.leaf != "readings":
        raise Refusal(Reason.FOREIGN_TOPIC, f"{topic.mqtt} does not carry readings")
    if topic.site != sender.site:
        raise Refusal(Reason.FOREIGN_TOPIC, f"{sender.device} stands on site {sender.site}")
