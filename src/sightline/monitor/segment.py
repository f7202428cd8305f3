"""How a file of the prediction log is written.

A file begins with ``MAGIC``; then records follow, each a head and a body. A head has 24 bytes, little endian:

======== ======= =======================================================================================
offset   type    what
======== ======= =======================================================================================
0        u8      kind, which only the caller understands
1        u8      1 where the record was forgotten: its body is, or is about to become, zeros
2        u16     0
4        u32     length of the body
8        u64     number of the record
16       u32     CRC-32 of the body
20       u32     CRC-32 of kind, length and number: what must not change when a record is forgotten
======== ======= =======================================================================================

Nothing is ever moved, so a record can be forgotten while others are appended.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

MAGIC = b"SLpred1\n"
MOST_BODY = 256 * 1024**2
_HEAD = struct.Struct("<BBHIQII")
_SIGNED = struct.Struct("<BIQ")
_FORGOTTEN_AT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A record's head, found at ``offset``."""

    offset: int
    kind: int
    forgotten: bool
    length: int
    number: int
    crc: int


@dataclass(frozen=True, slots=True)
class Damage:
    """What cannot be read of a file: one body, or all from ``offset`` on."""

    file: str
    offset: int
    reason: str


def pack(kind: int, number: int, body: bytes) -> bytes:
    """A record. Raises ``ValueError`` where ``body`` is longer than a reader takes."""
    if len(body) > MOST_BODY:
        raise ValueError(f"it has {len(body)} bytes, more than {MOST_BODY}")
    signed = zlib.crc32(_SIGNED.pack(kind, len(body), number))
    return _HEAD.pack(kind, 0, 0, len(body), number, zlib.crc32(body), signed) + body


def entries(file: int, name: str) -> Iterator[Entry | Damage]:
    """The heads in the open ``file`` called ``name``, up to where it ends or makes no sense.

    A record that is cut off at the end was never acknowledged: its writer died, or has not finished yet. So
    are zeros up to the end: after a power cut a file may have got its new length and not what was written.
    """
    size = os.fstat(file).st_size
    if os.pread(file, len(MAGIC), 0) != MAGIC:
        if size >= len(MAGIC):
            yield Damage(name, 0, "it is no file of the prediction log")
        return
    offset = len(MAGIC)
    while offset + _HEAD.size <= size:
        head = os.pread(file, _HEAD.size, offset)
        if len(head) < _HEAD.size:
            return
        kind, forgotten, _, length, number, crc, signed = _HEAD.unpack(head)
        if zlib.crc32(_SIGNED.pack(kind, length, number)) != signed or length > MOST_BODY:
            if not _is_blank(file, offset):
                yield Damage(name, offset, "no record begins here; what follows is lost")
            return
        if offset + _HEAD.size + length > size:
            return
        yield Entry(offset, kind, bool(forgotten), length, number, crc)
        offset += _HEAD.size + length


def body(file: int, entry: Entry, name: str) -> bytes | Damage | None:
    """A record's body; None where it was forgotten, perhaps since its head was read."""
    data = os.pread(file, entry.length, entry.offset + _HEAD.size)
    if entry.forgotten or os.pread(file, 1, entry.offset + _FORGOTTEN_AT) == b"\1":
        return None
    if len(data) != entry.length or zlib.crc32(data) != entry.crc:
        return Damage(name, entry.offset, "the record is not what was written")
    return data


def forget(file: int, entry: Entry) -> None:
    """Overwrite a record's body on the disk; ``file`` must not be open for appending.

    The mark comes first and alone: killed between the two, the record is forgotten, and done again the body
    is gone too. The file stays as old as it was, for that decides when it is deleted.

    Raises:
        OSError: the disk refused.
    """
    before = os.fstat(file)
    os.pwrite(file, b"\1", entry.offset + _FORGOTTEN_AT)
    os.fsync(file)
    place, left = entry.offset + _HEAD.size, entry.length
    while left:
        written = os.pwrite(file, bytes(min(left, 1024**2)), place)
        place, left = place + written, left - written
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.fsync(file)


def _is_blank(file: int, offset: int) -> bool:
    while data := os.pread(file, 1024**2, offset):
        if data.count(0) != len(data):
            return False
        offset += len(data)
    return True
