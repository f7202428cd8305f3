"""Tokens: made, listed, revoked, and checked against a copy in memory."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Engine, RowMapping, insert, select, update

from sightline.errors import InputError, RegistryError, StorageError
from sightline.registry.events import operating_system_user
from sightline.registry.references import check_name
from sightline.registry.tables import TOKEN
from sightline.registry.token_text import new_text, parse_text
from sightline.storage.catalogue import reading, transaction
from sightline.values.access import ROLES, Role, Token

_LONGEST_DAYS = 3_650
_NOBODYS = "0" * 64


@dataclass(frozen=True, slots=True)
class TokenSnapshot:
    """All tokens as they were at one moment, by id, with their secrets' digests."""

    tokens: Mapping[str, tuple[Token, str]]

    @property
    def any_token(self) -> bool:
        """Whether one was ever made, be it valid or not: a server that had tokens stays closed."""
        return bool(self.tokens)

    def check(self, text: str, now: datetime) -> Token | Literal["unknown", "expired", "revoked"]:
        """The token that ``text`` is, or why it opens nothing.

        An id that is not known takes as long as a secret that is wrong.
        """
        shown = parse_text(text)
        if shown is None:
            return "unknown"
        token, digest = self.tokens.get(shown.id, (None, _NOBODYS))
        if not hmac.compare_digest(digest, shown.digest) or token is None:
            return "unknown"
        state = token.state(now)
        return token if state == "valid" else state


@dataclass(frozen=True, slots=True)
class Access:
    """The tokens in the catalogue ``engine``."""

    engine: Engine

    def make(self, name: str, role: Role, days: float | None = None) -> tuple[Token, str]:
        """A new token, valid for so many ``days`` or for good, and its text, which is not kept anywhere.

        Raises:
            InputError: no token may have that name, role or time.
            RegistryError: one of that name is not revoked yet.
        """
        check_name(name, "token")
        if role not in ROLES:
            raise InputError(f"a role is one of {', '.join(ROLES)}, got {role!r}")
        if days is not None and not 0 < days <= _LONGEST_DAYS:
            raise InputError(f"a token is valid for up to {_LONGEST_DAYS} days, got {days:g}")
        text, now = new_text(), _now()
        shown = parse_text(text)
        if shown is None:
            raise AssertionError(text)
        expires = now + timedelta(days=days) if days else None
        token = Token(shown.id, name, role, now, operating_system_user(), expires)
        with transaction(self.engine) as connection:
            if _open_named(connection, name):
                raise RegistryError(f"there is a token {name!r}; revoke it first, or choose another name")
            connection.execute(
                insert(TOKEN).values(
                    id=token.id,
                    name=name,
                    role=role,
                    digest=shown.digest,
                    made=_text(now),
                    made_by=token.made_by,
                    expires=_text(expires),
                )
            )
        return token, text

    def all(self) -> tuple[Token, ...]:
        """All tokens, oldest first."""
        found = sorted(self.snapshot().tokens.values(), key=lambda each: (each[0].made, each[0].id))
        return tuple(token for token, _ in found)

    def revoke(self, wanted: str) -> Token:
        """Make the token with this id or name open nothing any more.

        Raises:
            RegistryError: there is none that is not revoked already.
        """
        with transaction(self.engine) as connection:
            called = (TOKEN.c.id == wanted) | (TOKEN.c.name == wanted)
            query = select(TOKEN).where(called, TOKEN.c.revoked.is_(None))
            found = connection.execute(query).mappings().first()
            if found is None:
                raise RegistryError(f"no token {wanted!r} that is not revoked; see: sightline token list")
            change = {"revoked": _text(_now()), "revoked_by": operating_system_user()}
            connection.execute(update(TOKEN).where(TOKEN.c.id == found["id"]).values(**change))
            return _token({**found, **change})

    def snapshot(self) -> TokenSnapshot:
        """All of them, to check many requests against.

        Raises:
            StorageError: the catalogue refused, or has a role that is not known here.
        """
        with reading(self.engine) as connection:
            rows = connection.execute(select(TOKEN)).mappings().all()
        return TokenSnapshot({row["id"]: (_token(row), row["digest"]) for row in rows})


def _open_named(connection: Connection, name: str) -> bool:
    query = select(TOKEN.c.id).where(TOKEN.c.name == name, TOKEN.c.revoked.is_(None))
    return connection.execute(query).first() is not None


def _token(row: RowMapping | Mapping[str, Any]) -> Token:
    role = next((each for each in ROLES if each == row["role"]), None)
    if role is None:
        raise StorageError(
            f"token {row['id']} has the role {row['role']!r}, which this sightline does not know"
        )
    made = _time(row["made"])
    if made is None:
        raise StorageError(f"token {row['id']} does not say when it was made")
    return Token(
        row["id"],
        row["name"],
        role,
        made,
        row["made_by"],
        _time(row["expires"]),
        _time(row["revoked"]),
        row["revoked_by"],
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
