"""Laws of every store: the registry, evidence, the audit trail, users, and reopening."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from davy.domain.alarm import Kind, Point, Setpoint
from davy.domain.errors import Conflict, Reason, UnknownName
from davy.domain.site import Channel, Device, Position, Quantity, Trust, Vote, Zone
from davy.store import (
    Enrolment,
    Evidence,
    Indexes,
    Secret,
    Store,
    User,
)
from tests.laws.stores import (
    ACK,
    committed,
    every_lasting_store,
    every_store,
    opened,
    rows_of,
    state_of,
)


@pytest.fixture
def store(make: Callable[[Path], Store], tmp_path: Path) -> Iterator[Store]:
    with make(tmp_path) as store:
        yield store


KITCHEN = Zone(index=0, site="home", name="kitchen", vote=Vote(needed=2, level="high-high"))
MQ4 = Channel(
    id=0,
    device="esp-1",
    name="mq4",
    quantity=Quantity.GAS,
    part="MQ-4",
    gas="methane",
    load_ohm=20_000.0,
    supply_mv=5000.0,
    divider=0.5,
    r0_ohm=10_200.0,
    r0_at_s=1.7e9,
)
HEAT = Channel(id=1, device="esp-1", name="temperature", quantity=Quantity.TEMPERATURE)
ESP = Device(
    index=0,
    id="esp-1",
    site="home",
    zone="kitchen",
    channels=(MQ4, HEAT),
    trust=Trust.TRANSPORT,
    heartbeat_s=30.0,
    position=Position(1.0, 2.0, 3.0),
)
LOW = Point(
    index=0,
    key="esp-1.mq4.low",
    kind=Kind.GAS,
    setpoint=Setpoint(level="low", on=5000.0, deadband=500.0, on_delay_s=2.0, latching=True),
    unit="ppm",
    channel=0,
    uncertified=True,
)
ALL = Enrolment(
    zones=(KITCHEN,), devices=(ESP,), points=(LOW,), secrets={"esp-1": Secret(b"k" * 32, "token")}
)


@every_store
def test_what_is_enrolled_comes_back_with_every_field(store):
    assert store.enrol(ALL) == ALL

    assert store.zones() == [KITCHEN]
    assert store.devices() == [ESP]
    assert store.points() == [LOW]
    assert store.secret("esp-1") == Secret(b"k" * 32, "token")
    assert store.indexes() == Indexes(zone=1, device=1, channel=2, point=1)


@every_store
def test_the_next_free_indexes_are_given_to_the_draft(store):
    store.enrol(ALL)

    def draft(free: Indexes) -> Enrolment:
        second = replace(MQ4, id=free.channel, device="esp-2")
        return Enrolment(
            devices=(Device(index=free.device, id="esp-2", site="s", zone="z", channels=(second,)),)
        )

    store.enrol(draft)

    assert [device.id for device in store.devices()] == ["esp-1", "esp-2"]
    assert store.devices()[1].channels[0].id == 2


@every_store
def test_a_replaced_device_keeps_its_index_and_a_removed_channel_its_id(store):
    store.enrol(ALL)
    humidity = Channel(id=2, device="esp-1", name="humidity", quantity=Quantity.HUMIDITY)
    changed = replace(ESP, channels=(humidity, replace(MQ4, r0_ohm=9900.0)), revoked=True)

    store.enrol(Enrolment(devices=(changed,)))

    assert store.devices() == [changed]
    assert store.indexes().channel == 3
    with pytest.raises(Conflict, match="exists already, under index 1"):
        store.enrol(Enrolment(devices=(replace(ESP, channels=(replace(HEAT, id=3),)),)))


CLASHES = {
    "a hole": Enrolment(devices=(replace(ESP, index=2, id="esp-3", channels=()),)),
    "another name": Enrolment(devices=(replace(ESP, id="esp-9", channels=()),)),
    "the same name again": Enrolment(devices=(replace(ESP, index=1),)),
    "another zone": Enrolment(zones=(replace(KITCHEN, name="cellar"),)),
    "another channel": Enrolment(devices=(replace(ESP, channels=(replace(MQ4, name="mq5"),)),)),
    "another point": Enrolment(points=(replace(LOW, key="esp-1.mq4.high"),)),
    "somebody else's channel": Enrolment(
        devices=(replace(ESP, channels=(replace(MQ4, id=2, device="esp-2"),)),)
    ),
    "below zero": Enrolment(zones=(replace(KITCHEN, index=-1, name="attic"),)),
}


@every_store
@pytest.mark.parametrize("clash", CLASHES.values(), ids=CLASHES)
def test_an_index_never_changes_its_meaning_and_leaves_no_hole(store, clash):
    store.enrol(ALL)
    good = replace(clash, secrets={"esp-1": Secret(None, "other")})

    with pytest.raises(Conflict):
        store.enrol(good)

    assert store.devices() == [ESP]
    assert store.secret("esp-1").token == "token"


@every_store
def test_a_secret_is_replaced_when_it_is_rotated_and_never_shown(store):
    store.enrol(ALL)

    store.enrol(Enrolment(secrets={"esp-1": Secret(None, "newer")}))

    assert store.secrets() == {"esp-1": Secret(None, "newer")}
    assert "newer" not in repr(store.secrets())


@every_store
def test_a_secret_for_nobody_is_refused(store):
    with pytest.raises(UnknownName, match="ghost"):
        store.enrol(Enrolment(secrets={"ghost": Secret(None, "boo")}))
    with pytest.raises(UnknownName, match="ghost"):
        store.secret("ghost")


@every_store
def test_a_draft_that_fails_leaves_nothing(store):
    def fails(free: Indexes) -> Enrolment:
        raise Conflict("changed my mind")

    with pytest.raises(Conflict, match="changed my mind"):
        store.enrol(fails)
    store.enrol(ALL)

    assert store.indexes().device == 1


# Quarantine, audit, users ------------------------------------------------------------------


def evidence(at_s: float, reason: Reason, payload: bytes = b"x") -> Evidence:
    return Evidence(at_s=at_s, reason=reason, detail="why", payload=payload)


@every_store
def test_evidence_is_cut_measured_and_hashed(store):
    long = Evidence(
        at_s=1.0,
        reason=Reason.MALFORMED,
        detail="half \ud83d",
        device="esp-1",
        topic="davy/v1/s/esp-1/readings",
        payload=b"a" * 300_000,
    )
    store.quarantine_put([long])

    (kept,) = store.quarantine()

    assert kept.payload == b"a" * 16
    assert kept.size == 300_000
    assert kept.sha256 == hashlib.sha256(long.payload).hexdigest()
    assert (kept.device, kept.topic, kept.detail) == (long.device, long.topic, "half ?")


@every_store
def test_a_flood_of_one_reason_leaves_the_others_alone(store):
    store.quarantine_put([evidence(0, Reason.BAD_SIGNATURE)])

    for at in range(50):
        store.quarantine_put([evidence(at, Reason.MALFORMED), evidence(at, Reason.REPLAYED)])

    assert [item.at_s for item in store.quarantine(reason="malformed")] == [49, 48, 47]
    assert len(store.quarantine(reason=Reason.BAD_SIGNATURE)) == 1
    assert [item.at_s for item in store.quarantine(since_s=49)] == [49, 49]
    assert len(store.quarantine(limit=2)) == 2


@every_store
def test_payloads_of_one_reason_stay_within_their_bytes(store):
    store.quarantine_put([evidence(at, Reason.STALE, b"p" * 16) for at in range(10)])

    assert [item.at_s for item in store.quarantine()] == [9, 8]  # 40 bytes a reason


@every_store
def test_the_audit_trail_verifies_and_reads_back_newest_first(store):
    assert store.audit_verify() is None
    rows = [
        store.audit("ann", "ack", f"alarm {n}", "caf\u00e9 \ud83d", 100.0 + n) for n in range(3)
    ]

    assert store.audit_rows() == rows[::-1]
    assert store.audit_rows(limit=1) == rows[-1:]
    assert store.audit_head().count == 3
    assert store.audit_verify() is None


@every_store
def test_a_head_noted_elsewhere_finds_a_trail_that_was_written_anew(make):
    with opened(make) as honest, opened(make) as forged:
        for detail, store in (("5000 ppm", honest), ("9000 ppm", forged)):
            store.audit("ann", "limits", "esp-1.mq4.low", detail, 1.0)
        noted = honest.audit_head()

        assert forged.audit_verify() is None
        assert forged.audit_verify(noted).seq == 1
        assert honest.audit_verify(noted) is None


@every_store
def test_users_are_put_replaced_and_removed(store):
    store.put_user("bob", "viewer", "h1")
    store.put_user("ann", "admin", "h2")
    store.put_user("bob", "operator", "h3")

    assert store.users() == [User("ann", "admin", "h2"), User("bob", "operator", "h3")]
    assert store.user("nobody") is None
    store.remove_user("bob")
    assert store.user("bob") is None
    with pytest.raises(UnknownName, match="bob"):
        store.remove_user("bob")


@every_store
def test_a_small_fact_is_kept_and_replaced(store):
    assert store.meta("limits") is None
    store.put_meta("limits", "1")
    store.put_meta("limits", "2")

    assert store.meta("limits") == "2"


@every_lasting_store
def test_everything_is_the_same_after_reopening(make, tmp_path):
    with make(tmp_path) as store:
        store.enrol(ALL)
        store.commit(
            committed(1, rows_of((1, 0, 2.0), (2, 1, np.nan)), transitions=(ACK,), snapshot=b"s")
        )
        store.audit("ann", "add", "esp-1", "", 1.0)
        store.quarantine_put([evidence(1, Reason.STALE)])
        store.put_user("ann", "admin", "hash")
        before = state_of(store)

    with make(tmp_path) as store:
        assert state_of(store) == before
        assert (store.zones(), store.devices(), store.points()) == ([KITCHEN], [ESP], [LOW])
        assert store.audit_verify() is None
        assert store.audit_head().count == 1
        assert len(store.quarantine()) == 1
        assert store.user("ann") == User("ann", "admin", "hash")
