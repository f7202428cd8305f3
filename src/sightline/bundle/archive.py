"""A zip with exactly one byte sequence for given members, and its strict reader.

Zip allows one content in countless disguises: data before, between and after the members, two members
of one name, two headers that disagree, comments, extra fields, data descriptors, zip64. Readers differ
in which disguise they see through. Here the writer has no freedom at all (stored members in a fixed
order, no timestamp, no extra field, no comment), and the reader rebuilds every byte outside the
payloads from the members' lengths and checksums and compares. What is left equals what the writer
would have written, so the questions above cannot come up.

Layout: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory) and 4.3.16
(end record). Any zip tool can list and extract the file.
"""

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from zlib import crc32

from sightline.errors import BundleError, DamagedBundle

MANIFEST = "manifest.json"
MODEL = "model.onnx"
REFERENCE = "reference.npz"
CARD = "card.md"
SIGNATURE = "signature"

BUNDLE: Mapping[str, int] = MappingProxyType(
    {
        MANIFEST: 4 << 20,
        MODEL: (2 << 30) - 1,  # protobuf cannot hold more
        REFERENCE: 512 << 20,
        CARD: 1 << 20,
        SIGNATURE: 4 << 10,
    }
)
"""The members of a bundle without variants, in their order, with the most bytes that each may have."""

VARIANT = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
"""What a variant may be called."""

MOST_VARIANTS = 8
_PARITY = "parity.json"
_OF_VARIANT: Mapping[str, int] = MappingProxyType(
    {MODEL: BUNDLE[MODEL], _PARITY: 1 << 20, REFERENCE: BUNDLE[REFERENCE]}
)

LARGEST = 0xFFFF_FFFE
"""The most bytes that an archive can have: without zip64 it cannot say where anything beyond lies."""

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION = 20
_MADE_BY = (3 << 8) | _VERSION  # Unix, so that the attributes below are a file mode
_DAY = 0x21  # 1980-01-01, the first day that zip can express
_MODE = 0o100644 << 16
_LONGEST_NAME = 64

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    size: int
    checksum: int
    offset: int

    def local_header(self) -> bytes:
        name = self.name.encode("ascii")
        head = _LOCAL.pack(
            b"PK\3\4", _VERSION, 0, 0, 0, _DAY, self.checksum, self.size, self.size, len(name), 0
        )
        return head + name

    def central_header(self) -> bytes:
        name = self.name.encode("ascii")
        times = (0, _DAY)
        sizes = (self.checksum, self.size, self.size, len(name))
        return (
            _CENTRAL.pack(b"PK\1\2", _MADE_BY, _VERSION, 0, 0, *times, *sizes, 0, 0, 0, 0, _MODE, self.offset)
            + name
        )

    @property
    def payload(self) -> slice:
        start = self.offset + _LOCAL.size + len(self.name)
        return slice(start, start + self.size)


def of_variant(name: str) -> tuple[str, str, str]:
    """The members of variant ``name``: its model, its parity and its reference."""
    model, parity, reference = (f"variants/{name}/{member}" for member in _OF_VARIANT)
    return model, parity, reference


def bundle_limits(variants: Iterable[str]) -> Mapping[str, int]:
    """The members of a bundle with these variants, in their order, as ``BUNDLE``.

    Raises:
        BundleError: a name that no variant may have, or too many of them.
    """
    names = sorted(set(variants))
    odd = next((name for name in names if not VARIANT.fullmatch(name)), None)
    if odd is not None or len(names) > MOST_VARIANTS:
        raise BundleError(
            f"a variant's name must match {VARIANT.pattern}, got {odd[:80]!r}"
            if odd is not None
            else f"a bundle holds at most {MOST_VARIANTS} variants, got {len(names)}"
        )
    of_variants = {
        member: limit
        for name in names
        for member, limit in zip(of_variant(name), _OF_VARIANT.values(), strict=True)
    }
    limits = dict(BUNDLE)
    return {MANIFEST: limits.pop(MANIFEST), MODEL: limits.pop(MODEL), **of_variants, **limits}


def variants_in(data: Buffer) -> tuple[str, ...]:
    """The variants that an archive's headers name, as far as they can be followed.

    Only ``unpack`` with the limits of just these variants shows whether it is so.
    """
    view = memoryview(data)
    found: dict[str, None] = {}
    offset = 0
    for _ in range(len(BUNDLE) + MOST_VARIANTS * len(_OF_VARIANT)):
        if len(view) < offset + _LOCAL.size or bytes(view[offset : offset + 4]) != b"PK\3\4":
            break
        size, length = _LOCAL.unpack_from(view, offset)[7], _LOCAL.unpack_from(view, offset)[9]
        folder, slash, rest = _name_at(view, offset + _LOCAL.size, length).partition("/")
        name = rest.partition("/")[0]
        if folder == "variants" and slash and VARIANT.fullmatch(name):
            found[name] = None
        offset += _LOCAL.size + length + size
    return tuple(found)[:MOST_VARIANTS]


def pack(members: Mapping[str, Buffer], limits: Mapping[str, int] = BUNDLE) -> bytes:
    """The one archive of ``members``, which must be exactly those that ``limits`` names.

    Raises:
        BundleError: a member is missing, unknown or larger than its limit.
    """
    if members.keys() != limits.keys():
        odd = ", ".join(sorted(members.keys() ^ limits.keys()))
        raise BundleError(f"an archive of {', '.join(limits)} was to be written; missing or unknown: {odd}")
    entries: list[_Entry] = []
    pieces: list[Buffer] = []
    offset = 0
    for name, limit in limits.items():
        payload = members[name]
        if len(payload) > limit:
            raise BundleError(f"{name} has {len(payload)} bytes; at most {limit} can be sealed")
        entry = _Entry(name, len(payload), crc32(payload), offset)
        entries.append(entry)
        pieces += [entry.local_header(), payload]
        offset = entry.payload.stop
    if offset > LARGEST - sum(_CENTRAL.size + len(name) for name in limits) - _END.size:
        raise BundleError(f"the members have {offset} bytes together; at most {LARGEST} can be sealed")
    return b"".join([*pieces, _directory(entries, offset)])


def unpack(data: Buffer, limits: Mapping[str, int] = BUNDLE) -> dict[str, bytes]:
    """The members of ``data`` in order, after every byte of the archive around them was compared.

    Headers come first and payloads are not touched before all headers are right, so a damaged
    structure costs microseconds and no memory whatever sizes it claims.

    Raises:
        DamagedBundle: ``data`` is not what ``pack`` writes; names the member or the structure.
    """
    view = memoryview(data)
    if len(view) > LARGEST:
        raise DamagedBundle(f"the archive has {len(view)} bytes; at most {LARGEST} are allowed")
    entries: list[_Entry] = []
    offset = 0
    for name in limits:
        entry = _read_header(view, offset, name, limits)
        entries.append(entry)
        offset = entry.payload.stop
    directory = _directory(entries, offset)
    if view[offset:] != directory:
        raise DamagedBundle(_what_is_wrong(view[offset:], entries, directory, limits))
    for entry in entries:
        if crc32(view[entry.payload]) != entry.checksum:
            raise DamagedBundle(f"{entry.name} is damaged: its bytes do not have their checksum")
    return {entry.name: bytes(view[entry.payload]) for entry in entries}


def _directory(entries: Sequence[_Entry], start: int) -> bytes:
    central = b"".join(entry.central_header() for entry in entries)
    count = len(entries)
    return central + _END.pack(b"PK\5\6", 0, 0, count, count, len(central), start, 0)


def _read_header(view: memoryview, offset: int, name: str, limits: Mapping[str, int]) -> _Entry:
    if len(view) < offset + _LOCAL.size + len(name):
        raise DamagedBundle(f"the archive is cut short: it ends where {name} should begin")
    fields = _LOCAL.unpack_from(view, offset)
    if fields[0] != b"PK\3\4":
        raise DamagedBundle(f"the archive has no member header at byte {offset}, where {name} should begin")
    entry = _Entry(name, size=fields[7], checksum=fields[6], offset=offset)
    found = _name_at(view, offset + _LOCAL.size, fields[9])
    if found != name:
        raise DamagedBundle(_misplaced(found, name, limits))
    if view[offset : entry.payload.start] != entry.local_header():
        raise DamagedBundle(f"the archive's header of {name} is not the one that sealing writes")
    if entry.size > limits[name]:
        raise DamagedBundle(f"{name} claims {entry.size} bytes; at most {limits[name]} are allowed")
    if len(view) < entry.payload.stop:
        raise DamagedBundle(f"the archive is cut short inside {name}")
    return entry


def _name_at(view: memoryview, start: int, length: int) -> str:
    shown = bytes(view[start : start + min(length, _LONGEST_NAME)])
    return shown.decode("utf-8", "backslashreplace") + ("..." if length > _LONGEST_NAME else "")


def _misplaced(found: str, wanted: str, limits: Mapping[str, int]) -> str:
    order = list(limits)
    if found not in limits:
        return f"the archive has a member {found!r} where {wanted} belongs"
    if order.index(found) < order.index(wanted):
        return f"the archive has {found} twice"
    return f"the archive's members are out of order: {found} stands where {wanted} belongs"


def _what_is_wrong(
    tail: memoryview, entries: Sequence[_Entry], directory: bytes, limits: Mapping[str, int]
) -> str:
    """In words, how ``tail`` (all after the last payload) differs from the one right ``directory``."""
    if tail[: len(directory)] == directory:
        return f"the archive goes on for {len(tail) - len(directory)} bytes after its end"
    if directory.startswith(bytes(tail[: len(directory)])):
        return "the archive is cut short in its directory"
    if bytes(tail[:4]) == b"PK\3\4" and len(tail) >= _LOCAL.size:
        name = _name_at(tail, _LOCAL.size, _LOCAL.unpack_from(tail)[9])
        if name in limits:
            return f"the archive has {name} twice"
        return f"the archive has a member {name!r}, which does not belong to it"
    start = 0
    for entry in entries:
        wanted = entry.central_header()
        if tail[start : start + len(wanted)] != wanted:
            return f"the archive's directory and its header of {entry.name} do not agree"
        start += len(wanted)
    return "the archive's end record is not the one that sealing writes"
