import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from sightline.bundle.keys import (
    SigningKey,
    export_key,
    fingerprint,
    make_key,
    own_key,
    parse_fingerprint,
    trust,
    trusted,
    trusted_keys,
    untrust,
)
from sightline.errors import InputError
from sightline.storage.layout import WorkspaceConfig, init_workspace, write_config


def test_a_fingerprint_is_eight_groups_of_four() -> None:
    # SHA-256 of 32 zero bytes begins 66687aad f862bd77 6c8fc18b 8e9f8e20 08971485.
    assert fingerprint(bytes(32)) == "mzuh-vlpy-mk6x-o3ep-ygfy-5h4o-eaej-ofef"


def test_no_key_at_first_then_one(own_configuration: Path) -> None:
    assert own_key() is None
    key = make_key()
    again = own_key()
    assert again is not None
    assert again.public == key.public
    assert (own_configuration / "signing_key").stat().st_mode & 0o777 == 0o600
    assert trusted() == {key.fingerprint}
    assert [(one.note, one.origin) for one in trusted_keys()] == [("own key", "user")]


def test_a_key_is_never_replaced() -> None:
    assert make_key().public == make_key().public


def test_many_at_once_make_one_key() -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: make_key().fingerprint, range(16)))
    assert len(set(keys)) == 1
    assert trusted() == set(keys)


def test_printing_a_key_shows_no_secret(key: SigningKey) -> None:
    assert repr(key) == f"SigningKey(fingerprint='{key.fingerprint}')"


@pytest.mark.parametrize(
    "text", ["", "short", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_damaged_key(own_configuration: Path, text: str) -> None:
    path = own_configuration / "signing_key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(InputError, match="not a usable private key; restore it"):
        own_key()
    with pytest.raises(InputError, match="not a usable private key"):
        make_key()
    assert path.read_text() == text


def test_a_key_of_another_kind(own_configuration: Path) -> None:
    pem = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = own_configuration / "signing_key"
    path.write_bytes(pem)
    path.chmod(0o600)
    with pytest.raises(InputError, match="not an Ed25519 key"):
        own_key()


def test_a_key_with_a_password(own_configuration: Path, key: SigningKey) -> None:
    pem = key.private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    path = own_configuration / "signing_key"
    path.write_bytes(pem)
    path.chmod(0o600)
    with pytest.raises(InputError, match="not a usable private key"):
        own_key()


def test_a_key_that_others_can_read(own_configuration: Path) -> None:
    make_key()
    (own_configuration / "signing_key").chmod(0o644)
    with pytest.raises(InputError, match="open to others"):
        own_key()


def test_a_key_behind_a_link(own_configuration: Path, tmp_path: Path) -> None:
    make_key()
    (own_configuration / "signing_key").rename(tmp_path / "elsewhere")
    (own_configuration / "signing_key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a link"):
        own_key()


def test_trust_and_untrust(stranger: SigningKey) -> None:
    own = make_key()
    assert (
        trust(stranger.fingerprint.upper().replace("-", " "), note="the\nlaboratory") == stranger.fingerprint
    )
    trust(stranger.fingerprint, note="again")
    assert {key.fingerprint: key.note for key in trusted_keys()} == {
        own.fingerprint: "own key",
        stranger.fingerprint: "the laboratory",
    }
    untrust(stranger.fingerprint)
    assert trusted() == {own.fingerprint}
    with pytest.raises(InputError, match="is not trusted; see: sightline keys list"):
        untrust(stranger.fingerprint)


def test_many_at_once_lose_none() -> None:
    names = [fingerprint(bytes([number]) * 32) for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(trust, names))
    assert trusted() == set(names)


def test_the_workspace_has_a_list_of_its_own(tmp_path: Path, key: SigningKey, stranger: SigningKey) -> None:
    layout = init_workspace(tmp_path)
    trust(key.fingerprint)
    trust(stranger.fingerprint, layout)
    trust(stranger.fingerprint, layout)
    assert trusted() == {key.fingerprint}
    assert trusted(layout) == {key.fingerprint, stranger.fingerprint}
    assert stranger.fingerprint in layout.toml.read_text()
    untrust(stranger.fingerprint, layout)
    assert trusted(layout) == {key.fingerprint}


def test_the_own_key_is_trusted_in_both(tmp_path: Path) -> None:
    layout = init_workspace(tmp_path)
    key = make_key(layout)
    make_key(layout)
    assert [(one.fingerprint, one.origin) for one in trusted_keys(layout)] == [
        (key.fingerprint, "user"),
        (key.fingerprint, "workspace"),
    ]


def test_many_at_once_lose_none_in_a_workspace(tmp_path: Path) -> None:
    layout = init_workspace(tmp_path)
    names = [fingerprint(bytes([number]) * 32) for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: trust(name, layout), names))
    assert trusted(layout) == set(names)


def test_a_workspace_with_something_else_listed(tmp_path: Path) -> None:
    layout = init_workspace(tmp_path)
    write_config(layout, WorkspaceConfig(trusted_keys=("everybody",)))
    with pytest.raises(InputError, match=r"trusted_keys in '.*sightline\.toml': a fingerprint is 8 groups"):
        trusted(layout)


def test_an_exported_key_can_be_trusted(stranger: SigningKey) -> None:
    text = export_key(stranger)
    assert stranger.fingerprint in text
    assert "PRIVATE" not in text
    assert trust(text) == stranger.fingerprint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mzuh",
        "0000-0000-0000-0000-0000-0000-0000-0000",
        "mzuh-vlpy-mk6x-o3ep-ygfy-5h4o-eaej-ofef-aaaa",
        "../../etc",
        "BEGIN PUBLIC KEY",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
    ],
)
def test_what_is_no_fingerprint(text: str) -> None:
    with pytest.raises(InputError):
        parse_fingerprint(text)


def test_a_list_that_others_can_write(own_configuration: Path) -> None:
    make_key()
    (own_configuration / "trusted_keys").chmod(0o666)
    with pytest.raises(InputError, match="open to others"):
        trusted()


def test_a_list_with_a_line_that_is_none(own_configuration: Path) -> None:
    make_key()
    with (own_configuration / "trusted_keys").open("a") as file:
        file.write("\nevil\n")
    with pytest.raises(InputError, match=r"line 3 .* does not begin with a fingerprint"):
        trusted()


def test_the_list_is_closed_to_others(own_configuration: Path) -> None:
    before = os.umask(0)
    try:
        make_key()
    finally:
        os.umask(before)
    modes = {file.name: file.stat().st_mode & 0o777 for file in own_configuration.iterdir()}
    assert set(modes.values()) == {0o600}
