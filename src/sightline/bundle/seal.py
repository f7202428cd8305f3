"""Make one sealed file of a model and everything that has to travel with it."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from sightline.bundle import archive
from sightline.bundle.keys import SigningKey
from sightline.bundle.manifest import write_manifest
from sightline.bundle.signature import sign
from sightline.bundle.variants import variant_members
from sightline.bundle.verify import open_bundle, verify_bytes
from sightline.errors import BundleError
from sightline.storage.files import write_atomic
from sightline.values.release import Bundle, Manifest, Variant


def seal(
    path: Path,
    manifest: Manifest,
    *,
    model: bytes,
    reference: bytes,
    card: str,
    key: SigningKey,
    variants: Mapping[str, Variant] = MappingProxyType({}),
) -> Bundle:
    """Write the sealed file ``path`` and give the bundle in it.

    ``model`` is the ONNX file, ``reference`` comes from ``write_reference``, ``card`` is markdown,
    ``variants`` are compressed models by the way in which they were compressed. The same arguments give
    the same bytes. They go through the whole check of ``verify_bytes`` before the file is written, so
    what is refused on opening is never made. A sealed file never changes: one that is there already must
    have these very bytes.

    Raises:
        BundleError: the parts do not make a bundle, or ``path`` is there with other bytes.
        StorageError: the disk refused.
    """
    members = {
        archive.MANIFEST: write_manifest(manifest),
        archive.MODEL: model,
        **variant_members(variants),
        archive.REFERENCE: reference,
        archive.CARD: card.encode("utf-8", "replace"),
    }
    data = archive.pack({**members, archive.SIGNATURE: sign(members, key)}, archive.bundle_limits(variants))
    bundle = verify_bytes(data, {key.fingerprint}, path)
    if not path.exists():
        write_atomic(path, data)
    elif open_bundle(path, {key.fingerprint}).sha256 != bundle.sha256:
        raise BundleError(
            f"{str(path)!r} is there already; a sealed file never changes: seal the next version"
        )
    return bundle


def bundle_file_name(manifest: Manifest) -> str:
    """``NAME-VERSION.sight``."""
    return f"{manifest.name}-{manifest.version}.sight"
