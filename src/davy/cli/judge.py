"""A recording judged at once, without broker or store: what would have been announced, when."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import typer

from davy.cli import show
from davy.domain.alarm import Event, State, Transition
from davy.domain.plan import Plan
from davy.ingest.recorded import Recorded
from davy.ingest.replay import batches
from davy.service.compose import enrolment_of, pipeline_of
from davy.service.config import Config
from davy.service.papers import DeviceOrder
from davy.service.replica import Replica
from davy.store.memory import Memory


def judged(
    config: Config, orders: Sequence[DeviceOrder], played: Sequence[Recorded]
) -> dict[str, Any]:
    """All stages over all readings, by the recording's own time.

    An alarm stands here once from its rise until it is normal again, with the value of the
    rise and the state in which it was left.
    """
    enrolment = enrolment_of(config, Memory())  # numbers devices and alarms as a store would
    enrolment.add(orders)
    enrolment.renew_limits()
    plan = enrolment.registered().plan
    replica = Replica(pipeline_of(config.pipeline), plan)
    began_s = time.perf_counter()
    alarms: list[dict[str, Any]] = []
    standing: dict[int, dict[str, Any]] = {}
    with show.progress() as progress:
        for recorded in sorted(played, key=lambda one: float(one.time_s.min())):
            task = progress.add_task(recorded.recording.name, total=len(recorded))
            for batch in batches(recorded, plan):
                for step in replica.judge(batch).transitions:
                    if step.event is Event.RISE and step.before is State.NORMAL:
                        standing[step.point] = _alarm(plan, step)
                        alarms.append(standing[step.point])
                    elif step.point in standing:
                        standing[step.point]["state"] = step.after.value
                if len(batch):
                    progress.advance(task, len(batch))
    return {
        "readings": sum(len(one) for one in played),
        "alarms": alarms,
        "suspicions": [],
        "seconds": round(time.perf_counter() - began_s, 3),
    }


def _alarm(plan: Plan, step: Transition) -> dict[str, Any]:
    point = plan.points[step.point]
    channel = plan.channels[point.channel] if point.channel >= 0 else None
    return {
        "device": plan.devices[point.device].id if point.device >= 0 else None,
        "channel": channel.name if channel else None,
        "kind": point.kind.value,
        "level": point.level,
        "raised_at": step.at_s,
        "value": None if math.isnan(step.value) else step.value,
        "unit": point.unit,
        "state": step.after.value,
    }


def show_result(result: dict[str, Any], zone: str) -> None:
    """A table of the alarms; `zone` is whose name an alarm without a device has."""
    show.table(
        ("raised", "alarm", "kind", "value", "state"),
        [
            (
                show.when(alarm["raised_at"]),
                _name(alarm, zone),
                alarm["kind"],
                show.number(alarm["value"], alarm["unit"]) if alarm["unit"] else "",
                alarm["state"],
            )
            for alarm in result["alarms"]
        ],
        nothing="No alarm.",
        right="value",
    )
    typer.echo(f"{result['readings']:,} readings judged in {result['seconds']:.1f} s")


def _name(alarm: dict[str, Any], zone: str) -> str:
    """The alarm's id; what belongs to no device belongs to the zone."""
    owner = (alarm["device"] or zone, alarm["channel"], alarm["level"])
    return ".".join(part for part in owner if part)
