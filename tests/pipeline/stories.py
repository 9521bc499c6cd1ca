"""Words in which the stories of the pipeline are told: units, ticks, and what was announced."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from davy.domain.alarm import Act, Change, Event, Transition
from davy.domain.batch import COLUMNS, Batch
from davy.domain.plan import Plan
from davy.domain.site import Unit
from davy.pipeline.stage import Pipeline
from davy.service.compose import pipeline_of
from davy.service.sections import PipelineSection

NOON = 1_700_000_000.0


def steady(channel: int, raw: float, times: Iterable[float], unit: Unit = Unit.PPM) -> Batch:
    """The same value of one channel at each of the times."""
    return Batch.of(*((time_s, channel, raw) for time_s in times), unit=unit)


def course(channel: int, raws: Iterable[float], start_s: float = 0.0, step_s: float = 1.0) -> Batch:
    """One ppm value after another at a steady pace."""
    return Batch.of(*((start_s + i * step_s, channel, raw) for i, raw in enumerate(raws)))


def by_clock(batch: Batch, ahead_s: float) -> Batch:
    """The same readings from a device whose clock is off by so much; they arrive as before."""
    return replace(batch, time_s=batch.time_s + ahead_s)


def in_time(batch: Batch) -> Batch:
    """The rows in the order of their arrival, as the log holds them."""
    order = np.argsort(batch.arrived_s, kind="stable")
    return replace(batch, **{name: getattr(batch, name)[order] for name in COLUMNS})


def all_stages(plan: Plan) -> Pipeline:
    """The pipeline as the service runs it."""
    return pipeline_of(PipelineSection())(plan)


def told(plan: Plan, changes: Iterable[Change]) -> list[tuple[str, bool, float]]:
    """Conditions in short: (alarm, began?, when)."""
    return [(plan.points[item.point].key, item.active, item.at_s) for item in changes]


def life(plan: Plan, transitions: Iterable[Transition]) -> list[tuple[str, str, str]]:
    """Transitions in short: (alarm, event, state after)."""
    return [
        (plan.points[item.point].key, item.event.value, item.after.value) for item in transitions
    ]


def rising(point: int, at_s: float = 0.0, value: float = 1.0) -> Batch:
    """A condition that begins, and nothing else."""
    return Batch.of(changes=(_change(point, True, at_s, value),))


def falling(point: int, at_s: float = 0.0, value: float = 0.0) -> Batch:
    """A condition that ends, and nothing else."""
    return Batch.of(changes=(_change(point, False, at_s, value),))


def _change(point: int, active: bool, at_s: float, value: float) -> Change:
    return Change(point=point, active=active, at_s=at_s, time_s=at_s, value=value)


def doing(
    event: Event, point: int = 0, at_s: float = 0.0, until_s: float | None = None, note: str = ""
) -> Batch:
    """Anna does something to an alarm."""
    act = Act(id="a1", point=point, event=event, by="anna", at_s=at_s, until_s=until_s, note=note)
    return Batch.of(acts=(act,))
