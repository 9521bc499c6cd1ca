"""Packs that are taken as they are, and packs that are judged by what came before."""

from __future__ import annotations

from contract.packs import (
    COUNT_MAX,
    NOW_S,
    ONE,
    ONE_READING,
    Vector,
    accepted,
    compact,
    head,
    produced,
    record,
    refused,
    senml,
    token,
    vector,
)


def good() -> list[Vector]:
    sample = [("mq4", "mV", 412.5), ("temperature", "Cel", 21.5), ("humidity", "%RH", 43.0)]
    fifty = [("mq4", "mV", 400.0 + 0.25 * second, NOW_S - 50 + second) for second in range(50)]
    times = [record("mq4", value, t=time_s - NOW_S) for _, _, value, time_s in fifty]
    return [
        produced("one-reading", "the smallest useful pack", ONE, ONE_READING),
        produced(
            "one-sample",
            "all channels at one instant; the time stands once, in bt",
            senml(*(record(n, v, u=u) for n, u, v in sample), bt=NOW_S - 1),
            [(n, u, v, NOW_S - 1) for n, u, v in sample],
        ),
        produced(
            "fifty-readings",
            "a backlog: t counts from bt, bu serves all",
            senml(*times, bt=NOW_S, bu="mV"),
            fifty,
        ),
        produced(
            "relative-time",
            "without a clock: below 2**28, t counts from the arrival",
            senml(record("mq4", 410, t=-5), record("mq4", 411, t=-2.5), record("mq4", 412)),
            [("mq4", "mV", 410.0 + i, NOW_S - s) for i, s in enumerate((5, 2.5, 0))],
        ),
        produced(
            "relative-base-time",
            "bt may be relative as well: the sum decides",
            senml(record("mq4", 410, t=-5), record("mq4", 411), bt=-10),
            [("mq4", "mV", 410.0, NOW_S - 15), ("mq4", "mV", 411.0, NOW_S - 10)],
        ),
        produced(
            "no-unit",
            "without u the channel's own unit is meant",
            senml(record("mq4", 412.5), record("temperature", 21.5)),
            [("mq4", "mV", 412.5, NOW_S), ("temperature", "Cel", 21.5, NOW_S)],
        ),
        produced(
            "unit-over-base-unit",
            "u goes before bu, and bu holds until another",
            senml(
                record("mq4", 412.5),
                record("mq4", 20_000, u="Ohm"),
                record("temperature", 21.5, bu="Cel"),
                bu="mV",
            ),
            [
                ("mq4", "mV", 412.5, NOW_S),
                ("mq4", "Ohm", 20_000.0, NOW_S),
                ("temperature", "Cel", 21.5, NOW_S),
            ],
        ),
        produced(
            "base-value",
            "bv is added to every v after it",
            senml(record("mq4", 12.5), record("mq4", 13, bv=500), bv=400),
            [("mq4", "mV", 412.5, NOW_S), ("mq4", "mV", 513.0, NOW_S)],
        ),
        produced(
            "whole-names",
            "bn may be the whole name, or be absent where n is the whole name",
            compact(
                [
                    {"n": "urn:dev:davy:kitchen-1:mq4", "v": 412.5},
                    {"bn": "urn:dev:davy:kitchen-1:humidity", "v": 43},
                ]
            ),
            [("mq4", "mV", 412.5, NOW_S), ("humidity", "%RH", 43.0, NOW_S)],
        ),
        produced(
            "clock-a-year-ahead",
            "a wrong clock never hides gas: accepted, and flagged later",
            senml(record("mq4", 412.5, t=NOW_S + 31_536_000)),
            [("mq4", "mV", 412.5, NOW_S + 31_536_000)],
        ),
        produced(
            "largest-counts",
            "boot and seq go up to 2**53 - 1",
            ONE,
            ONE_READING,
            boot=COUNT_MAX,
            seq=COUNT_MAX,
        ),
        produced(
            "over-http", "no topic: the signature is the credential", ONE, ONE_READING, topic=None
        ),
        vector(
            "header-in-another-order",
            "members in any order, with spaces, as another JSON writer puts them",
            token(ONE, '{ "seq": 41, "boot": 3, "kid": "kitchen-1", "alg": "HS256" }'),
            accepted(ONE_READING),
        ),
        vector(
            "transport-device",
            "a device that the broker's credentials vouch for sends plain SenML",
            senml(record("mq4", 412.5, t=NOW_S - 2), device="meter-3"),
            accepted(ONE_READING),
            topic="davy/v1/home/meter-3/readings",
        ),
        vector(
            "transport-device-over-http",
            "over HTTP its bearer token does the same",
            senml(record("mq4", 412.5, t=NOW_S - 2), device="meter-3"),
            accepted(ONE_READING),
            topic=None,
            bearer="meter-3",
        ),
    ]


def in_order() -> list[Vector]:
    def pack(boot: int, seq: int, value: float = 412.5) -> str:
        return token(senml(record("mq4", value, u="mV", t=NOW_S - 2)), head(boot=boot, seq=seq))

    def story(name: str, what: str, prior: list[str], last: str, expect: Vector) -> Vector:
        return vector(name, what, last, expect, prior=prior)

    yes, again = accepted(ONE_READING), {"verdict": "retransmission"}
    replayed, stale = refused("replayed"), refused("stale")
    return [
        story(
            "out-of-order", "overtaken by a newer one", [pack(3, 10), pack(3, 12)], pack(3, 11), yes
        ),
        story("a-gap", "numbers may be left out", [pack(3, 10)], pack(3, 5000), yes),
        story("last-in-window", "1,023 behind is inside", [pack(3, 2000)], pack(3, 977), yes),
        story("newer-boot", "a restart counts from 0 again", [pack(3, 500)], pack(4, 0), yes),
        story("retransmission", "the same bytes again", [pack(3, 41)], pack(3, 41), again),
        story(
            "late-retransmission",
            "the same bytes again, after newer ones",
            [pack(3, 41), pack(3, 42), pack(3, 43)],
            pack(3, 41),
            again,
        ),
        story(
            "other-bytes", "a used number, other bytes", [pack(3, 41)], pack(3, 41, 1.0), replayed
        ),
        story("behind-the-window", "1,024 behind is outside", [pack(3, 2000)], pack(3, 976), stale),
        story(
            "after-a-gap",
            "seen, and left behind by a jump",
            [pack(3, 1), pack(3, 9000)],
            pack(3, 1),
            stale,
        ),
        story(
            "older-boot",
            "recorded before the restart",
            [pack(3, 500), pack(4, 0)],
            pack(3, 501),
            stale,
        ),
        story(
            "older-boot-again",
            "even the same bytes",
            [pack(3, 500), pack(4, 0)],
            pack(3, 500),
            stale,
        ),
    ]
