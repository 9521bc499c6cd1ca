"""The life of an alarm as stories, and what people may and may not do to it."""

from __future__ import annotations

import numpy as np
import pytest

from davy.domain.alarm import Event, State, Transition
from davy.domain.batch import Batch, tick
from davy.pipeline.annunciate import Annunciate
from tests.pipeline.stories import doing, falling, rising

HOUR_S = 3600.0
WORDS = {
    "rise": rising(0),
    "fall": falling(0),
    "ack": doing(Event.ACK),
    "reset": doing(Event.RESET),
    "shelve": doing(Event.SHELVE, until_s=HOUR_S),
    "unshelve": doing(Event.UNSHELVE),
    "remove": doing(Event.REMOVE),
    "return": doing(Event.RETURN),
    "comment": doing(Event.COMMENT, note="the painters are in"),
    "expire": tick(HOUR_S),
}


def tell(story: str, latching: bool = True, points: int = 1) -> tuple[State, list[Transition]]:
    """The state that people see at the end, and every transition on the way."""
    stage = Annunciate(np.full(points, latching))
    state, found = stage.start(), []
    for word in story.split():
        state, after = stage.step(state, WORDS[word])
        found += after.transitions
    return state.shown(0), found


@pytest.mark.parametrize(
    ("story", "end"),
    [
        ("", State.NORMAL),
        ("rise", State.UNACKED),
        ("rise ack", State.ACKED),
        ("rise fall", State.RTN_UNACKED),
        ("rise fall rise", State.UNACKED),
        ("rise fall ack", State.LATCHED),
        ("rise fall ack reset", State.NORMAL),
        ("rise fall reset", State.RTN_UNACKED),
        ("rise ack fall", State.LATCHED),
        ("rise ack fall reset", State.NORMAL),
        ("rise ack fall rise", State.UNACKED),
        ("rise ack reset", State.ACKED),
        ("rise reset", State.UNACKED),
        ("rise ack fall reset rise", State.UNACKED),
        ("rise comment", State.UNACKED),
        # put away, and what is found beneath
        ("shelve", State.SHELVED),
        ("shelve rise", State.SHELVED),
        ("shelve rise unshelve", State.UNACKED),
        ("shelve rise expire", State.UNACKED),
        ("rise ack shelve unshelve", State.UNACKED),
        ("rise ack shelve expire", State.UNACKED),
        ("rise ack remove return", State.UNACKED),
        ("shelve unshelve", State.NORMAL),
        ("remove rise", State.OUT_OF_SERVICE),
        ("remove rise return", State.UNACKED),
        ("remove expire", State.OUT_OF_SERVICE),
        ("shelve remove", State.OUT_OF_SERVICE),
        ("shelve remove return", State.SHELVED),
        ("shelve rise remove return unshelve", State.UNACKED),
        # what rose and fell meanwhile does not vanish without a person
        ("shelve rise fall unshelve", State.RTN_UNACKED),
        ("shelve rise fall expire", State.RTN_UNACKED),
        ("remove rise fall return", State.RTN_UNACKED),
        ("rise shelve fall expire", State.RTN_UNACKED),
        ("rise ack shelve fall rise fall expire", State.RTN_UNACKED),
        ("rise ack shelve fall expire", State.LATCHED),
        ("rise ack fall shelve expire", State.LATCHED),
        ("shelve rise fall expire ack reset", State.NORMAL),
    ],
)
def test_a_gas_alarm_lives_like_this(story, end):
    assert tell(story)[0] == end


@pytest.mark.parametrize(
    ("story", "end"),
    [
        ("rise", State.UNACKED),
        ("rise ack", State.ACKED),
        ("rise fall", State.NORMAL),
        ("rise ack fall", State.NORMAL),
        ("rise ack fall rise", State.UNACKED),
        ("rise reset", State.UNACKED),
        ("shelve rise fall expire", State.NORMAL),
        ("shelve rise expire", State.UNACKED),
        ("rise ack shelve expire", State.UNACKED),
    ],
)
def test_a_trouble_that_clears_by_itself_lives_like_this(story, end):
    assert tell(story, latching=False)[0] == end


@pytest.mark.parametrize(
    ("story", "why"),
    [
        ("ack", "nothing to acknowledge"),
        ("reset", "nothing to reset"),
        ("rise reset", "still stands"),
        ("rise ack ack", "acknowledged already"),
        ("rise ack reset", "still stands"),
        ("rise fall reset", "acknowledge it first"),
        ("rise fall ack ack", "reset it"),
        ("rise shelve ack", "unshelve it first"),
        ("shelve reset", "unshelve it first"),
        ("unshelve", "not shelved"),
        ("return", "in service already"),
        ("remove remove", "out of service already"),
        ("remove shelve", "return it to service first"),
        ("remove unshelve", "return it to service first"),
        ("rise remove ack", "return it to service first"),
        ("remove reset", "return it to service first"),
    ],
)
def test_an_act_that_does_nothing_is_recorded_with_the_reason(story, why):
    words = story.split()
    before, _ = tell(" ".join(words[:-1]))

    after, transitions = tell(story)

    assert why in transitions[-1].refused
    assert transitions[-1].before == transitions[-1].after == before == after


def test_every_word_leaves_a_transition_that_starts_where_the_last_one_ended():
    words = "rise ack comment fall reset shelve rise expire ack fall reset remove return"

    _, transitions = tell(words)

    assert len(transitions) == len(words.split())
    assert [step.before for step in transitions[1:]] == [step.after for step in transitions[:-1]]
    assert not any(step.refused for step in transitions)


def test_a_transition_names_who_did_it_and_what_they_wrote():
    _, transitions = tell("rise comment")

    assert (transitions[-1].by, transitions[-1].note) == ("anna", "the painters are in")
    assert transitions[-1].act == "a1"


@pytest.mark.parametrize(
    ("until_s", "cut_to_s"),
    [(600.0, 600.0), (None, 8 * HOUR_S), (99 * HOUR_S, 8 * HOUR_S), (8 * HOUR_S, 8 * HOUR_S)],
)
def test_no_shelf_time_is_longer_than_a_shift(until_s, cut_to_s):
    stage = Annunciate(np.array([True]))

    state, after = stage.step(stage.start(), doing(Event.SHELVE, until_s=until_s))
    assert after.transitions[0].until_s == cut_to_s

    state, _ = stage.step(state, tick(cut_to_s - 1))
    assert state.shown(0) is State.SHELVED
    state, _ = stage.step(state, tick(cut_to_s))
    assert state.shown(0) is State.NORMAL


def test_a_shelf_time_that_is_over_already_is_refused():
    stage = Annunciate(np.array([True]))

    state, after = stage.step(stage.start(), doing(Event.SHELVE, at_s=100.0, until_s=99.0))

    assert "later" in after.transitions[0].refused
    assert state.shown(0) is State.NORMAL


def test_shelving_again_gives_the_shelf_a_new_end():
    stage = Annunciate(np.array([True]))

    state, _ = stage.step(stage.start(), doing(Event.SHELVE, until_s=600.0))
    state, _ = stage.step(state, doing(Event.SHELVE, at_s=500.0, until_s=1200.0))
    state, _ = stage.step(state, tick(700.0))

    assert state.shown(0) is State.SHELVED


def test_an_alarm_that_stands_when_its_shelf_time_ends_is_announced_again():
    _, transitions = tell("rise ack shelve expire")

    assert transitions[-1].event is Event.UNSHELVE
    assert transitions[-1].after is State.UNACKED
    assert transitions[-1].at_s == HOUR_S
    assert transitions[-1].by == ""


def test_acknowledging_and_shelving_low_never_hides_high():
    stage = Annunciate(np.array([True, True]))
    low, high = 0, 1

    state, _ = stage.step(stage.start(), rising(low))
    state, _ = stage.step(state, doing(Event.ACK, low))
    state, _ = stage.step(state, doing(Event.SHELVE, low))
    state, after = stage.step(state, rising(high))

    assert after.transitions[0].after is State.UNACKED
    assert state.shown(high) is State.UNACKED
    assert state.shown(low) is State.SHELVED


def test_the_record_keeps_when_it_was_raised_and_at_what_value():
    stage = Annunciate(np.array([True]))

    state, _ = stage.step(stage.start(), rising(0, at_s=100.0, value=5200.0))
    state, _ = stage.step(state, falling(0, at_s=160.0, value=900.0))

    assert (state.raised_s[0], state.value[0], state.changed_s[0]) == (100.0, 5200.0, 160.0)


def test_changes_come_before_acts_and_acts_before_what_time_brings():
    stage = Annunciate(np.array([True]))
    state, _ = stage.step(stage.start(), doing(Event.SHELVE, until_s=60.0))
    at_once = Batch.of(
        changes=rising(0, at_s=59).changes,
        acts=doing(Event.COMMENT, at_s=59.5).acts,
        watermark_s=60.0,
    )

    _, after = stage.step(state, at_once)

    assert [step.event for step in after.transitions] == [
        Event.RISE,
        Event.COMMENT,
        Event.UNSHELVE,
    ]
    assert after.transitions[-1].after is State.UNACKED
