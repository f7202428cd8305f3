from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from sightline.bundle import archive
from sightline.bundle.keys import SigningKey
from sightline.bundle.seal import bundle_file_name, seal
from sightline.bundle.verify import open_bundle
from sightline.errors import BundleError, StorageError
from sightline.values.release import Bundle, Manifest


def sealed_at(path: Path, manifest: Manifest, members: Mapping[str, bytes], key: SigningKey) -> Bundle:
    return seal(
        path,
        manifest,
        model=members[archive.MODEL],
        reference=members[archive.REFERENCE],
        card="# boards\n",
        key=key,
    )


def test_what_is_sealed_opens(
    bundle_path: Path, manifest: Manifest, members: Mapping[str, bytes], key: SigningKey
) -> None:
    bundle = sealed_at(bundle_path, manifest, members, key)
    assert open_bundle(bundle_path, {key.fingerprint}) == bundle
    assert bundle_path.name == bundle_file_name(manifest)


def test_the_same_arguments_give_the_same_bytes(
    tmp_path: Path, manifest: Manifest, members: Mapping[str, bytes], key: SigningKey, sealed: bytes
) -> None:
    sealed_at(tmp_path / "one", manifest, members, key)
    assert (tmp_path / "one").read_bytes() == sealed


def test_a_sealed_file_never_changes(
    bundle_path: Path, manifest: Manifest, members: Mapping[str, bytes], key: SigningKey
) -> None:
    first = sealed_at(bundle_path, manifest, members, key)
    assert sealed_at(bundle_path, manifest, members, key) == first
    with pytest.raises(BundleError, match="is there already; a sealed file never changes"):
        sealed_at(bundle_path, replace(manifest, created="later"), members, key)
    assert open_bundle(bundle_path, {key.fingerprint}) == first


def test_what_would_be_refused_is_not_written(
    bundle_path: Path, manifest: Manifest, members: Mapping[str, bytes], key: SigningKey
) -> None:
    with pytest.raises(BundleError, match=r"model\.onnx is not a valid ONNX file"):
        sealed_at(bundle_path, manifest, {**members, archive.MODEL: b"no model"}, key)
    with pytest.raises(BundleError, match="name must match"):
        sealed_at(bundle_path, replace(manifest, name="Bad Name"), members, key)
    assert not bundle_path.exists()


def test_a_folder_that_is_not_there(
    tmp_path: Path, manifest: Manifest, members: Mapping[str, bytes], key: SigningKey
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        sealed_at(tmp_path / "file" / "x.sight", manifest, members, key)
