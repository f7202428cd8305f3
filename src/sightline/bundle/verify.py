"""Open a sealed bundle: every byte is checked before anything in it is used.

The order of the checks goes from what any stranger can forge to what only a trusted signer can: the
archive's structure and checksums, the signature over every member, whether its key is trusted; only
then is anything in the members read. What comes back holds the verified bytes themselves. The path is
never read again, so nothing can be exchanged between the check and the use.
"""

import os
import stat
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from hashlib import sha256
from pathlib import Path

from sightline.bundle import archive
from sightline.bundle.keys import fingerprint
from sightline.bundle.manifest import read_manifest
from sightline.bundle.onnx_file import check_tensors, inspect_onnx
from sightline.bundle.reference import read_reference
from sightline.bundle.signature import check_signature
from sightline.bundle.variants import read_variant
from sightline.errors import BundleError, InputError, StorageError, UntrustedSigner
from sightline.values.release import Bundle, Manifest


def open_bundle(path: Path, trusted: AbstractSet[str]) -> Bundle:
    """The bundle in the file ``path``, sealed by a key whose fingerprint is in ``trusted``.

    Raises:
        InputError: there is no such file.
        StorageError: it cannot be read.
        DamagedBundle: its bytes are not what was sealed; names the member or the archive's structure.
        UntrustedSigner: its signer is not trusted; has the fingerprint and the command to trust it.
        BundleError: it was sealed so, but makes no sense or is not safe to load.
    """
    return verify_bytes(_read(path), trusted, path)


def verify_bytes(
    data: archive.Buffer, trusted: AbstractSet[str], path: Path = Path("bundle.sight")
) -> Bundle:
    """The bundle in ``data``; ``path`` only names it, in messages and in the answer.

    Raises:
        BundleError: as ``open_bundle``.
    """
    try:
        return _verify(data, trusted, path)
    except BundleError as error:
        raise type(error)(f"{str(path)!r} is refused: {error}") from error


def _verify(data: archive.Buffer, trusted: AbstractSet[str], path: Path) -> Bundle:
    names = archive.variants_in(data)
    members = archive.unpack(data, archive.bundle_limits(names))
    signed = {name: payload for name, payload in members.items() if name != archive.SIGNATURE}
    signer = fingerprint(check_signature(members[archive.SIGNATURE], signed))
    if signer not in trusted:
        raise UntrustedSigner(
            f"it was sealed by {signer}, which is not trusted here; if you know that this is the key of "
            f"somebody you believe: sightline keys trust {signer}"
        )
    manifest = read_manifest(members[archive.MANIFEST])
    for folder in ("", *(f"variants/{name}/" for name in names)):
        _check_model(folder + archive.MODEL, members, manifest)
        _check_reference(folder + archive.REFERENCE, members, manifest)
    return Bundle(
        path=path,
        sha256=sha256(data).hexdigest(),
        manifest=manifest,
        model=members[archive.MODEL],
        reference=members[archive.REFERENCE],
        card=_text(members[archive.CARD]),
        signer=signer,
        variants={name: read_variant(name, members) for name in names},
    )


def _check_model(member: str, members: Mapping[str, bytes], manifest: Manifest) -> None:
    ends = inspect_onnx(members[member], member)
    check_tensors(manifest.contract.inputs, ends.inputs, f"{member} has the inputs")
    check_tensors(manifest.contract.outputs, ends.outputs, f"{member} has the outputs")


def _check_reference(member: str, members: Mapping[str, bytes], manifest: Manifest) -> None:
    try:
        reference = read_reference(members[member])
    except BundleError as error:
        raise type(error)(f"{member} is not usable: {error}") from error
    columns = {"embedding": 0} | {tensor.name: tensor.shape[-1] for tensor in manifest.contract.outputs}
    pairs = (
        ("scores", reference.scores.shape[1], len(manifest.contract.classes)),
        ("embedding", reference.embeddings.shape[1], columns["embedding"]),
    )
    for name, found, wanted in pairs:
        if isinstance(wanted, int) and wanted != found:
            raise BundleError(f"{member} has {found} columns of {name}, the contract says {wanted}")


def _text(card: bytes) -> str:
    try:
        return card.decode()
    except UnicodeDecodeError as error:
        raise BundleError(f"{archive.CARD} is not text in UTF-8") from error


def _read(path: Path) -> bytes:
    """All bytes of the file ``path``, if it is a plain one of a size that a bundle can have."""
    try:
        # O_NONBLOCK: opening a pipe must not wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            facts = os.fstat(handle)
            _refuse_other_than_file(path, facts)
            with os.fdopen(handle, "rb", closefd=False) as file:
                data = file.read(facts.st_size + 1)
        finally:
            os.close(handle)
    except FileNotFoundError as error:
        raise InputError(f"there is no file {str(path)!r}") from error
    except OSError as error:
        raise StorageError(f"cannot read {str(path)!r}: {error.strerror}") from error
    if len(data) != facts.st_size:
        raise StorageError(f"{str(path)!r} changed while it was read; try again")
    return data


def _refuse_other_than_file(path: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise InputError(f"{str(path)!r} is not a file; a bundle is one file, NAME-VERSION.sight")
    if facts.st_size > archive.LARGEST:
        raise BundleError(f"{str(path)!r} is refused: {facts.st_size} bytes are more than a bundle can have")
