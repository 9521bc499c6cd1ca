"""MooN: how many must agree before the valve moves, and what a broken voter does to that."""

from __future__ import annotations

import numpy as np
import pytest

from davy.domain.alarm import Event
from davy.domain.batch import Batch, concat
from davy.domain.limits import SILENT
from davy.pipeline.detect import Detect
from davy.pipeline.stage import Pipeline
from davy.pipeline.validate import Validate
from davy.pipeline.vote import Vote
from tests.laws.plans import meter, nose, plan_of
from tests.pipeline.stories import doing, falling, rising, told

VALVE = "home.kitchen.executive"


def valve(story: str, meters: int, needed: int) -> list[bool]:
    """What the valve is told in a story like `A high, B fault, A out`, device by letter."""
    plan = plan_of(*(meter(i, i) for i in range(meters)), needed=needed)
    stage = Vote.of(plan)
    state, moves = stage.start(), []
    for step in filter(None, story.split(", ")):
        who, *ended, what = step.split()
        device = "ABCDE".index(who)
        level = "high" if what in {"out", "in"} else what
        owner = f"meter-{device}" if level == SILENT.level else f"meter-{device}.gas"
        point = plan.point_by_key[f"{owner}.{level}"].index
        if what in {"out", "in"}:
            batch = doing(Event.REMOVE if what == "out" else Event.RETURN, point)
        else:
            batch = falling(point) if ended else rising(point)
        state, after = stage.step(state, batch)
        moves += [active for key, active, _ in told(plan, after.changes) if key == VALVE]
    return moves


@pytest.mark.parametrize(
    ("meters", "needed", "story", "moves"),
    [
        # 1oo1: the one that there is decides.
        (1, 1, "A high", [True]),
        (1, 1, "A high, A no high", [True, False]),
        (1, 1, "A low", []),
        # 1oo2: either.
        (2, 1, "B high", [True]),
        (2, 1, "A high, B high, A no high", [True]),
        # 2oo3: two of three.
        (3, 2, "A high", []),
        (3, 2, "A high, B high", [True]),
        (3, 2, "A high, B high, C high", [True]),
        (3, 2, "A high, B high, B no high", [True, False]),
        (3, 2, "A high, A no high, B high", []),
        # A broken voter: 2oo3 becomes 1oo2 and never 2oo2.
        (3, 2, "C fault, A high", [True]),
        (3, 2, "A high, C fault", [True]),
        (3, 2, "C silent, A high", [True]),
        (3, 2, "C fault, C silent, A high", [True]),
        (3, 2, "C fault, C no fault, A high", []),
        (3, 2, "C fault", []),
        (3, 2, "A fault, B fault, C fault", []),
        # Out of service is a person's word for lost.
        (3, 2, "C out, A high", [True]),
        (3, 2, "C out, C in, A high", []),
        (3, 2, "A high, A out", []),
        (3, 2, "A high, B high, A out", [True]),
        (3, 2, "A high, A out, B high", [True]),
        (1, 1, "A high, A out", [True, False]),
        (1, 1, "A high, A out, A in", [True, False, True]),
        # Its last gas alarm is held: a lost voter that stood still counts.
        (3, 3, "A high, A fault", []),
        (3, 3, "A high, A fault, B high", [True]),
        (3, 2, "A high, B high, A fault, B fault, C fault", [True]),
    ],
)
def test_the_valve_moves_when_enough_voters_stand(meters, needed, story, moves):
    assert valve(story, meters, needed) == moves


def test_one_channel_over_its_setpoint_always_annunciates_though_the_vote_is_not_reached():
    plan = plan_of(*(meter(i, i) for i in range(3)), needed=2)
    pipeline = Pipeline((Validate(3), Detect.of(plan), Vote.of(plan)))

    _, after = pipeline.step(pipeline.start(), Batch.of((0, 1, 12_000.0)))

    assert told(plan, after.changes) == [
        ("meter-1.gas.low", True, 0),
        ("meter-1.gas.high", True, 0),
    ]


def test_the_valve_is_told_right_behind_the_reading_that_decided():
    plan = plan_of(*(meter(i, i) for i in range(3)), needed=2)
    pipeline = Pipeline((Validate(3), Detect.of(plan), Vote.of(plan)))
    day = Batch.of((0, 0, 12_000.0), (1, 1, 12_000.0), (2, 2, 12_000.0))

    _, after = pipeline.step(pipeline.start(), day)

    (moved,) = [change for change in after.changes if plan.points[change.point].key == VALVE]
    assert (moved.row, moved.at_s, moved.value) == (1, 1, 2.0)
    behind = after.changes[after.changes.index(moved) - 1]
    assert plan.points[behind.point].key == "meter-1.gas.high"


def test_a_fault_that_takes_a_voter_away_moves_the_valve_in_the_same_breath():
    plan = plan_of(*(meter(i, i) for i in range(3)), needed=2)
    pipeline = Pipeline((Validate(3), Detect.of(plan), Vote.of(plan)))

    _, after = pipeline.step(
        pipeline.start(), Batch.of((0, 0, 12_000.0), (1, 2, np.nan), (2, 1, 0.0))
    )

    assert told(plan, after.changes)[-2:] == [("meter-2.gas.fault", True, 1), (VALVE, True, 1)]


def test_a_zone_with_fewer_voters_than_its_quorum_is_decided_by_those_that_it_has():
    assert valve("A high", meters=1, needed=2) == [True]
    assert valve("A high, B high", meters=2, needed=3) == [True]


def test_temperature_does_not_vote_on_gas():
    plan = plan_of(nose(0, 0), needed=1)
    stage = Vote.of(plan)
    hot = plan.point_by_key["nose-0.temperature.high"].index

    _, after = stage.step(stage.start(), rising(hot))

    assert [key for key, _, _ in told(plan, after.changes)] == ["nose-0.temperature.high"]


def test_two_films_of_one_box_are_two_voters():
    plan = plan_of(nose(0, 0), needed=2)
    stage = Vote.of(plan)
    both = concat(
        [rising(plan.point_by_key[f"nose-0.{name}.high"].index) for name in ("mq4", "mq7")]
    )

    _, after = stage.step(stage.start(), both)

    assert told(plan, after.changes)[-1] == (VALVE, True, 0)
