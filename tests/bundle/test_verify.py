import io
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from sightline.bundle import archive
from sightline.bundle.keys import SigningKey
from sightline.bundle.manifest import write_manifest
from sightline.bundle.reference import Reference, write_reference
from sightline.bundle.signature import sign
from sightline.bundle.verify import open_bundle, verify_bytes
from sightline.errors import BundleError, DamagedBundle, InputError, StorageError, UntrustedSigner
from sightline.values.contract import TensorSpec
from sightline.values.release import Manifest

Reseal = Callable[..., bytes]


def test_a_sound_bundle(
    bundle_path: Path, sealed: bytes, members: Mapping[str, bytes], manifest: Manifest, key: SigningKey
) -> None:
    bundle_path.write_bytes(sealed)
    bundle = open_bundle(bundle_path, {key.fingerprint})
    assert bundle.path == bundle_path
    assert bundle.sha256 == sha256(sealed).hexdigest()
    assert bundle.manifest == manifest
    assert bundle.model == members[archive.MODEL]
    assert bundle.reference == members[archive.REFERENCE]
    assert bundle.card == "# boards\n"
    assert bundle.signer == key.fingerprint


def test_any_zip_tool_lists_and_extracts_it(sealed: bytes, members: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(io.BytesIO(sealed)) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == members


def test_every_byte_is_checked_and_named(sealed: bytes, key: SigningKey) -> None:
    trusted = {key.fingerprint}
    damaged = bytearray(sealed)
    words = "|".join(["archive", *map(str, archive.BUNDLE)])
    for at in range(len(sealed)):
        damaged[at] ^= 0x5A
        with pytest.raises(DamagedBundle, match=rf"'bundle\.sight' is refused: .*({words})"):
            verify_bytes(damaged, trusted)
        damaged[at] ^= 0x5A


@pytest.mark.parametrize("name", [name for name in archive.BUNDLE if name != archive.SIGNATURE])
def test_a_forger_who_repairs_the_checksums(members: Mapping[str, bytes], key: SigningKey, name: str) -> None:
    forged = archive.pack({**members, name: members[name] + b" "})
    with pytest.raises(DamagedBundle, match=f"{name} is not what was signed"):
        verify_bytes(forged, {key.fingerprint})


def test_a_stranger_is_refused_with_the_way_to_trust(
    reseal: Reseal, key: SigningKey, stranger: SigningKey
) -> None:
    data = reseal({}, by=stranger)
    with pytest.raises(UntrustedSigner, match=f"sightline keys trust {stranger.fingerprint}$"):
        verify_bytes(data, {key.fingerprint})
    with pytest.raises(UntrustedSigner):
        verify_bytes(data, set())
    assert verify_bytes(data, {stranger.fingerprint}).signer == stranger.fingerprint


def test_nothing_of_a_stranger_is_read(reseal: Reseal, key: SigningKey, stranger: SigningKey) -> None:
    with pytest.raises(UntrustedSigner):
        verify_bytes(reseal({archive.MANIFEST: b"[" * 100_000}, by=stranger), {key.fingerprint})


def test_a_trusted_seal_over_other_members(
    members: Mapping[str, bytes], reseal: Reseal, manifest: Manifest, key: SigningKey
) -> None:
    newer = archive.unpack(reseal({archive.MANIFEST: write_manifest(replace(manifest, version=3))}))
    mixed = archive.pack({**members, archive.SIGNATURE: newer[archive.SIGNATURE]})
    with pytest.raises(DamagedBundle, match=r"manifest\.json is not what was signed"):
        verify_bytes(mixed, {key.fingerprint})
    fewer = {name: members[name] for name in (archive.MANIFEST, archive.MODEL)}
    with pytest.raises(DamagedBundle, match="signature is not in the form"):
        verify_bytes(reseal({archive.SIGNATURE: sign(fewer, key)}), {key.fingerprint})


def test_external_data_is_refused_even_from_a_trusted_signer(
    reseal: Reseal, key: SigningKey, proto: Callable[..., bytes], members: Mapping[str, bytes]
) -> None:
    evil = members[archive.MODEL] + proto(7, proto(5, proto(14, 1)))
    with pytest.raises(BundleError, match=r"model\.onnx keeps data in other files"):
        verify_bytes(reseal({archive.MODEL: evil}), {key.fingerprint})


def test_model_and_contract_must_agree(reseal: Reseal, manifest: Manifest, key: SigningKey) -> None:
    outputs = (manifest.contract.outputs[0], TensorSpec("embedding", "float32", ("N", 6)))
    other = write_manifest(replace(manifest, contract=replace(manifest.contract, outputs=outputs)))
    with pytest.raises(BundleError, match=r"model\.onnx has the outputs .* the contract says"):
        verify_bytes(reseal({archive.MANIFEST: other}), {key.fingerprint})


def test_the_reference_must_fit_and_hold_no_pickle(
    reseal: Reseal, reference: Reference, key: SigningKey
) -> None:
    wide = replace(reference, embeddings=np.zeros((4, 6), np.float32))
    with pytest.raises(BundleError, match=r"reference\.npz has 6 columns of embedding, the contract says 5"):
        verify_bytes(reseal({archive.REFERENCE: write_reference(wide)}), {key.fingerprint})
    file = io.BytesIO()
    np.savez(file, scores=np.array([print], dtype=object))
    with pytest.raises(DamagedBundle, match=r"reference\.npz is not usable"):
        verify_bytes(reseal({archive.REFERENCE: file.getvalue()}), {key.fingerprint})


def test_the_card_must_be_text(reseal: Reseal, key: SigningKey) -> None:
    with pytest.raises(BundleError, match=r"card\.md is not text"):
        verify_bytes(reseal({archive.CARD: b"\xff"}), {key.fingerprint})


def test_the_path_is_not_read_again(bundle_path: Path, sealed: bytes, key: SigningKey) -> None:
    bundle_path.write_bytes(sealed)
    bundle = open_bundle(bundle_path, {key.fingerprint})
    bundle_path.write_bytes(b"something else")
    assert sha256(sealed).hexdigest() == bundle.sha256
    assert bundle.model in sealed


def test_what_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        open_bundle(tmp_path / "none\n.sight", set())
    with pytest.raises(InputError, match="is not a file"):
        open_bundle(tmp_path, set())
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is not a file"):
        open_bundle(tmp_path / "pipe", set())
    with pytest.raises(StorageError, match="cannot read"):
        open_bundle(tmp_path / ("x" * 300), set())


def test_a_file_too_large_is_not_read(bundle_path: Path) -> None:
    with bundle_path.open("wb") as file:
        file.truncate(archive.LARGEST + 1)  # a hole: takes no space
    with pytest.raises(BundleError, match="more than a bundle can have"):
        open_bundle(bundle_path, set())


def test_an_empty_file(bundle_path: Path) -> None:
    bundle_path.write_bytes(b"")
    with pytest.raises(DamagedBundle, match=r"cut short: it ends where manifest\.json should begin"):
        open_bundle(bundle_path, set())
