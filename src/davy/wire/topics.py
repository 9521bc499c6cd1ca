"""Where a pack travels: one address, written in three ways.

A device publishes to an MQTT topic; NATS carries it as a subject with dots, and keeps QoS 1
packs under a prefix of its own. All three are read by one pattern, so no other part of the
house splits strings.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from davy.domain.errors import Reason, Refusal
from davy.domain.site import NAME

LEAVES = ("readings", "frames", "status", "command")
"""What a device may have under its name; it listens to `command` and speaks on the others."""

STORED = "$MQTT.msgs."
"""What NATS puts before the subject of a QoS 1 publish that it has stored."""

_NAME = NAME.pattern
_ADDRESS = re.compile(
    rf"(?:\$MQTT\.msgs\.(?=davy\.))?davy([/.])v1\1({_NAME})\1({_NAME})\1({'|'.join(LEAVES)})"
)


class Topic(NamedTuple):
    """A device's address: `davy/v1/<site>/<device>/<leaf>`.

    Example:
        >>> Topic("home", "kitchen-1", "readings").mqtt
        'davy/v1/home/kitchen-1/readings'
    """

    site: str
    device: str
    leaf: str

    @property
    def mqtt(self) -> str:
        """As a device writes it."""
        return f"davy/v1/{self.site}/{self.device}/{self.leaf}"

    @property
    def subject(self) -> str:
        """As NATS carries it."""
        return f"davy.v1.{self.site}.{self.device}.{self.leaf}"

    @property
    def stored(self) -> str:
        """As NATS keeps it when it came with QoS 1."""
        return STORED + self.subject


def parse(address: str) -> Topic:
    """The topic that an MQTT topic, a NATS subject or a stored subject names.

    Raises:
        Refusal: `FOREIGN_TOPIC` for everything else, wildcards and mixed separators included.

    Example:
        >>> parse("$MQTT.msgs.davy.v1.home.kitchen-1.readings")
        Topic(site='home', device='kitchen-1', leaf='readings')
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise Refusal(
            Reason.FOREIGN_TOPIC,
            f"{address[:160]!r} is not davy/v1/<site>/<device>/<{'|'.join(LEAVES)}>",
        )
    return Topic(match[2], match[3], match[4])
