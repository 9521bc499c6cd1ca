"""Questions that a safety engineer asks of the two tables."""

from __future__ import annotations

import pytest

from davy.domain.alarm import ACTIVE, CLEARING, LATCHING, Event, Setpoint, State

TABLES = [LATCHING, CLEARING]
LIVING = {State.NORMAL, State.UNACKED, State.ACKED, State.RTN_UNACKED, State.LATCHED}


def walk(table, story: str) -> State:
    state = State.NORMAL
    for word in story.split():
        state = table.get((state, Event(word)), state)
    return state


@pytest.mark.parametrize(
    ("story", "end"),
    [
        ("rise", State.UNACKED),
        ("rise fall", State.RTN_UNACKED),
        ("rise fall ack", State.LATCHED),
        ("rise fall ack reset", State.NORMAL),
        ("rise ack fall reset", State.NORMAL),
        ("rise reset", State.UNACKED),
        ("rise fall reset", State.RTN_UNACKED),
        ("rise ack fall rise", State.UNACKED),
    ],
)
def test_a_latching_alarm_tells_this_story(story, end):
    assert walk(LATCHING, story) == end


@pytest.mark.parametrize(
    ("story", "end"),
    [
        ("rise fall", State.NORMAL),
        ("rise ack fall", State.NORMAL),
        ("rise ack fall rise", State.UNACKED),
    ],
)
def test_a_clearing_alarm_tells_this_story(story, end):
    assert walk(CLEARING, story) == end


def test_in_the_latching_table_no_fall_leads_to_normal_only_a_person_ends_a_gas_alarm():
    ends = {event for (_, event), after in LATCHING.items() if after is State.NORMAL}

    assert ends == {Event.RESET}


@pytest.mark.parametrize("table", TABLES)
def test_a_rise_always_leads_to_unacked_from_wherever_the_condition_does_not_stand(table):
    states = {before for before, _ in table} | set(table.values())

    for state in states - ACTIVE:
        assert table[state, Event.RISE] is State.UNACKED


@pytest.mark.parametrize("table", TABLES)
def test_no_person_can_make_a_standing_condition_look_as_if_it_were_gone(table):
    for (before, event), after in table.items():
        if before in ACTIVE and event is not Event.FALL:
            assert after in ACTIVE


@pytest.mark.parametrize("table", TABLES)
def test_only_a_rise_makes_a_condition_stand(table):
    for (before, event), after in table.items():
        if before not in ACTIVE and after in ACTIVE:
            assert event is Event.RISE


@pytest.mark.parametrize("table", TABLES)
def test_every_state_can_be_reached_and_left_for_normal(table):
    states = {before for before, _ in table} | set(table.values())

    assert states <= LIVING
    for state in states - {State.NORMAL}:
        assert _ways(table, State.NORMAL) >= {state}
        assert State.NORMAL in _ways(table, state)


def test_nothing_stays_latched_in_the_table_of_troubles():
    assert {State.RTN_UNACKED, State.LATCHED}.isdisjoint(CLEARING.values())


@pytest.mark.parametrize("table", TABLES)
def test_shelving_and_out_of_service_lie_over_the_tables_and_not_in_them(table):
    assert {State.SHELVED, State.OUT_OF_SERVICE}.isdisjoint(table.values())


def test_a_setpoint_ends_one_deadband_below_where_it_begins():
    assert Setpoint(level="high", on=2000.0, deadband=500.0).off == 1500.0


def test_a_setpoint_latches_unless_it_says_otherwise():
    assert Setpoint(level="high", on=1.0).latching


def _ways(table, start: State) -> set[State]:
    """Every state that can be reached from here."""
    met, edge = set(), {start}
    while edge:
        met |= edge
        edge = {after for (before, _), after in table.items() if before in edge} - met
    return met
