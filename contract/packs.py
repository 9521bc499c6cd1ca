"""Devices, packs and tokens from which the test vectors are told.

It signs with nothing but the standard library, so that the vectors are a second opinion on
`davy.wire` and no echo of it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

NOW_S = 1_760_000_000.0  # 9 October 2025
COUNT_MAX = 2**53 - 1
READINGS = "davy/v1/home/kitchen-1/readings"

Vector = dict[str, Any]
Reading = tuple[str, str, float, float]


def key_of(device: str) -> bytes:
    """A key that everybody may know: it signs test vectors only."""
    return hashlib.sha256(f"davy test vector key of {device}".encode()).digest()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


MOX = {"units": ["/", "Ohm", "mV", "ppm"], "unit": "mV"}
THERMOMETER = {"units": ["Cel"], "unit": "Cel"}
HYGROMETER = {"units": ["%RH"], "unit": "%RH"}


def device(id: str, trust: str = "signed", revoked: bool = False) -> Vector:
    first = {"kitchen-1": 0, "boiler-2": 3, "meter-3": 6, "attic-9": 9}[id]
    rows = {"mq4": MOX, "temperature": THERMOMETER, "humidity": HYGROMETER}
    return {
        "device": id,
        "site": "home",
        "trust": trust,
        "revoked": revoked,
        "key": b64(key_of(id)) if trust == "signed" else None,
        "channels": [
            {"name": name, "id": first + place, **row}
            for place, (name, row) in enumerate(rows.items())
        ],
    }


DEVICES = [
    device("kitchen-1"),
    device("boiler-2"),
    device("meter-3", trust="transport"),
    device("attic-9", revoked=True),
]


def record(name: str, value: object, **more: object) -> Vector:
    return {"n": name, "v": value, **more}


def senml(*records: Vector, device: str = "kitchen-1", **base: object) -> str:
    first = {"bn": f"urn:dev:davy:{device}:", **base, **(records[0] if records else {})}
    return compact([first, *records[1:]])


def head(device: str = "kitchen-1", boot: object = 3, seq: object = 41, **more: object) -> str:
    return compact({"alg": "HS256", "kid": device, "boot": boot, "seq": seq, **more})


def token(
    payload: str | bytes, header: str, key: str = "kitchen-1", algorithm: str = "sha256"
) -> str:
    body = payload.encode() if isinstance(payload, str) else payload
    return seal(f"{b64(header.encode())}.{b64(body)}", key, algorithm)


def seal(signed: str, key: str = "kitchen-1", algorithm: str = "sha256") -> str:
    return f"{signed}.{b64(hmac.digest(key_of(key), signed.encode(), algorithm))}"


ONE = senml(record("mq4", 412.5, u="mV", t=NOW_S - 2))
ONE_READING: list[Reading] = [("mq4", "mV", 412.5, NOW_S - 2)]
GOOD = token(ONE, head())
HEADER, BODY, SIGNATURE = GOOD.split(".")


def vector(
    name: str, what: str, message: str | bytes | Vector, expect: Vector, **more: Any
) -> Vector:
    return {
        "name": name,
        "what": what,
        "topic": more.pop("topic", READINGS),
        "bearer": more.pop("bearer", None),
        "arrived_s": NOW_S,
        "prior": [as_message(one) for one in more.pop("prior", [])],
        "message": as_message(message),
        **more,
        "expect": expect,
    }


def as_message(message: str | bytes | Vector) -> Vector:
    if isinstance(message, dict):
        return message
    if isinstance(message, bytes):
        return {"base64": base64.b64encode(message).decode()}
    return {"text": message}


def accepted(readings: list[Reading], *bad: tuple[int, str]) -> Vector:
    names = ("channel", "unit", "value", "time_s")
    return {
        "verdict": "accepted",
        "readings": [dict(zip(names, reading, strict=True)) for reading in readings],
        "bad": [{"row": row, "reason": reason} for row, reason in bad],
    }


def refused(reason: str) -> Vector:
    return {"verdict": "refused", "reason": reason}


def produced(name: str, what: str, payload: str, readings: list[Reading], **more: Any) -> Vector:
    """A good pack that a device can be asked to make itself, byte for byte."""
    boot, seq = more.pop("boot", 3), more.pop("seq", 41)
    made = {"device": "kitchen-1", "boot": boot, "seq": seq, "payload": payload}
    message = token(payload, head(boot=boot, seq=seq))
    return vector(name, what, message, accepted(readings), **more, produce=made)
