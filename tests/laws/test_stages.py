"""Four laws, asked of every stage and of all of them in a row."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from davy.domain.alarm import Act, Event
from davy.domain.batch import COLUMNS, Batch, Presence, concat
from davy.domain.limits import Limits, Rule
from davy.domain.site import UNIT_CODES, Unit
from davy.pipeline.annunciate import Annunciate
from davy.pipeline.calibrate import Calibrate
from davy.pipeline.detect import Detect
from davy.pipeline.dose import Dose
from davy.pipeline.exposure import Exposure
from davy.pipeline.silence import Silence
from davy.pipeline.snapshot import dump, load
from davy.pipeline.stage import Pipeline
from davy.pipeline.validate import Validate
from davy.pipeline.vote import Vote
from tests.laws.plans import meter, nose, plan_of

LIMITS = Limits(
    rules={
        "methane": (
            Rule(level="low", on=1000, unit="ppm", deadband=200, on_delay_s=3),
            Rule(level="high", on=2000, unit="ppm", deadband=500, off_delay_s=4),
            Rule(level="stel", on=300, unit="ppm", deadband=50),
            Rule(level="twa", on=20, unit="ppm", deadband=2),
        )
    }
)
PLAN = plan_of(nose(0, 0), meter(1, 4), meter(2, 5, "carbon-monoxide"), limits=LIMITS)
STAGES = [
    Validate(PLAN.channel_count, late_s=30.0),
    Silence.of(PLAN),
    Calibrate.of(PLAN),
    Exposure.of(PLAN),
    Dose.of(PLAN),
    Detect.of(PLAN),
    Vote.of(PLAN),
    Annunciate.of(PLAN),
]
STAGES.append(Pipeline(tuple(STAGES)))
UNIT_OF = {0: Unit.MILLIVOLT, 1: Unit.RATIO, 2: Unit.CELSIUS, 3: Unit.HUMIDITY}

values = st.one_of(
    st.floats(0, 5000),
    st.sampled_from([0.0, 999.0, 1000.0, 2500.0, 4999.9, 5000.0, np.nan, np.inf, -1e9, 1e308]),
)
steps = st.sampled_from([0.0, 0.1, 1.0, 1.0, 2.0, 7.0, 65.0, 400.0, 4000.0, -1.0, -90.0])


@st.composite
def days(draw: st.DrawFn) -> Batch:
    """Readings of all channels with gaps, jumps back, twins, odd clocks and odd values."""
    n = draw(st.integers(0, 40))
    clock = 1000.0
    rows = []
    for _ in range(n):
        clock = max(0.0, clock + draw(steps))
        lag = draw(st.sampled_from([0.0, 0.0, 0.2, 31.0, -60.0]))
        rows.append((clock, draw(st.integers(0, 5)), draw(values), clock + lag))
        if draw(st.integers(0, 9)) == 0:
            rows.append(rows[-1])
    batch = Batch.of(*[row[:3] for row in rows])
    unit = [UNIT_CODES[UNIT_OF.get(row[1], Unit.PPM)] for row in rows]
    boot = np.array([0 if row[0] < 1010 else 1 for row in rows], np.int64)
    arrived_s = np.array([row[3] for row in rows], np.float64)
    points = st.integers(0, len(PLAN.points) - 1)
    acts = tuple(
        Act(
            id=str(i), point=draw(points), event=draw(st.sampled_from(Event)), by="anna", at_s=clock
        )
        for i in range(draw(st.integers(0, 3)))
    )
    acts = tuple(act for act in acts if act.event not in {Event.RISE, Event.FALL})
    gone = (Presence(device=0, online=False, at_s=clock),) if draw(st.booleans()) else ()
    return replace(
        batch,
        unit=np.array(unit, np.uint8),
        boot=boot,
        arrived_s=arrived_s,
        suspicion=np.where(np.arange(len(rows)) % 7 == 6, 0.9, 0).astype(np.float32),
        acts=acts,
        presences=gone,
        watermark_s=draw(st.sampled_from([np.nan, clock + 1, clock + 200])),
    )


def assert_same(one: Batch, other: Batch) -> None:
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert repr(one.changes) == repr(other.changes)  # NaN equals NaN in words
    assert repr(one.transitions) == repr(other.transitions)


def assert_same_state(one: object, other: object) -> None:
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
        return
    for mine, theirs in zip(one, other, strict=True):  # type: ignore[call-overload]
        assert_same_state(mine, theirs)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: type(stage).__name__)
@settings(max_examples=150, deadline=None)
@given(day=days(), cut=st.integers(0, 40))
def test_cutting_a_batch_changes_nothing(stage, day, cut):
    day = _as_this_stage_sees_it(stage, day)
    end, whole = stage.step(stage.start(), day)

    state, morning = stage.step(stage.start(), _first(day, cut))
    late_end, evening = stage.step(state, _rest(day, cut))

    assert_same(concat([morning, evening]), whole)
    assert_same_state(late_end, end)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: type(stage).__name__)
@settings(max_examples=30, deadline=None)
@given(day=days())
def test_every_row_is_kept_and_what_was_sent_is_not_touched(stage, day):
    day = _as_this_stage_sees_it(stage, day)
    before = deepcopy(day)

    _, judged = stage.step(stage.start(), day)

    assert_same(day, before)
    for name in ("time_s", "arrived_s", "channel", "raw", "unit", "boot"):
        np.testing.assert_array_equal(getattr(judged, name), getattr(day, name))
    assert not np.any(day.flags & ~judged.flags), "a stage adds flags and takes none away"


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: type(stage).__name__)
@settings(max_examples=30, deadline=None)
@given(day=days())
def test_the_same_input_gives_the_same_output(stage, day):
    day = _as_this_stage_sees_it(stage, day)

    assert_same(stage.step(stage.start(), day)[1], stage.step(stage.start(), day)[1])


@settings(max_examples=50, deadline=None)
@given(day=days(), cut=st.integers(0, 40))
def test_a_snapshot_goes_on_as_if_nothing_had_happened(day, cut):
    pipeline = STAGES[-1]
    end, _ = pipeline.step(pipeline.start(), day)

    state, _ = pipeline.step(pipeline.start(), _first(day, cut))
    late_end, _ = pipeline.step(load(pipeline, dump(pipeline, state)), _rest(day, cut))

    assert_same_state(late_end, end)


@settings(max_examples=30, deadline=None)
@given(day=days())
def test_a_longer_plan_carries_on_with_what_the_shorter_one_knew(day):
    short = STAGES[-1]
    longer = plan_of(
        nose(0, 0), meter(1, 4), meter(2, 5, "carbon-monoxide"), nose(3, 6), limits=LIMITS
    )
    wide = Pipeline(
        (
            Validate(longer.channel_count, late_s=30.0),
            *(type(stage).of(longer) for stage in short.stages[1:]),
        )
    )
    end, whole = short.step(short.start(), day)

    state = wide.carry(short.start())
    wide_end, same = wide.step(state, day)

    assert_same(same, whole)
    assert_same_state(
        [s[0][: len(t[0])] for s, t in zip(wide_end, end, strict=True)], [t[0] for t in end]
    )


def _as_this_stage_sees_it(stage: object, day: Batch) -> Batch:
    """Later stages are given what the earlier ones would have made of it."""
    if isinstance(stage, Pipeline):
        return day
    for earlier in STAGES[: STAGES.index(stage)]:
        _, day = earlier.step(earlier.start(), day)
    return day


def _first(day: Batch, cut: int) -> Batch:
    return replace(
        day[:cut],
        acts=(),
        presences=(),
        watermark_s=float("nan"),
        changes=tuple(
            change for change in day.changes if change.row < cut and change.row < len(day)
        ),
        transitions=(),
    )


def _rest(day: Batch, cut: int) -> Batch:
    done = min(cut, len(day))
    return replace(
        day[cut:],
        acts=day.acts,
        presences=day.presences,
        watermark_s=day.watermark_s,
        changes=tuple(
            replace(change, row=change.row - done)
            for change in day.changes
            if not (change.row < cut and change.row < len(day))
        ),
        transitions=day.transitions,
    )
