"""The contract: every vector meets the verdict it promises, and the files are up to date."""

import base64
import json
from pathlib import Path

import pytest

from contract.make_vectors import render
from davy.domain.errors import Reason, Refusal
from davy.domain.site import UNITS, Trust
from davy.wire.channels import ChannelKey, Channels
from davy.wire.envelope import Envelope, Sender, open_pack
from davy.wire.jws import key_from_text, sign
from davy.wire.senml import MAX_RECORDS, Record
from davy.wire.topics import parse
from davy.wire.window import Ledger, Verdict

CONTRACT = Path(__file__).parents[2] / "contract"
FILES = [json.loads(path.read_text("utf-8")) for path in sorted(CONTRACT.glob("vectors/*.json"))]
VECTORS = [
    pytest.param(vector, file["devices"], id=vector["name"])
    for file in FILES
    for vector in file["vectors"]
]
REFUSALS = {vector.values[0]["expect"].get("reason") for vector in VECTORS}


def senders(devices) -> dict[str, Sender]:
    return {
        row["device"]: Sender(
            device=row["device"],
            index=index,
            site=row["site"],
            channels=Channels(
                {
                    channel["name"]: ChannelKey(
                        channel["id"], frozenset(channel["units"]), channel["unit"]
                    )
                    for channel in row["channels"]
                }
            ),
            trust=Trust(row["trust"]),
            key=row["key"] and key_from_text(row["key"]),
            revoked=row["revoked"],
        )
        for index, row in enumerate(devices)
    }


def as_bytes(message) -> bytes:
    if "base64" in message:
        return base64.b64decode(message["base64"])
    if "repeat" in message:
        text = message["before"] + message["repeat"] * message["times"] + message["after"]
        return text.encode()
    return message["text"].encode()


class Gateway:
    """What happens to one message after another: opened, then judged by its number."""

    def __init__(self, devices, topic, bearer, arrived_s):
        self.senders, self.ledger = senders(devices), Ledger()
        self.topic, self.bearer, self.arrived_s = topic and parse(topic), bearer, arrived_s

    def meet(self, message) -> tuple[Verdict, Envelope]:
        envelope = open_pack(
            as_bytes(message),
            self.arrived_s,
            self.senders.get,
            topic=self.topic,
            bearer=self.bearer,
        )
        if envelope.sender.trust is Trust.TRANSPORT:
            return Verdict.ACCEPT, envelope
        numbers = (envelope.boot, envelope.seq)
        verdict = self.ledger.judge(envelope.sender.index, *numbers, envelope.mark)
        if verdict in (Verdict.STALE, Verdict.REPLAYED):
            raise self.ledger.refusal(envelope.sender.index, verdict, *numbers)
        return verdict, envelope


@pytest.mark.parametrize(("vector", "devices"), VECTORS)
def test_a_vector_meets_its_verdict(vector, devices):
    gateway = Gateway(devices, vector["topic"], vector["bearer"], vector["arrived_s"])
    for message in vector["prior"]:
        assert gateway.meet(message)[0] is Verdict.ACCEPT
    expect = vector["expect"]

    if expect["verdict"] == "refused":
        with pytest.raises(Refusal) as refusal:
            gateway.meet(vector["message"])
        assert refusal.value.reason == expect["reason"]
        return
    verdict, envelope = gateway.meet(vector["message"])
    if expect["verdict"] == "retransmission":
        assert verdict is Verdict.RETRANSMISSION
        return

    assert verdict is Verdict.ACCEPT
    columns = envelope.columns
    names = {key.id: name for name, key in envelope.sender.channels.items()}
    assert [
        {"channel": names[channel], "unit": UNITS[unit].value, "value": value, "time_s": time_s}
        for channel, unit, value, time_s in zip(
            columns.channel.tolist(),
            columns.unit.tolist(),
            columns.raw.tolist(),
            columns.time_s.tolist(),
            strict=True,
        )
    ] == expect["readings"]
    assert [{"row": bad.row, "reason": bad.reason} for bad in columns.bad] == expect["bad"]


PRODUCED = [vector for vector in VECTORS if "produce" in vector.values[0]]


@pytest.mark.parametrize(("vector", "devices"), PRODUCED)
def test_a_good_pack_is_signed_byte_for_byte_alike(vector, devices):
    made = vector["produce"]
    key = senders(devices)[made["device"]].key

    token = sign(made["payload"].encode(), key, made["device"], made["boot"], made["seq"])

    assert token.decode() == vector["message"]["text"]


def test_the_committed_vectors_are_those_that_the_generator_writes():
    for name, text in render().items():
        committed = (CONTRACT / "vectors" / name).read_text("utf-8")
        assert committed == text, f"{name} lags: run python -m contract.make_vectors"


def test_vectors_have_names_of_their_own_and_cover_every_reason_to_refuse_a_pack():
    names = [vector.id for vector in VECTORS]

    of_a_record = {
        Reason.UNKNOWN_CHANNEL,
        Reason.WRONG_UNIT,
        Reason.NO_VALUE,
        Reason.BAD_VALUE,
    }
    of_the_gateway = {Reason.RATE_LIMITED, Reason.BAD_CREDENTIALS}  # no pack has these
    assert len(set(names)) == len(names) >= 30
    assert set(Reason) - of_a_record - of_the_gateway <= REFUSALS
    assert of_a_record == {
        bad["reason"]
        for vector in VECTORS
        for bad in vector.values[0]["expect"].get("bad", [])
        if bad["reason"] not in (Reason.MALFORMED, Reason.FOREIGN_NAME)
    }


def test_the_schema_describes_the_fields_that_are_read():
    schema = json.loads((CONTRACT / "payload.schema.json").read_text("utf-8"))

    assert schema["maxItems"] == MAX_RECORDS
    assert schema["$defs"]["record"]["properties"].keys() == set(Record.__struct_fields__)
    assert set(schema["$defs"]["unit"]["enum"]) == {unit.value for unit in UNITS}
