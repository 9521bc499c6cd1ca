"""Everything that a person or a program can ask of a running Davy.

The API and the command line speak to this and to nothing else. What people do goes through
the log like readings, so a replay knows of it; who did it goes into the audit trail.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from uuid import uuid4

from davy import __version__
from davy.domain.alarm import Act, Event, Point, Transition
from davy.domain.errors import Conflict, InputError, UnknownName
from davy.domain.limits import Limits
from davy.domain.site import Channel, Device
from davy.ingest.gateway import Outcome
from davy.ingest.inbox import Inbox
from davy.service.access import Access
from davy.service.enrolment import Enrolment
from davy.service.health import Health
from davy.service.hub import Happening, Hub
from davy.service.live import Live
from davy.service.papers import DeviceOrder
from davy.service.replica import Step
from davy.service.views import (
    AlarmView,
    AuditView,
    EnrolledView,
    EvidenceView,
    HealthView,
    HistoryView,
    TransitionView,
)
from davy.store.port import Store
