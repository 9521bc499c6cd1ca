"""Everything that can go wrong, as one small tree, and what the house does about each.

```
DavyError
├── ConfigError      stop at the start: `file [section] key: what, why, what to do`
├── InputError       the caller's words are off: exit 2, or problem+json 400
│   ├── UnknownName      no such device, channel, alarm or user: 404
│   └── Conflict         it exists already, or its state does not allow this: 409
├── Refusal          provably bad input: counted, kept in quarantine, never processed
├── StoreError       buffered and retried; `trouble` is raised; gas is still annunciated
├── BrokerError      restarted with backoff; `trouble` is raised
└── DeliveryError    a notice did not arrive: retried, then escalated
```

Bad *data* is not an error: it is a `Flag` on the reading.
"""

from __future__ import annotations

from enum import StrEnum


class DavyError(Exception):
    """The root: what happened, where, and what to do about it."""


class ConfigError(DavyError):
    """A setting that cannot be used; the start stops here."""


class InputError(DavyError):
    """A request that makes no sense as it stands."""


class UnknownName(InputError):
    """A device, channel, alarm or user that this installation does not have."""


class Conflict(InputError):
    """A request that the present state does not allow."""


class StoreError(DavyError):
    """The store could not be read or written."""


class BrokerError(DavyError):
    """The broker could not be started or reached."""


class DeliveryError(DavyError):
    """A notice could not be handed to the service that delivers it."""


class Reason(StrEnum):
    """Why a pack or a record was refused: the word in quarantine, metrics and replies."""

    MALFORMED = "malformed"
    TOO_LARGE = "too-large"
    EMPTY = "empty"
    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad-signature"
    WRONG_ALGORITHM = "wrong-algorithm"
    UNKNOWN_DEVICE = "unknown-device"
    REVOKED_DEVICE = "revoked-device"
    BAD_CREDENTIALS = "bad-credentials"
    FOREIGN_TOPIC = "foreign-topic"
    FOREIGN_NAME = "foreign-name"
    STALE = "stale"
    REPLAYED = "replayed"
    UNKNOWN_CHANNEL = "unknown-channel"
    WRONG_UNIT = "wrong-unit"
    NO_VALUE = "no-value"
    BAD_VALUE = "bad-value"
    RATE_LIMITED = "rate-limited"


class Refusal(DavyError):
    """Provably bad input: it is counted, kept as evidence, and never processed.

    Args:
        reason: the word under which it is counted and listed.
        detail: one sentence for the person who looks at the evidence.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
