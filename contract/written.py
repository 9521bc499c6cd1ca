"""Packs that are rightly signed and wrongly written, wholly or in one record."""

from __future__ import annotations

from contract.packs import (
    HEADER,
    NOW_S,
    ONE,
    SIGNATURE,
    Reading,
    Vector,
    accepted,
    compact,
    head,
    record,
    refused,
    senml,
    token,
    vector,
)


def malformed() -> list[Vector]:
    def bad(name: str, what: str, payload: str | bytes, reason: str = "malformed") -> Vector:
        return vector(name, what, token(payload, head()), refused(reason))

    first = senml(record("mq4", 1), device="meter-3")[:-1]
    return [
        bad("not-json", "rightly signed prose", "gas? what gas?"),
        bad("not-an-array", "a pack is an array", compact({"n": "mq4", "v": 1})),
        bad("empty-payload", "nothing was signed", ""),
        bad("empty-array", "at least one record", "[]", "empty"),
        bad(
            "half-a-character", "cut inside a UTF-8 character", ONE.encode()[:-2] + b',"x":"\xc3"}]'
        ),
        bad("nan", "JSON has no NaN", ONE.replace("412.5", "NaN")),
        bad("truncated", "cut in the middle, then signed", ONE[: len(ONE) // 2]),
        bad("two-arrays", "one array", ONE + ONE),
        bad("too-deep", "arrays within arrays", "[" * 5_000),
        bad("another-version", "bver is 10 or absent", senml(record("mq4", 1), bver=11)),
        bad(
            "base-time-a-text",
            "in doubt, and everything after it",
            senml(record("mq4", 1), bt="now"),
        ),
        vector("empty-message", "nothing came", "", refused("malformed")),
        vector("garbage", "bytes of nobody", bytes(range(128, 192)), refused("malformed")),
        vector(
            "too-many-bytes",
            "refused before anything is looked at",
            {"before": HEADER + ".", "repeat": "A", "times": 400_000, "after": "." + SIGNATURE},
            refused("too-large"),
        ),
        vector(
            "too-many-plain-bytes",
            "300 KB of one record",
            {"before": first, "repeat": " ", "times": 300_000, "after": "]"},
            refused("too-large"),
            topic="davy/v1/home/meter-3/readings",
        ),
        vector(
            "too-many-records",
            "5,001 records in 90 KB",
            {"before": first, "repeat": ',{"n":"mq4","v":1}', "times": 5000, "after": "]"},
            refused("too-large"),
            topic="davy/v1/home/meter-3/readings",
        ),
    ]


def records() -> list[Vector]:
    """A bad record between two good ones: they proceed, and it is kept as evidence."""
    before, after = record("mq4", 410, u="mV"), record("mq4", 412, u="mV")
    around: list[Reading] = [("mq4", "mV", 410.0, NOW_S), ("mq4", "mV", 412.0, NOW_S)]

    def between(name: str, what: str, middle: object, reason: str) -> Vector:
        text = compact([{"bn": "urn:dev:davy:kitchen-1:", **before}, middle, after])
        text = text.replace("Infinity", "1e999")  # how JSON spells what is too large
        return vector(name, what, token(text, head()), accepted(around, (1, reason)))

    before_whole = {"bn": "", **before, "n": "urn:dev:davy:kitchen-1:mq4"}
    foreign = record("urn:dev:davy:boiler-2:mq4", 411)
    after_whole = {**after, "n": "urn:dev:davy:kitchen-1:mq4"}
    huge = [around[0], ("mq4", "mV", 1e308, NOW_S), around[1]]
    extra = senml({**before, "vendor": {"fw": "1.2"}}, record("mq4", 412, ut=60, s=3))
    return [
        between(
            "unknown-channel", "the device has no such channel", record("mq9", 1), "unknown-channel"
        ),
        between(
            "wrong-unit",
            "this channel does not speak Cel",
            record("mq4", 20, u="Cel"),
            "wrong-unit",
        ),
        between("unit-not-a-text", "a unit is a text", record("mq4", 20, u=5), "wrong-unit"),
        between("no-value", "neither v nor anything else", {"n": "mq4"}, "no-value"),
        between("text-value", "a text is no reading", {"n": "mq4", "vs": "high"}, "no-value"),
        between("sum-only", "a sum is no reading", {"n": "mq4", "s": 12}, "no-value"),
        between("value-null", "null is no value", record("mq4", None), "no-value"),
        between("value-a-text", "a number in quotes", record("mq4", "412"), "bad-value"),
        between("value-true", "true is no number", record("mq4", True), "bad-value"),
        between(
            "value-infinite", "1e999 is beyond any number", record("mq4", float("inf")), "bad-value"
        ),
        between("time-a-text", "a time is a number", record("mq4", 411, t="now"), "bad-value"),
        between(
            "must-understand",
            "a label ending in _ is understood or refused",
            record("mq4", 1, x_=1),
            "malformed",
        ),
        between("not-an-object", "a record is an object", 411, "malformed"),
        vector(
            "foreign-name",
            "an empty bn clears the base name: each n must then be whole, and the device's own",
            token(compact([before_whole, foreign, after_whole]), head()),
            accepted(around, (1, "foreign-name")),
        ),
        vector(
            "huge-value",
            "1e308 is a number: it proceeds, and is flagged later",
            token(senml(before, record("mq4", 1e308, u="mV"), after), head()),
            accepted(huge),
        ),
        vector(
            "extra-labels",
            "labels that are not known are read past",
            token(extra, head()),
            accepted(around),
        ),
        vector(
            "nothing-left",
            "all records bad: the pack is accepted, and empty",
            token(senml(record("mq9", 1), record("mq4", 1, u="Cel")), head()),
            accepted([], (0, "unknown-channel"), (1, "wrong-unit")),
        ),
    ]
