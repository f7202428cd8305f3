"""``sightline registry``: what a person does with two releases."""

import re
from pathlib import Path

import pytest

from command_line import SMALL, Product, run


def test_the_life_of_a_second_release(product: Product, shop: Path) -> None:
    built = run("build", product.pictures, *SMALL, "--seed", 1)
    assert built.out.startswith("release: parts@2 (candidate)\n")
    assert len(re.findall(r"on the same \d+ pictures", built.err)) == 1
    # Another seed splits otherwise: what the first release learned from says nothing about it.
    assert "test pictures are left out, because parts@1 learned from them" in built.err
    last = built.err.splitlines()[-1]
    assert last.startswith("parts@2 stays a candidate and parts@1 in production; to promote it: ")

    assert run("registry", "compare", "parts@2").out in built.err
    held = run("registry", "promote", "parts@2")
    assert held.status == 1
    assert held.refusal.startswith("the gate holds parts@2")
    assert "--force REASON overrules it" in held.refusal
    assert stages() == {"parts@1": "production", "parts@2": "candidate"}

    assert (
        run("registry", "promote", "parts@2", "--force", "the camera changed").out
        == "parts@2 is in production\n"
    )
    assert stages() == {"parts@1": "archived", "parts@2": "production"}
    assert run("predict", "parts", product.pictures / "dark" / "00.png").out.count("parts@2") == 1
    shown = run("registry", "show", "parts").out
    assert "parent            parts@1\n" in shown
    assert "parts@2 promoted by " in shown
    assert ", displaced @1: forced: the camera changed\n" in shown

    assert run("registry", "rollback", "parts").out == "parts@1 is in production again\n"
    assert "none before it to roll back to" in run("registry", "rollback", "parts").refusal
    assert run("registry", "archive", "parts@2").out == "parts@2 is archived\n"
    assert "promote another release or roll back first" in run("registry", "archive", "parts").refusal
    assert stages() == {"parts@1": "production", "parts@2": "archived"}


def stages() -> dict[str, str]:
    rows = [line.split() for line in run("registry", "list").out.splitlines()]
    return {row[0]: row[1] for row in rows}


def test_the_only_release_has_nothing_to_be_compared_with(shop: Path) -> None:
    assert "nothing else is in production" in run("registry", "compare", "parts").out
    assert run("registry", "promote", "parts@1").out == "parts@1 is in production\n"


def test_an_empty_list_says_so(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("registry", "list", "nope").err == "no releases of 'nope'\n"
    run("init", tmp_path / "new")
    monkeypatch.chdir(tmp_path / "new")
    assert run("registry", "list").err == "no releases yet\n"


@pytest.mark.parametrize("command", ["show", "compare", "promote", "rollback", "archive"])
def test_a_name_that_is_not_there_is_refused(command: str, shop: Path) -> None:
    assert "nope" in run("registry", command, "nope").refusal


@pytest.mark.parametrize("margin", ["-1", "2", "nan", "much"])
@pytest.mark.parametrize("command", ["compare", "promote"])
def test_a_margin_that_is_no_difference_of_shares_is_refused(command: str, margin: str, shop: Path) -> None:
    done = run("registry", command, "parts", "--margin", margin)
    assert (done.status, done.out) == (2, "")
    assert "--margin" in done.err


def test_a_damaged_catalogue_is_refused(shop: Path) -> None:
    (catalogue,) = (shop / ".sightline").glob("catalogue.sqlite")
    for beside in (shop / ".sightline").glob("catalogue.sqlite-*"):
        beside.unlink()
    catalogue.write_bytes(b"not a database, but long enough to be one" * 100)
    assert "catalogue" in run("registry", "list").refusal
