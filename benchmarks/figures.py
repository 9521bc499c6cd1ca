"""What a benchmark hands back: figures with their unit, a raw limit and a goal."""

from __future__ import annotations

import os
import platform
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        value: in `unit`.
        raw_limit: what the bare engine did in the same run; None where there is none.
        goal: what it should reach; None where there is none.
        at_most: whether less is better.
    """

    value: float
    unit: str
    raw_limit: float | None = None
    goal: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the goal was reached; None without a goal."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.at_most else self.value >= self.goal


Figures = Mapping[str, Figure]
Benchmark = Callable[[bool], Awaitable[Figures]]
"""Takes whether it shall be quick (within 45 s)."""


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_1min": round(os.getloadavg()[0], 2),
    }


def as_document(name: str, figures: Figures) -> dict[str, Any]:
    """The document that `--json` prints."""
    shown = {}
    for key, figure in figures.items():
        fields = asdict(figure)
        del fields["at_most"]
        shown[key] = {**fields, "met": figure.met}
    return {"name": name, "figures": shown, "machine": machine()}
