"""``sightline keys``: whose sealed files are believed."""

import os
from pathlib import Path

import pytest

from command_line import Product, run


def test_a_key_is_made_listed_and_exported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "none yet; make one with: sightline keys make" in run("keys", "list").out
    assert "make one with: sightline keys make" in run("keys", "export").refusal
    made = run("keys", "make").out.strip()
    assert run("keys", "make").out.strip() == made
    assert f"own key: {made}\ntrusted: {made}" in run("keys", "list").out
    exported = run("keys", "export").out
    assert exported.startswith(f"sightline key {made}\n-----BEGIN PUBLIC KEY-----")


def test_an_unknown_signer_is_refused_with_the_command_to_trust_it(
    product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    picture = product.pictures / "dark" / "00.png"
    refused = run("predict", product.sealed, picture)
    assert (refused.status, refused.out) == (1, "")
    command = refused.refusal.rpartition("sightline ")[2].split()
    assert command[:2] == ["keys", "trust"]
    assert run(*command).out == f"trusted: {command[2]}\n"
    assert run("predict", product.sealed, picture).status == 0
    assert run("keys", "untrust", command[2]).status == 0
    assert run("predict", product.sealed, picture).refusal == refused.refusal


def test_a_key_is_trusted_by_what_export_printed(
    product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = os.environ["SIGHTLINE_CONFIG_DIR"]
    monkeypatch.setenv("SIGHTLINE_CONFIG_DIR", str(product.folder / "config"))
    exported = run("keys", "export").out
    monkeypatch.setenv("SIGHTLINE_CONFIG_DIR", own)
    assert run("keys", "trust", exported, "--note", "the\nfactory").status == 0
    assert "the factory" in run("keys", "list").out
    assert run("predict", product.sealed, product.pictures / "dark").status == 0


@pytest.mark.parametrize("command", ["trust", "untrust"])
def test_what_is_no_fingerprint_is_refused(command: str) -> None:
    assert "got 'abc'" in run("keys", command, "abc").refusal
