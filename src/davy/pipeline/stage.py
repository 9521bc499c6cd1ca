"""What a stage is, and a row of them.

A stage is `start() -> state` and `step(state, batch) -> (state, batch)`. Four laws are asked
of every one: it keeps all rows; it uses no clock, dice or I/O; cutting a batch changes
nothing; the batch it was given stays untouched, while the state is its own to update.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from davy.domain.batch import Batch


class Stage(Protocol):
    """One step of judgement. A state is a NamedTuple of arrays whose first axis counts
    channels, devices, zones or points, so that it can grow when the plan does."""

    def start(self) -> Any:
        """The state before anything was seen."""
        ...

    def step(self, state: Any, batch: Batch) -> tuple[Any, Batch]:
        """Judges a batch; the state handed in belongs to the stage."""
        ...


States = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Stages in a row, itself a stage."""

    stages: tuple[Stage, ...]

    def start(self) -> States:
        """Every stage's first state."""
        return tuple(stage.start() for stage in self.stages)

    def step(self, state: States, batch: Batch) -> tuple[States, Batch]:
        """Hands the batch from stage to stage."""
        after = []
        for stage, its_state in zip(self.stages, state, strict=True):
            new, batch = stage.step(its_state, batch)
            after.append(new)
        return tuple(after), batch

    def carry(self, old: States) -> States:
        """Old states in the shape that this pipeline wants: what is new starts afresh.

        Channels, devices, zones and points keep their indexes for ever, so a longer plan
        only adds rows at the end.
        """
        return tuple(
            type(fresh)(*(_lay_over(new, was) for new, was in zip(fresh, its_old, strict=True)))
            for fresh, its_old in zip(self.start(), old, strict=True)
        )


def _lay_over(fresh: np.ndarray[Any, Any], old: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if fresh.shape == old.shape:
        return old
    rows = min(len(fresh), len(old))
    fresh[:rows] = old[:rows]
    return fresh
