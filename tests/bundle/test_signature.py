import base64
import hashlib
from collections.abc import Callable

import pytest

from sightline.bundle.keys import SigningKey
from sightline.bundle.signature import check_signature, sign
from sightline.errors import DamagedBundle

MEMBERS = {"a.txt": b"one", "b.bin": b"two"}


def test_the_text_is_what_a_person_can_check(key: SigningKey) -> None:
    lines = sign(MEMBERS, key).decode().splitlines()
    assert lines[0] == "sightline bundle signature 1"
    assert lines[1] == f"{hashlib.sha256(b'one').hexdigest()}  a.txt"
    assert lines[3] == f"key {base64.b64encode(key.public).decode()}"
    assert lines[4].startswith("seal ")
    assert len(lines) == 5


def test_it_gives_the_key(key: SigningKey) -> None:
    assert check_signature(sign(MEMBERS, key), MEMBERS) == key.public


def test_another_member_is_named(key: SigningKey) -> None:
    with pytest.raises(DamagedBundle, match=r"b\.bin is not what was signed"):
        check_signature(sign(MEMBERS, key), {**MEMBERS, "b.bin": b"too"})


def test_every_changed_bit_is_refused(key: SigningKey) -> None:
    text = sign(MEMBERS, key)
    for at in range(len(text)):
        for bit in range(8):
            forged = bytearray(text)
            forged[at] ^= 1 << bit
            with pytest.raises(DamagedBundle):
                check_signature(bytes(forged), MEMBERS)


def with_seal(text: bytes, change: Callable[[bytes], bytes]) -> bytes:
    head, seal = text.rstrip(b"\n").rsplit(b"seal ", 1)
    return head + b"seal " + base64.b64encode(change(base64.b64decode(seal))) + b"\n"


ORDER = 2**252 + 27742317777372353535851937790883648493


def malleable(seal: bytes) -> bytes:
    """The other signature that a careless check of Ed25519 accepts: S plus the group's order."""
    scalar = int.from_bytes(seal[32:], "little") + ORDER
    return seal[:32] + scalar.to_bytes(32, "little")


@pytest.mark.parametrize("change", [malleable, lambda seal: seal[:32] + bytes(32), lambda seal: seal[1:]])
def test_another_seal_is_refused(key: SigningKey, change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(DamagedBundle, match="signature"):
        check_signature(with_seal(sign(MEMBERS, key), change), MEMBERS)


def test_a_strangers_seal_under_a_known_key_is_refused(key: SigningKey, stranger: SigningKey) -> None:
    own = sign(MEMBERS, key).splitlines(keepends=True)
    other = sign(MEMBERS, stranger).splitlines(keepends=True)
    with pytest.raises(DamagedBundle, match="not made by the key that it names"):
        check_signature(b"".join([*own[:-1], other[-1]]), MEMBERS)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + b"\n",
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\n" + text,
        lambda text: text.rstrip(b"\n"),
        lambda text: b"",
        lambda text: b"\n" * 5,
        lambda text: text.replace(b"signature 1", b"signature 2"),
        lambda text: text.replace(b"key ", b"key  "),
    ],
)
def test_another_layout_is_refused(key: SigningKey, change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(DamagedBundle, match="signature"):
        check_signature(change(sign(MEMBERS, key)), MEMBERS)
