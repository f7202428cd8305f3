import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.bundle.archive import (
    BUNDLE,
    LARGEST,
    MODEL,
    bundle_limits,
    pack,
    unpack,
    variants_in,
)
from sightline.errors import BundleError, DamagedBundle

SMALL = {"first.txt": 100, "second.bin": 100, "third": 100}
CONTENT = {"first.txt": b"one", "second.bin": bytes(range(50)), "third": b""}


def by_zipfile(entries: Sequence[tuple[str, bytes]], **changes: object) -> bytes:
    """What Python's own writer makes of ``entries``, with attributes of the members changed."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as archive:
        warnings.simplefilter("ignore")  # about doubled names
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100644 << 16
            info.create_system = 3
            for attribute, value in changes.items():
                setattr(info, attribute, value)
            archive.writestr(info, data)
    return file.getvalue()


def test_python_writes_the_same_bytes() -> None:
    assert pack(CONTENT, SMALL) == by_zipfile(list(CONTENT.items()))


@given(st.tuples(*[st.binary(max_size=100)] * 3))
def test_what_is_packed_is_unpacked(contents: tuple[bytes, bytes, bytes]) -> None:
    members = dict(zip(SMALL, contents, strict=True))
    assert unpack(pack(members, SMALL), SMALL) == members


def test_the_order_given_does_not_matter() -> None:
    backwards = dict(reversed(CONTENT.items()))
    assert pack(backwards, SMALL) == pack(CONTENT, SMALL)
    assert list(unpack(pack(backwards, SMALL), SMALL)) == list(SMALL)


def test_every_flipped_bit_is_refused_by_name() -> None:
    sound = pack(CONTENT, SMALL)
    for at in range(len(sound)):
        for bit in range(8):
            damaged = bytearray(sound)
            damaged[at] ^= 1 << bit
            with pytest.raises(DamagedBundle, match=r"archive|first\.txt|second\.bin|third"):
                unpack(damaged, SMALL)


def test_every_truncation_is_refused_by_name() -> None:
    sound = pack(CONTENT, SMALL)
    for length in range(len(sound)):
        with pytest.raises(DamagedBundle, match="archive is cut short"):
            unpack(sound[:length], SMALL)


ITEMS = list(CONTENT.items())
DISGUISES: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "cut short"),
    "before": (lambda: b"x" + by_zipfile(ITEMS), "no member header at byte 0"),
    "after": (lambda: by_zipfile(ITEMS) + b"xy", "goes on for 2 bytes"),
    "two archives": (lambda: by_zipfile(ITEMS) * 2, "goes on for"),
    "added": (lambda: by_zipfile([*ITEMS, ("evil\n.py", b"")]), r"'evil\\n.py', which does not belong"),
    "added first": (lambda: by_zipfile([("evil.py", b""), *ITEMS]), "'evil.py' where first.txt belongs"),
    "doubled": (lambda: by_zipfile([ITEMS[0], *ITEMS]), "first.txt twice"),
    "doubled last": (lambda: by_zipfile([*ITEMS, ITEMS[1]]), "second.bin twice"),
    "reordered": (lambda: by_zipfile(ITEMS[::-1]), "out of order: third stands where first.txt"),
    "renamed": (lambda: by_zipfile([("first.TXT", b"one"), *ITEMS[1:]]), "'first.TXT' where first.txt"),
    "very long name": (lambda: by_zipfile([("x" * 9000, b""), *ITEMS]), r"'x{64}\.\.\.' where first"),
    "removed": (lambda: by_zipfile(ITEMS[:2]), "no member header .* where third"),
    "deflated": (lambda: by_zipfile(ITEMS, compress_type=zipfile.ZIP_DEFLATED), "header of first.txt"),
    "dated": (lambda: by_zipfile(ITEMS, date_time=(2020, 1, 1, 0, 0, 0)), "header of first.txt"),
    "member comment": (lambda: by_zipfile(ITEMS, comment=b"hi"), "header of first.txt do not agree"),
    "extra field": (lambda: by_zipfile(ITEMS, extra=b"\xfe\xca\0\0"), "header of first.txt"),
    "mode": (lambda: by_zipfile(ITEMS, external_attr=0o120777 << 16), "header of first.txt do not agree"),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_every_disguise_is_refused(disguise: str) -> None:
    make, words = DISGUISES[disguise]
    with pytest.raises(DamagedBundle, match=words) as caught:
        unpack(make(), SMALL)
    assert "\n" not in str(caught.value)


def test_an_archive_comment_is_refused() -> None:
    sound = bytearray(pack(CONTENT, SMALL))
    sound[-2:] = struct.pack("<H", 5)
    with pytest.raises(DamagedBundle, match="end record"):
        unpack(bytes(sound) + b"hello", SMALL)


def test_headers_that_agree_with_each_other_and_not_with_the_bytes_are_refused() -> None:
    sound = pack(CONTENT, SMALL)
    forged = sound.replace(struct.pack("<L", zlib.crc32(b"one")), b"\1\2\3\4")
    with pytest.raises(DamagedBundle, match=r"first\.txt is damaged: its bytes do not have their checksum"):
        unpack(forged, SMALL)


def test_claimed_sizes_cost_nothing() -> None:
    sound = bytearray(pack(CONTENT, SMALL))
    sound[18:26] = b"\xff" * 8  # zip64's sign for "see the extra field"
    with pytest.raises(DamagedBundle, match=r"first\.txt claims 4294967295 bytes; at most 100"):
        unpack(sound, SMALL)
    sound[18:26] = struct.pack("<LL", 99, 99)
    with pytest.raises(DamagedBundle, match=r"where second\.bin should begin"):
        unpack(sound, SMALL)
    with pytest.raises(DamagedBundle, match=r"cut short inside first\.txt"):
        unpack(sound[:100], SMALL)


def test_only_the_known_members_within_their_limits_are_packed() -> None:
    with pytest.raises(BundleError, match="missing or unknown: extra, third"):
        pack({"first.txt": b"", "second.bin": b"", "extra": b""}, SMALL)
    with pytest.raises(BundleError, match=r"first\.txt has 101 bytes; at most 100"):
        pack({**CONTENT, "first.txt": bytes(101)}, SMALL)


def test_a_bundle_never_needs_zip64(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LARGEST < 0xFFFFFFFF
    assert BUNDLE[MODEL] == 2**31 - 1
    sound = pack(CONTENT, SMALL)
    monkeypatch.setattr("sightline.bundle.archive.LARGEST", len(sound))
    assert pack(CONTENT, SMALL) == sound
    unpack(sound, SMALL)
    monkeypatch.setattr("sightline.bundle.archive.LARGEST", len(sound) - 1)
    with pytest.raises(BundleError, match="can be sealed"):
        pack(CONTENT, SMALL)
    with pytest.raises(DamagedBundle, match="are allowed"):
        unpack(sound, SMALL)


def test_variants_come_between_the_model_and_its_reference() -> None:
    limits = bundle_limits(["int8", "fp16"])
    assert list(limits) == [
        *("manifest.json", "model.onnx"),
        *("variants/fp16/model.onnx", "variants/fp16/parity.json", "variants/fp16/reference.npz"),
        *("variants/int8/model.onnx", "variants/int8/parity.json", "variants/int8/reference.npz"),
        *("reference.npz", "card.md", "signature"),
    ]
    packed = pack(dict.fromkeys(limits, b"x"), limits)
    assert variants_in(packed) == ("fp16", "int8")
    assert unpack(packed, bundle_limits(variants_in(packed))) == dict.fromkeys(limits, b"x")
    with pytest.raises(DamagedBundle, match=r"'variants/fp16/model\.onnx' where reference\.npz belongs"):
        unpack(packed)


@pytest.mark.parametrize("name", ["", "-a", "Int8", "../up", "a/b", "x" * 33, "ä", "int8\n"])
def test_a_variants_name_is_plain(name: str) -> None:
    with pytest.raises(BundleError, match="a variant's name must match"):
        bundle_limits([name])


def test_a_bundle_has_few_variants() -> None:
    with pytest.raises(BundleError, match="at most 8 variants, got 9"):
        bundle_limits([f"v{number}" for number in range(9)])


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_name_some_variants_or_none(data: bytes, cut: int) -> None:
    limits = bundle_limits(["int8"])
    packed = pack(dict.fromkeys(limits, b"x"), limits)
    for some in (data, packed[:cut] + data):
        names = variants_in(some)
        bundle_limits(names)


def test_a_data_descriptor_is_refused() -> None:
    sound = pack(CONTENT, SMALL)
    flagged = sound[:6] + b"\x08" + sound[7:]
    with pytest.raises(DamagedBundle, match=r"header of first\.txt is not the one that sealing writes"):
        unpack(flagged, SMALL)
