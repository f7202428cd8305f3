"""Whose seal is believed: the user's own signing key, fingerprints, and the lists of trusted ones.

A key is known by its fingerprint: the first 160 bits of the SHA-256 of the 32-byte Ed25519 public key,
in base32, eight groups of four: ``mfrg-g2ld-...``. That is short enough to read over a telephone, and
finding a second key with a given fingerprint takes 2^160 tries.

The private key lies in the user's configuration folder and never in a workspace. Trusted fingerprints
lie in the same folder (one a line, then a note) and in the workspace's ``sightline.toml``; a bundle is
believed when either list has its signer.
"""

import base64
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sightline.bundle.private_file import read_private, write_private
from sightline.errors import InputError, StorageError
from sightline.settings import settings
from sightline.storage.files import refused
from sightline.storage.layout import Layout, read_config, write_config

_FINGERPRINT = re.compile(r"[a-z2-7]{4}(-[a-z2-7]{4}){7}")
_OTHERS = 0o077
_OTHERS_WRITE = 0o022


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 private key; printing it shows the fingerprint only."""

    private: Ed25519PrivateKey = field(repr=False)
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", fingerprint(self.public))

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self.private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature of ``message``, 64 bytes."""
        return self.private.sign(message)


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A fingerprint that is believed, the note beside it, and the list that has it."""

    fingerprint: str
    note: str
    origin: Literal["user", "workspace"]


def fingerprint(public: bytes) -> str:
    """The fingerprint of a 32-byte public key."""
    letters = base64.b32encode(sha256(public).digest()[:20]).decode().lower()
    return "-".join(letters[at : at + 4] for at in range(0, 32, 4))


def parse_fingerprint(text: str) -> str:
    """The fingerprint that a person means: as printed, in capitals, without hyphens, or an exported key.

    Raises:
        InputError: it is neither a fingerprint nor the text of ``export_key``.
    """
    if "BEGIN PUBLIC KEY" in text:
        return _fingerprint_of_exported(text)
    letters = re.sub(r"[\s-]", "", text).lower()
    grouped = "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))
    if not _FINGERPRINT.fullmatch(grouped):
        raise InputError(f"a fingerprint is 8 groups of 4 letters a-z or digits 2-7, got {text[:80]!r}")
    return grouped


def own_key() -> SigningKey | None:
    """The user's signing key, or ``None`` where none was made yet.

    Raises:
        InputError: the file is not an Ed25519 key, is a link, or is open to others.
        StorageError: it cannot be read.
    """
    path = settings().config_dir / "signing_key"
    text = read_private(path, forbidden=_OTHERS, limit=4096)
    if text is None:
        return None
    try:
        private = serialization.load_pem_private_key(text, password=None)
    except (ValueError, TypeError) as error:
        raise InputError(f"{str(path)!r} is not a usable private key; restore it or move it away") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise InputError(f"{str(path)!r} is not an Ed25519 key; restore it or move it away")
    return SigningKey(private)


def make_key(layout: Layout | None = None) -> SigningKey:
    """The user's signing key, made where there is none, and trusted: by the user, and in ``layout`` too.

    Of two processes that make one at the same time, both give the one that was first.

    Raises:
        InputError, StorageError: as ``own_key``; a key that is there but not usable is kept as it is.
    """
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(settings().config_dir / "signing_key", pem, replace=False)
    key = own_key()
    if key is None:
        raise StorageError("the signing key vanished while it was made; try again")
    trust(key.fingerprint, note="own key")
    if layout:
        trust(key.fingerprint, layout)
    return key


def export_key(key: SigningKey) -> str:
    """The public half as PEM text, headed by its fingerprint; ``parse_fingerprint`` takes it back."""
    pem = key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"sightline key {key.fingerprint}\n{pem.decode()}"


def trusted_keys(layout: Layout | None = None) -> tuple[TrustedKey, ...]:
    """All trusted keys, sorted: the user's, and with ``layout`` the workspace's too.

    Raises:
        InputError: a list cannot be read as one.
    """
    own = [TrustedKey(print_, note, "user") for print_, note in _read_user_list().items()]
    shared = [TrustedKey(name, "", "workspace") for name in (_read_workspace_list(layout) if layout else ())]
    return tuple(sorted([*own, *shared], key=lambda key: (key.fingerprint, key.origin)))


def trusted(layout: Layout | None = None) -> frozenset[str]:
    """The fingerprints that ``open_bundle`` believes."""
    return frozenset(key.fingerprint for key in trusted_keys(layout))


def trust(text: str, layout: Layout | None = None, note: str = "") -> str:
    """Trust the key of this fingerprint, for the user, or with ``layout`` for the workspace."""
    name = parse_fingerprint(text)
    if layout:
        if name in _read_workspace_list(layout):  # it may be another user's to write
            return name
        with _locked(layout.internal, 0o666):
            there = _read_workspace_list(layout)
            if name not in there:
                write_config(layout, replace(read_config(layout), trusted_keys=(*there, name)))
        return name
    with _locked(settings().config_dir):
        listed = _read_user_list()
        if name not in listed:
            _write_user_list({**listed, name: " ".join(note.split())})
    return name


def untrust(text: str, layout: Layout | None = None) -> str:
    """Take a fingerprint off the user's list, and with ``layout`` off the workspace's too.

    Raises:
        InputError: neither list has it.
    """
    name = parse_fingerprint(text)
    if all(key.fingerprint != name for key in trusted_keys(layout)):
        raise InputError(f"{name} is not trusted; see: sightline keys list")
    if layout:
        with _locked(layout.internal, 0o666):
            kept = tuple(listed for listed in _read_workspace_list(layout) if listed != name)
            write_config(layout, replace(read_config(layout), trusted_keys=kept))
    with _locked(settings().config_dir):
        _write_user_list({listed: note for listed, note in _read_user_list().items() if listed != name})
    return name


def _fingerprint_of_exported(text: str) -> str:
    start = text.index("-----BEGIN PUBLIC KEY") if "-----BEGIN PUBLIC KEY" in text else 0
    try:
        public = serialization.load_pem_public_key(text[start:].encode())
    except (ValueError, TypeError) as error:
        raise InputError("this is not a public key as `sightline keys export` prints it") from error
    if not isinstance(public, Ed25519PublicKey):
        raise InputError("this public key is not an Ed25519 key")
    return fingerprint(public.public_bytes_raw())


def _read_workspace_list(layout: Layout) -> tuple[str, ...]:
    try:
        return tuple(parse_fingerprint(name) for name in read_config(layout).trusted_keys)
    except InputError as error:
        raise InputError(f"trusted_keys in {str(layout.toml)!r}: {error}") from error


def _read_user_list() -> dict[str, str]:
    path = settings().config_dir / "trusted_keys"
    data = read_private(path, forbidden=_OTHERS_WRITE) or b""
    listed: dict[str, str] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
        name, _, note = line.strip().partition(" ")
        if not name:
            continue
        if not _FINGERPRINT.fullmatch(name):
            raise InputError(f"line {number} of {str(path)!r} does not begin with a fingerprint")
        listed[name] = note.strip()
    return listed


def _write_user_list(listed: dict[str, str]) -> None:
    text = "".join(f"{name}  {note}".rstrip() + "\n" for name, note in sorted(listed.items()))
    write_private(settings().config_dir / "trusted_keys", text.encode(), replace=True)


@contextmanager
def _locked(folder: Path, mode: int = 0o600) -> Iterator[None]:
    """Keep two processes that add a key at once to the list of ``folder`` from losing one of the two."""
    path = folder / "trusted_keys.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    except OSError as error:
        raise refused("write", path, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
