"""How fast all stages judge readings, on one core, and how long a handful of them waits.

The raw limit of the same run is one numpy copy of all columns of the same batch: no judgement
can be faster than looking at everything once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from benchmarks.figures import Figure, Figures
from davy.domain.batch import COLUMNS, Batch
from davy.domain.limits import Limits, device_points, renumbered, zone_point
from davy.domain.plan import Plan
from davy.domain.site import UNIT_CODES, Channel, Device, Quantity, Unit, Zone
from davy.service.compose import pipeline_of
from davy.service.sections import PipelineSection

_START_S = 1_700_000_000.0
_KINDS = (
    ("mq4", Quantity.GAS, "MQ-4", "methane", Unit.MILLIVOLT, 800.0),
    ("mq7", Quantity.GAS, "MQ-7", "carbon-monoxide", Unit.RATIO, 0.9),
    ("temperature", Quantity.TEMPERATURE, None, None, Unit.CELSIUS, 21.0),
    ("humidity", Quantity.HUMIDITY, None, None, Unit.HUMIDITY, 45.0),
)
"""What a box sends, channel by channel, with the middle of its noise."""
_UNIT = np.array([UNIT_CODES[kind[4]] for kind in _KINDS], np.uint8)
_MIDDLE = np.array([kind[5] for kind in _KINDS])
_BOXES_IN_A_HALL = 25
_LEAKY = 100  # of a hundred channels one is in and out of alarm


@dataclass(frozen=True, slots=True)
class Load:
    """So many boxes of so many channels, each sending so many readings in one batch."""

    boxes: int
    channels: int
    rows: int

    @property
    def size(self) -> int:
        """Rows of a batch."""
        return self.boxes * self.channels * self.rows

    def plan(self) -> Plan:
        """Halls of 25 boxes, with every alarm that they have."""
        count = -(-self.boxes // _BOXES_IN_A_HALL)
        zones = [Zone(index=index, site="bench", name=f"hall-{index}") for index in range(count)]
        boxes = [self._box(index) for index in range(self.boxes)]
        points = [zone_point(zone) for zone in zones]
        for box in boxes:
            points += device_points(box, zones[box.index // _BOXES_IN_A_HALL], Limits())
        numbered = renumbered(points, {}, 0)
        return Plan().with_zones(*zones).with_devices(*boxes).with_points(*numbered)

    def _box(self, index: int) -> Device:
        name = f"box-{index}"
        channels = []
        for place in range(self.channels):
            kind, quantity, part, gas, _, _ = _KINDS[place % len(_KINDS)]
            channels.append(
                Channel(
                    id=index * self.channels + place,
                    device=name,
                    name=f"{kind}-{place}",
                    quantity=quantity,
                    part=part,
                    gas=gas,
                    r0_ohm=10_000.0 if part == "MQ-4" else None,
                )
            )
        hall = f"hall-{index // _BOXES_IN_A_HALL}"
        return Device(index=index, id=name, site="bench", zone=hall, channels=tuple(channels))

    def batches(self, count: int) -> Iterator[Batch]:
        """A reading a second of every channel: 1 % noise, and leaks that come and go."""
        chance = np.random.default_rng(1815)
        total = self.boxes * self.channels
        channel = np.tile(np.arange(total, dtype=np.int32), self.rows)
        kind = channel % self.channels % len(_KINDS)
        leaks = (kind == 0) & (channel % _LEAKY == 0)
        for lap in range(count):
            second = lap * self.rows + np.repeat(np.arange(self.rows), total)
            raw = _MIDDLE[kind] * (1 + 0.01 * chance.standard_normal(self.size))
            leak_mv = 2500 + 1800 * np.sin(second / 30 + channel)
            time_s = _START_S + second
            batch = Batch.of_columns(
                time_s=time_s,
                arrived_s=time_s + 0.1,
                channel=channel,
                raw=np.where(leaks, leak_mv, raw),
                unit=_UNIT[kind],
                boot=np.zeros(self.size, np.int64),
            )
            yield replace(batch, watermark_s=float(time_s[-1]) + 1)


@dataclass(frozen=True, slots=True)
class Pace:
    """Medians over laps, in seconds: all stages, and one copy of the same columns."""

    judged_s: float
    copied_s: float


def measure(load: Load, laps: int) -> Pace:
    """Walks so many batches; the first tenth warms caches and opens alarms, uncounted."""
    pipeline = pipeline_of(PipelineSection())(load.plan())
    state = pipeline.start()
    judged, copied = [], []
    raised = 0
    for batch in load.batches(laps + laps // 10):
        began_s = time.perf_counter()
        for name in COLUMNS:
            getattr(batch, name).copy()
        between_s = time.perf_counter()
        state, after = pipeline.step(state, batch)
        judged.append(time.perf_counter() - between_s)
        copied.append(between_s - began_s)
        raised += len(after.transitions)
    if not raised:
        raise RuntimeError("no alarm was raised: this measured a pipeline that is asleep")
    counted = slice(laps // 10, None)
    return Pace(median(judged[counted]), median(copied[counted]))


async def run(quick: bool) -> Figures:
    """Ten thousand channels, a thousand, and the backlog of one device."""
    scale = 1 if quick else 4
    loads = {
        "rows_per_s_10000_channels": (Load(2500, 4, 1), 150 * scale, 1e6),
        "rows_per_s_1000_channels": (Load(250, 4, 1), 400 * scale, None),
        "rows_per_s_backlog_10_channels": (Load(1, 10, 100), 200 * scale, None),
        "rows_per_s_backlog_1_channel": (Load(1, 1, 1000), 200 * scale, None),
    }
    figures = {}
    for key, (load, laps, goal) in loads.items():
        pace = measure(load, laps)
        size = load.size
        figures[key] = Figure(size / pace.judged_s, "rows/s", size / pace.copied_s, goal)
    one_box = measure(Load(1, 4, 1), 2000 * scale)
    figures["batch_of_4_us"] = Figure(
        one_box.judged_s * 1e6, "us", one_box.copied_s * 1e6, at_most=True
    )
    return figures
