"""The signature: JWS compact with HS256, the one form that Davy's devices use.

What is verified is the very bytes that came, so there is no second way of writing the same
header to argue about. Everything cheap is looked at before the HMAC is computed, and no
member of the header can choose another way of checking.
"""

from __future__ import annotations

import binascii
import hmac
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from davy.domain.errors import InputError, Reason, Refusal
from davy.domain.site import NAME
from davy.wire.senml import MAX_BYTES

KEY_BYTES = 32
COUNT_MAX = 2**53 - 1
"""The largest `boot` and `seq`: the last integer that every JSON reader keeps exact."""

MAX_HEADER_BYTES = 512
"""Of base64url; a header with the longest names needs 216."""

MAX_TOKEN_BYTES = MAX_HEADER_BYTES + 1 + (MAX_BYTES * 4 + 2) // 3 + 1 + 43

_CANONICAL = re.compile(
    rb'\{"alg":"HS256","kid":"(%b)","boot":(0|[1-9][0-9]{0,15}),"seq":(0|[1-9][0-9]{0,15})\}'
    % NAME.pattern.encode()
)
_MEMBERS = {"alg", "kid", "boot", "seq"}

# The standard alphabet's own signs and its padding become a byte that no decoder takes.
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")
_TO_URL = bytes.maketrans(b"+/", b"-_")
_LAST = {2: frozenset(b"AQgw"), 3: frozenset(b"AEIMQUYcgkosw048")}
"""Characters whose unused low bits are zero, by the length of the last group."""


class Signed(NamedTuple):
    """A pack that its device's key has signed.

    `mark` is the first 32 bits of the signature: enough to tell a retransmission from other
    bytes under the same number, and not enough to be worth stealing.
    """

    device: str
    boot: int
    seq: int
    payload: bytes
    mark: int


def sign(payload: bytes, key: bytes, device: str, boot: int, seq: int) -> bytes:
    """The pack as one JWS compact token.

    Raises:
        InputError: a key of another length, a name or a count that `verify` would refuse.
    """
    if len(key) != KEY_BYTES:
        raise InputError(f"{device}: the key has {len(key)} bytes, not {KEY_BYTES}")
    if not NAME.fullmatch(device):
        raise InputError(f"{device!r} is no device name: {NAME.pattern}")
    if not (0 <= boot <= COUNT_MAX and 0 <= seq <= COUNT_MAX):
        raise InputError(f"{device}: boot {boot} and seq {seq} must be 0 to 2**53 - 1")
    header = b'{"alg":"HS256","kid":"%b","boot":%d,"seq":%d}' % (device.encode(), boot, seq)
    signed = b"%b.%b" % (to_base64url(header), to_base64url(payload))
    return b"%b.%b" % (signed, to_base64url(hmac.digest(key, signed, "sha256")))


def verify(token: bytes, key_for: Callable[[str], bytes | None]) -> Signed:
    """What a token says, once its signature is known to be right.

    Args:
        token: three parts of canonical base64url, joined by dots, nothing around them.
        key_for: the key of a device, None for a device that nobody knows. It may raise a
            Refusal of its own; it is called before any costly step.

    Raises:
        Refusal: `TOO_LARGE`, `MALFORMED`, `WRONG_ALGORITHM`, `UNKNOWN_DEVICE` or
            `BAD_SIGNATURE`.

    Source: RFC 7515 (JWS), RFC 7518 section 3.2 (HS256).
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise Refusal(Reason.TOO_LARGE, f"{len(token)} bytes; at most {MAX_TOKEN_BYTES}")
    parts = token.split(b".", 3)
    if len(parts) != 3:
        raise Refusal(Reason.MALFORMED, "a signed pack is header.payload.signature")
    header, payload, signature = parts
    device, boot, seq = _read_header(header)
    if len(signature) != 43:
        raise Refusal(Reason.MALFORMED, f"the signature has {len(signature)} signs, not 43")
    key = key_for(device)
    if key is None:
        raise Refusal(Reason.UNKNOWN_DEVICE, f"{device} is not registered here")

    digest = hmac.digest(key, token[:-44], "sha256")
    # Compared as text, a signature has one spelling only: nothing is decoded on its word.
    if not hmac.compare_digest(to_base64url(digest), signature):
        raise Refusal(Reason.BAD_SIGNATURE, f"not signed with the key of {device}")
    mark = int.from_bytes(digest[:4], "big")
    return Signed(device, boot, seq, from_base64url(payload), mark)


def _read_header(header: bytes) -> tuple[str, int, int]:
    """Device, boot and seq; the usual spelling costs one match, any other a strict parse."""
    if len(header) > MAX_HEADER_BYTES:
        raise Refusal(Reason.MALFORMED, f"the header has more than {MAX_HEADER_BYTES} bytes")
    text = from_base64url(header)
    match = _CANONICAL.fullmatch(text)
    if match is None:
        return _read_odd_header(text)
    kid, boot, seq = match.groups()
    return kid.decode(), _count("boot", int(boot)), _count("seq", int(seq))


def _read_odd_header(text: bytes) -> tuple[str, int, int]:
    """The same members in another order or with spaces; all else is refused by name."""
    try:
        header = json.loads(text.decode(), object_pairs_hook=_no_member_twice)
    except (ValueError, RecursionError) as cause:
        raise Refusal(Reason.MALFORMED, f"the header is not JSON: {str(cause)[:80]}") from cause
    if not isinstance(header, dict):
        raise Refusal(Reason.MALFORMED, "the header is not a JSON object")
    if header.get("alg", "HS256") != "HS256":
        raise Refusal(Reason.WRONG_ALGORITHM, f"alg is {header['alg']!r:.80}, not HS256")
    if header.keys() != _MEMBERS:
        detail = f"the header has {sorted(header)!r:.160}; it must have alg, kid, boot, seq"
        raise Refusal(Reason.MALFORMED, detail)
    kid = header["kid"]
    if not isinstance(kid, str) or not NAME.fullmatch(kid):
        raise Refusal(Reason.MALFORMED, f"kid is {kid!r:.80}, not a device name")
    return kid, _count("boot", header["boot"]), _count("seq", header["seq"])


def _no_member_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands there twice")
    return members


def _count(name: str, value: object) -> int:
    if type(value) is not int or not 0 <= value <= COUNT_MAX:  # True is an int to isinstance
        raise Refusal(Reason.MALFORMED, f"{name} is {value!r:.40}, not an integer 0..2**53-1")
    return value


def to_base64url(data: bytes) -> bytes:
    """Base64url without padding, as JWS spells all its parts."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=")


def from_base64url(text: bytes) -> bytes:
    """The bytes behind the one spelling that `to_base64url` gives them.

    Raises:
        Refusal: `MALFORMED` for padding, foreign signs, spaces, or unused bits that are set.
    """
    over = len(text) % 4
    if over and (over == 1 or text[-1] not in _LAST[over]):
        raise Refusal(Reason.MALFORMED, "not base64url as it is written without padding")
    try:
        return binascii.a2b_base64(text.translate(_FROM_URL) + b"=" * (-over % 4), strict_mode=True)
    except binascii.Error as cause:
        raise Refusal(Reason.MALFORMED, f"not base64url: {cause}") from cause


def key_to_text(key: bytes) -> str:
    """A key as people copy it."""
    return to_base64url(key).decode()


def key_from_text(text: str) -> bytes:
    """The key that somebody pasted.

    Raises:
        InputError: it is not 32 bytes of base64url. The message does not repeat the key.
    """
    try:
        key = from_base64url(text.strip().encode())
    except Refusal as cause:
        raise InputError("the key is not base64url; copy all 43 signs of it") from cause
    if len(key) != KEY_BYTES:
        raise InputError(f"the key has {len(key)} bytes, not {KEY_BYTES}; copy all 43 signs")
    return key
