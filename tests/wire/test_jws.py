"""Signatures: only the holder of the key speaks, and only in one spelling.

The forged headers and spellings are told in `contract/vectors/forged.json`.
"""

import base64
import hashlib
import hmac
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from davy.domain.errors import InputError, Reason, Refusal
from davy.wire.jws import (
    COUNT_MAX,
    MAX_TOKEN_BYTES,
    from_base64url,
    key_from_text,
    key_to_text,
    sign,
    to_base64url,
    verify,
)

KEY = bytes(range(32))
ALPHABET = (string.ascii_letters + string.digits + "-_").encode()

counts = st.integers(0, COUNT_MAX)
devices = st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True)


def kitchens_key(device: str) -> bytes | None:
    return KEY if device == "kitchen-1" else None


@given(st.binary(max_size=300), devices, counts, counts)
@example(b"", "a" * 64, COUNT_MAX, COUNT_MAX)
def test_what_is_signed_is_verified(payload, device, boot, seq):
    signed = verify(sign(payload, KEY, device, boot, seq), lambda _: KEY)

    assert signed[:4] == (device, boot, seq, payload)
    assert 0 <= signed.mark < 2**32


def test_a_signature_is_the_one_of_rfc_7515():
    token = sign(b"[]", KEY, "kitchen-1", 3, 41)

    header, payload, signature = token.split(b".")
    expected = hmac.new(KEY, header + b"." + payload, hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(header + b"==") == (
        b'{"alg":"HS256","kid":"kitchen-1","boot":3,"seq":41}'
    )
    assert base64.urlsafe_b64decode(signature + b"=") == expected
    assert verify(token, kitchens_key).mark == int.from_bytes(expected[:4], "big")


def test_the_example_of_rfc_7515_appendix_a_1_is_signed_alike():
    key = base64.urlsafe_b64decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow=="
    )
    signed = (
        b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
        b".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
        b"Ijp0cnVlfQ"
    )

    digest = hmac.digest(key, signed, "sha256")

    assert to_base64url(digest) == b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@given(st.data())
def test_no_other_bytes_pass_for_a_signed_pack(data):
    token = sign(b'[{"n":"mq4","v":1}]', KEY, "kitchen-1", 3, 41)
    place = data.draw(st.integers(0, len(token) - 1))
    sign_there = data.draw(st.integers(0, 255).filter(lambda byte: byte != token[place]))
    cut = data.draw(st.sampled_from([0, 1, 2]))  # replace, leave out, put in
    other = token[: place + (cut == 2)] + b"" if cut == 1 else token[:place] + bytes([sign_there])
    forged = other + token[place + (cut != 2) :]

    with pytest.raises(Refusal):
        verify(forged, kitchens_key)


@given(st.binary(max_size=400) | st.lists(st.binary(max_size=90), max_size=4).map(b".".join))
def test_arbitrary_bytes_are_refused(token):
    with pytest.raises(Refusal) as refusal:
        verify(token, kitchens_key)

    assert refusal.value.detail.encode()


@given(st.binary(max_size=160), st.binary(max_size=40))
def test_an_arbitrary_header_is_refused_whoever_signs_it(header, payload):
    signed = to_base64url(header) + b"." + to_base64url(payload)
    token = signed + b"." + to_base64url(hmac.digest(KEY, signed, "sha256"))

    with pytest.raises(Refusal):
        verify(token, kitchens_key)


def test_the_key_is_not_asked_for_before_the_header_is_right():
    asked = []

    with pytest.raises(Refusal):
        verify(b"e30.e30." + b"A" * 43, asked.append)

    assert asked == []


def test_a_token_too_large_is_not_looked_at():
    with pytest.raises(Refusal) as refusal:
        verify(b"." * (MAX_TOKEN_BYTES + 1), kitchens_key)

    assert refusal.value.reason is Reason.TOO_LARGE


def test_a_header_too_large_is_not_parsed():
    with pytest.raises(Refusal, match="header has more than"):
        verify(b"A" * 513 + b".." + b"A" * 43, kitchens_key)


@given(st.binary(max_size=64))
def test_base64url_goes_there_and_back(data):
    assert from_base64url(to_base64url(data)) == data
    assert to_base64url(data) == base64.urlsafe_b64encode(data).rstrip(b"=")


@given(st.binary(max_size=12) | st.lists(st.sampled_from(ALPHABET), max_size=12).map(bytes))
@example(b"QQ==")
@example(b"QR")
@example(b"++++")
@example(b"QQQQ\n")
def test_base64url_has_one_spelling(text):
    whole = text + b"=" * (-len(text) % 4)
    readable = set(text) <= set(ALPHABET) and len(text) % 4 != 1

    if readable and base64.urlsafe_b64encode(base64.urlsafe_b64decode(whole)) == whole:
        assert to_base64url(from_base64url(text)) == text
    else:
        with pytest.raises(Refusal, match="base64url"):
            from_base64url(text)


def test_a_key_goes_through_peoples_hands():
    assert key_from_text(f" {key_to_text(KEY)}\n") == KEY
    assert len(key_to_text(KEY)) == 43


@pytest.mark.parametrize("text", ["", "tooshort", "!" * 43, "A" * 44, "ä" * 43])
def test_a_wrong_key_is_not_repeated_in_the_message(text):
    with pytest.raises(InputError, match="copy all 43") as error:
        key_from_text(text)

    assert not text or text not in str(error.value)


@pytest.mark.parametrize(
    ("key", "device", "boot", "seq"),
    [
        (KEY[:31], "kitchen-1", 0, 0),
        (KEY, "Kitchen", 0, 0),
        (KEY, "", 0, 0),
        (KEY, "kitchen-1", -1, 0),
        (KEY, "kitchen-1", 0, COUNT_MAX + 1),
    ],
)
def test_what_nobody_would_accept_is_not_signed(key, device, boot, seq):
    with pytest.raises(InputError):
        sign(b"[]", key, device, boot, seq)
