"""A topic has one meaning, and everything else is foreign."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from davy.domain.errors import Reason, Refusal
from davy.wire.topics import LEAVES, Topic, parse

names = st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True)
topics = st.builds(Topic, names, names, st.sampled_from(LEAVES))


@given(topics)
def test_all_three_spellings_of_a_topic_lead_back_to_it(topic):
    assert parse(topic.mqtt) == parse(topic.subject) == parse(topic.stored) == topic


def test_the_spellings_are_those_of_mqtt_nats_and_its_store():
    topic = Topic("home", "kitchen-1", "readings")

    assert topic.mqtt == "davy/v1/home/kitchen-1/readings"
    assert topic.subject == "davy.v1.home.kitchen-1.readings"
    assert topic.stored == "$MQTT.msgs.davy.v1.home.kitchen-1.readings"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "davy/v1/home/kitchen-1",
        "davy/v1/home/kitchen-1/readings/",
        "/davy/v1/home/kitchen-1/readings",
        "davy/v1/home/kitchen-1/readings\n",
        "davy/v1/home/kitchen-1/secrets",
        "davy/v2/home/kitchen-1/readings",
        "davy/v1/home//readings",
        "davy/v1/home/Kitchen/readings",
        "davy/v1/home/küche/readings",
        "davy/v1/home/+/readings",
        "davy.v1.home.*.readings",
        "davy.v1.>",
        "davy/v1.home.kitchen-1.readings",
        "$MQTT.msgs.davy/v1/home/kitchen-1/readings",
        "$MQTT.sess.davy.v1.home.kitchen-1.readings",
        f"davy/v1/home/{'a' * 65}/readings",
    ],
)
def test_anything_else_is_foreign(address):
    with pytest.raises(Refusal) as refusal:
        parse(address)

    assert refusal.value.reason is Reason.FOREIGN_TOPIC
