"""Packs that somebody meddled with: each is refused, and for the right reason."""

from __future__ import annotations

import base64
from typing import Any

from contract.packs import (
    BODY,
    COUNT_MAX,
    GOOD,
    HEADER,
    NOW_S,
    ONE,
    SIGNATURE,
    Vector,
    b64,
    compact,
    head,
    record,
    refused,
    seal,
    senml,
    token,
    vector,
)


def forged() -> list[Vector]:
    def bad(name: str, what: str, message: str, reason: str, **more: Any) -> Vector:
        return vector(name, what, message, refused(reason), **more)

    def header(name: str, what: str, text: str, reason: str = "malformed") -> Vector:
        return bad(name, what, token(ONE, text), reason)

    louder = b64(senml(record("mq4", 1.0, u="mV", t=NOW_S - 2)).encode())
    other = senml(record("mq4", 412.5), device="boiler-2")
    none = compact({"alg": "none", "kid": "kitchen-1", "boot": 3, "seq": 41})
    return [
        bad(
            "wrong-key",
            "signed with another key",
            token(ONE, head(), key="boiler-2"),
            "bad-signature",
        ),
        bad("altered-payload", "412.5 made 1.0", f"{HEADER}.{louder}.{SIGNATURE}", "bad-signature"),
        bad(
            "altered-header",
            "seq raised by one",
            f"{b64(head(seq=42).encode())}.{BODY}.{SIGNATURE}",
            "bad-signature",
        ),
        bad(
            "altered-signature",
            "one sign changed",
            f"{HEADER}.{BODY}.{flip(SIGNATURE)}",
            "bad-signature",
        ),
        bad("short-signature", "cut by one sign", GOOD[:-1], "malformed"),
        bad(
            "alg-none",
            "no signature asked, none given",
            f"{b64(none.encode())}.{BODY}.",
            "wrong-algorithm",
        ),
        bad(
            "alg-hs512",
            "rightly signed, by another algorithm",
            token(ONE, head().replace("HS256", "HS512"), algorithm="sha512"),
            "wrong-algorithm",
        ),
        header(
            "alg-in-small-letters",
            "alg is exactly HS256",
            head().replace("HS", "hs"),
            "wrong-algorithm",
        ),
        header("alg-missing", "alg must be there", '{"kid":"kitchen-1","boot":3,"seq":41}'),
        bad(
            "kid-of-another",
            "it names another device, on that one's topic, with its own key",
            token(other, head("boiler-2")),
            "bad-signature",
            topic="davy/v1/home/boiler-2/readings",
        ),
        bad(
            "kid-not-topic",
            "rightly signed, on another device's topic",
            GOOD,
            "foreign-topic",
            topic="davy/v1/home/boiler-2/readings",
        ),
        bad(
            "wrong-site",
            "its own name, on another site",
            GOOD,
            "foreign-topic",
            topic="davy/v1/mill/kitchen-1/readings",
        ),
        bad(
            "wrong-leaf",
            "readings among the frames",
            GOOD,
            "foreign-topic",
            topic="davy/v1/home/kitchen-1/frames",
        ),
        bad("bn-not-kid", "it speaks for another device", token(other, head()), "foreign-name"),
        header("crit", "no extension is understood", head(crit=["exp"])),
        header("b64-false", "the payload is always base64url", head(crit=["b64"], b64=False)),
        header("extra-member", "exactly four members", head(typ="JOSE")),
        header("jwk", "a key is never taken from the header", head(jwk={"kty": "oct", "k": "AA"})),
        header("seq-missing", "exactly four members", '{"alg":"HS256","kid":"kitchen-1","boot":3}'),
        header("seq-twice", "a member stands once", head()[:-1] + ',"seq":42}'),
        header("seq-twice-disguised", "even when escaped", head()[:-1] + ',"s\\u0065q":42}'),
        header("seq-float", "an integer", head(seq=41.0)),
        header("seq-exponent", "an integer", head(seq=0).replace('"seq":0', '"seq":4e1')),
        header("seq-negative", "0 or more", head(seq=-1)),
        header("seq-too-large", "2**53 is one too many", head(seq=COUNT_MAX + 1)),
        header("seq-true", "true is no number", head(seq=True)),
        header("seq-text", "nor is a text", head(seq="41")),
        header("boot-float", "an integer", head(boot=3.5)),
        header("kid-with-dots", "a device name", head("../kitchen-1")),
        header("header-a-list", "an object", '["HS256"]'),
        header("header-not-json", "JSON", "HS256"),
        bad(
            "padding-in-header",
            "no padding",
            seal(f"{b64((head() + '  ').encode())}=.{BODY}"),
            "malformed",
        ),
        bad("padding-in-payload", "no padding", seal(f"{HEADER}.{padded(ONE)}"), "malformed"),
        bad("padding-in-signature", "no padding", GOOD + "=", "malformed"),
        bad(
            "unused-bits",
            "one spelling only: unused bits are 0",
            seal(f"{HEADER}.{loose(ONE)}"),
            "malformed",
        ),
        bad("space-before", "nothing around the token", " " + GOOD, "malformed"),
        bad("newline-after", "nothing around the token", GOOD + "\n", "malformed"),
        bad("four-parts", "three parts", GOOD + ".AA", "malformed"),
        bad("two-parts", "three parts", f"{HEADER}.{BODY}", "malformed"),
        bad("unsigned", "plain SenML where a signature is due", ONE, "unsigned"),
        bad("unsigned-over-http", "and nobody vouches for it", ONE, "unsigned", topic=None),
        bad(
            "unsigned-jws-json",
            "the JSON form of JWS is not spoken",
            compact({"protected": HEADER, "payload": BODY, "signature": SIGNATURE}),
            "unsigned",
        ),
        bad(
            "unknown-device",
            "nobody added it",
            token(senml(record("mq4", 1.0), device="shed-7"), head("shed-7"), key="shed-7"),
            "unknown-device",
            topic="davy/v1/home/shed-7/readings",
        ),
        bad(
            "unknown-device-over-http",
            "nobody added it",
            token(senml(record("mq4", 1.0), device="shed-7"), head("shed-7"), key="shed-7"),
            "unknown-device",
            topic=None,
        ),
        bad(
            "revoked-device",
            "its key is right and its time is over",
            token(senml(record("mq4", 1.0), device="attic-9"), head("attic-9"), key="attic-9"),
            "revoked-device",
            topic="davy/v1/home/attic-9/readings",
        ),
    ]


def flip(signature: str) -> str:
    return ("B" if signature[0] == "A" else "A") + signature[1:]


def padded(payload: str) -> str:
    """Base64url with the padding that JWS leaves out; a space makes sure there is some."""
    text = payload if len(payload) % 3 else payload + " "
    return base64.urlsafe_b64encode(text.encode()).decode()


def loose(payload: str) -> str:
    """The same bytes in a second spelling: the last unused bit is set."""
    text = b64((payload if len(payload) % 3 else payload + " ").encode())
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]
