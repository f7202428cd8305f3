"""Tokens, on both kinds of catalogue."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import InputError, RegistryError
from sightline.registry.access import Access
from sightline.registry.permissions import without_token
from sightline.registry.releases import Registry
from sightline.registry.token_text import new_text, parse_text
from sightline.values.access import Token

NOW = datetime.now(UTC)


def access(registry: Registry) -> Access:
    return Access(registry.engine)


def test_a_token_opens_until_it_expires_or_is_revoked(registry: Registry) -> None:
    tokens = access(registry)
    assert not tokens.snapshot().any_token
    token, text = tokens.make("camera", "predictor", days=2)
    assert tokens.snapshot().check(text, NOW) == token
    assert (token.role, token.state(NOW)) == ("predictor", "valid")
    assert tokens.snapshot().check(text, NOW + timedelta(days=3)) == "expired"
    assert tokens.revoke("camera").state(NOW) == "revoked"
    assert tokens.snapshot().check(text, NOW) == "revoked"
    assert tokens.snapshot().any_token


def test_the_secret_is_nowhere_in_the_catalogue(registry: Registry) -> None:
    tokens = access(registry)
    _, text = tokens.make("camera", "viewer")
    with registry.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM token").all()
    secret = text.rpartition("_")[2]
    assert secret[:32] not in str(rows)
    assert secret not in repr(tokens.all())


def test_a_secret_opens_its_own_token_alone(registry: Registry) -> None:
    tokens = access(registry)
    texts = [tokens.make(name, "viewer")[1] for name in ("a", "b")]
    mixed = texts[0][:19] + texts[1][19:]
    assert parse_text(mixed) is None
    snapshot = tokens.snapshot()
    assert snapshot.check(mixed, NOW) == "unknown"
    assert snapshot.check(new_text(), NOW) == "unknown"


def test_a_name_is_free_again_once_its_token_is_revoked(registry: Registry) -> None:
    tokens = access(registry)
    first, _ = tokens.make("camera", "viewer")
    with pytest.raises(RegistryError, match="there is a token 'camera'; revoke it first"):
        tokens.make("camera", "admin")
    tokens.revoke(first.id)
    second, _ = tokens.make("camera", "admin")
    assert [each.id for each in tokens.all()] == [first.id, second.id]
    with pytest.raises(RegistryError, match="no token 'nobody' that is not revoked"):
        tokens.revoke("nobody")
    with pytest.raises(RegistryError, match="that is not revoked"):
        tokens.revoke(first.id)


@pytest.mark.parametrize(
    ("name", "days", "says"),
    [
        ("No Good", None, "a token's name has 1 to 64"),
        ("camera", 0, "valid for up to 3650 days"),
        ("camera", 4_000, "valid for up to 3650 days"),
        ("camera", float("nan"), "valid for up to 3650 days"),
    ],
)
def test_what_makes_no_token(registry: Registry, name: str, days: float | None, says: str) -> None:
    with pytest.raises(InputError, match=says):
        access(registry).make(name, "viewer", days)
    assert access(registry).all() == ()


def test_a_token_shows_no_secret_and_says_its_state() -> None:
    token = Token("01234567", "a", "viewer", NOW, "me", expires=NOW)
    assert token.state(NOW) == "expired"
    assert token.state(NOW - timedelta(seconds=1)) == "valid"


@given(st.integers(0, len(new_text()) - 1), st.characters())
def test_a_token_that_was_copied_badly_is_told_apart(place: int, other: str) -> None:
    text = new_text()
    changed = text[:place] + other + text[place + 1 :]
    assert (parse_text(changed) is not None) == (changed == text)


@given(st.text(max_size=100))
def test_any_text_is_read_or_not(text: str) -> None:
    assert parse_text(text) is None


def test_modes() -> None:
    modes = {
        (any_token, loopback, insecure): without_token(
            any_token=any_token, loopback=loopback, insecure=insecure
        )
        for any_token in (False, True)
        for loopback in (False, True)
        for insecure in (False, True)
    }
    assert {mode for (any_token, *_), mode in modes.items() if any_token} == {"anonymous"}
    assert modes[False, True, False] == modes[False, True, True] == "operator"
    assert modes[False, False, False] == "anonymous"
    assert modes[False, False, True] == "predictor"
