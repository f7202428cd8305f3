"""Releases: numbered, added, found, promoted and rolled back, each in one transaction."""

import getpass
import re
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, Engine, RowMapping, func, insert, select, text, update

from sightline.errors import GateHeld, InputError, RegistryError
from sightline.registry.tables import EVENT, RELEASE, RESERVED
from sightline.storage.catalogue import transaction
from sightline.storage.files import sha256_file
from sightline.storage.layout import Layout
from sightline.values.evaluation import Comparison
from sightline.values.release import STAGES, Release, Stage

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_REFERENCE = re.compile(r"(?P<name>[^@:]+)(@(?P<version>[0-9]{1,9})|:(?P<stage>[a-z]+))?")
_NUMBERING_LOCK = 0x6E756D62
"""PostgreSQL's advisory lock while versions are numbered and stages change: the letters "numb"."""

Action = Literal["added", "promoted", "rolled back", "archived"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a release. ``displaced`` is the version that left production by it."""

    name: str
    version: int
    action: Action
    at: str
    who: str
    why: str
    displaced: int | None


@dataclass(frozen=True, slots=True)
class Registry:
    """All releases of a workspace. Every method is one transaction: a crash leaves the old state or the new."""

    engine: Engine
    layout: Layout

    def reserve(self, name: str) -> int:
        """The next version number of ``name``, from 1; nobody else is ever given the same.

        A number whose build died is skipped. Raises InputError for an impossible name.
        """
        check_name(name)
        with self._transaction() as connection:
            numbers = [
                connection.execute(select(func.max(table.c.version)).where(table.c.name == name)).scalar() or 0
                for table in (RELEASE, RESERVED)
            ]
            version = max(numbers) + 1
            connection.execute(insert(RESERVED).values(name=name, version=version, at=_now()))
        return version

    def add(self, release: Release) -> Release:
        """Record a sealed file as a candidate.

        Raises:
            RegistryError: the version is there already, or the file is not what the release says.
        """
        check_name(release.name)
        if sha256_file(self.layout.root / release.path) != release.sha256:
            raise RegistryError(f"{release.path} is not the file that {release} was sealed as")
        added = replace(release, stage="candidate")
        with self._transaction() as connection:
            if _find(connection, added.name, added.version):
                raise RegistryError(f"{added} is in the registry already; versions never change")
            connection.execute(insert(RELEASE).values(**asdict(added)))
            _record(connection, added, "added", "", None)
        return added

    def get(self, reference: str) -> Release:
        """A release by ``NAME`` (the one in production), ``NAME@VERSION`` or ``NAME:STAGE`` (the newest there).

        Raises:
            InputError: another form.
            RegistryError: there is none; says which there are.
        """
        parts = _REFERENCE.fullmatch(reference)
        if parts is None or (parts["stage"] and parts["stage"] not in STAGES):
            raise InputError(f"a release is NAME, NAME@VERSION or NAME:STAGE ({', '.join(STAGES)}), got {reference!r}")
        own = self.all(check_name(parts["name"]))
        wanted: Stage | str = parts["stage"] or "production"
        if parts["version"]:
            found = [r for r in own if r.version == int(parts["version"])]
        else:
            found = [r for r in own if r.stage == wanted]
        if found:
            return found[-1]
        there = ", ".join(f"{r} ({r.stage})" for r in own[-5:])
        raise RegistryError(f"no release {reference!r}; " + (f"there are {there}" if own else f"{parts['name']!r} has none"))

    def all(self, name: str | None = None) -> tuple[Release, ...]:
        """Releases by name and version."""
        query = select(RELEASE).order_by(RELEASE.c.name, RELEASE.c.version)
        if name is not None:
            query = query.where(RELEASE.c.name == name)
        with self._transaction() as connection:
            return tuple(_release(row) for row in connection.execute(query).mappings())

    def production(self, name: str) -> Release | None:
        """The release in production, if there is one."""
        return next((release for release in self.all(check_name(name)) if release.stage == "production"), None)

    def promote(
        self, name: str, version: int, *, comparison: Comparison | None = None, force_reason: str | None = None
    ) -> Release:
        """Put a release into production and archive the one that was there.

        ``comparison`` is with the release in production; it may be missing only where none is there,
        or with a ``force_reason``.

        Raises:
            RegistryError: no such release.
            GateHeld: the comparison does not pass, and nobody forces it.
        """
        with self._transaction() as connection:
            chosen = _wanted(connection, name, version)
            displaced = _in_production(connection, name)
            if displaced is not None and displaced.version == version:
                return displaced
            if displaced is not None and not force_reason:
                _ask_gate(chosen, displaced, comparison)
            why = f"forced: {force_reason}" if force_reason else _reason(comparison)
            return _put_into_production(connection, chosen, displaced, "promoted", why)

    def rollback(self, name: str) -> Release:
        """Put the release back that the one in production displaced.

        Raises:
            RegistryError: nothing is in production, or nothing was before it.
        """
        with self._transaction() as connection:
            current = _in_production(connection, check_name(name))
            if current is None:
                raise RegistryError(f"{name!r} has no release in production to roll back from")
            before = connection.execute(
                select(EVENT.c.displaced)
                .where(EVENT.c.name == name, EVENT.c.version == current.version, EVENT.c.action == "promoted")
                .order_by(EVENT.c.id.desc())
            ).scalar()
            if before is None:
                raise RegistryError(f"{current} is the first release of {name!r} in production; nothing to roll back to")
            return _put_into_production(connection, _wanted(connection, name, before), current, "rolled back", "")

    def archive(self, name: str, version: int) -> Release:
        """Take a candidate out of the way.

        Raises:
            RegistryError: no such release, or it is in production.
        """
        with self._transaction() as connection:
            chosen = _wanted(connection, name, version)
            if chosen.stage == "production":
                raise RegistryError(f"{chosen} is in production; promote another release or roll back first")
            archived = _set_stage(connection, chosen, "archived")
            _record(connection, archived, "archived", "", None)
        return archived

    def history(self, name: str) -> tuple[Event, ...]:
        """What happened to the releases of ``name``, oldest first."""
        query = select(EVENT).where(EVENT.c.name == check_name(name)).order_by(EVENT.c.id)
        with self._transaction() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        return tuple(Event(**{key: row[key] for key in Event.__dataclass_fields__}) for row in rows)

    def _transaction(self) -> "_Numbered":
        return _Numbered(self.engine)


class _Numbered:
    """A transaction that no other one of the registry overlaps, on either database."""

    def __init__(self, engine: Engine) -> None:
        self._inner = transaction(engine)
        self._postgresql = engine.dialect.name == "postgresql"

    def __enter__(self) -> Connection:
        connection = self._inner.__enter__()
        if self._postgresql:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _NUMBERING_LOCK})
        return connection

    def __exit__(self, *error: object) -> bool | None:
        return self._inner.__exit__(*error)  # type: ignore[arg-type]


def check_name(name: str) -> str:
    """``name`` itself.

    Raises:
        InputError: it is not a possible name of a model.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"a model's name is 1 to 64 of a-z, 0-9, dot, dash and underscore, and begins with a letter or digit; got {name!r}"
        )
    return name


def _ask_gate(chosen: Release, displaced: Release, comparison: Comparison | None) -> None:
    if comparison is None:
        raise GateHeld(f"{chosen} was not compared with {displaced}, which is in production")
    if not comparison.passes:
        more = f"; about {comparison.lacking:,} more test pictures are lacking" if comparison.lacking else ""
        raise GateHeld(
            f"the gate holds {chosen} ({comparison.verdict}): against {displaced} its {comparison.metric} differs by "
            f"{comparison.difference.value:+.4f}, with 95 % confidence no lower than {comparison.lower:+.4f}, and more than "
            f"{comparison.margin:+.4f} is wanted{more}; --force REASON overrules it"
        )


def _reason(comparison: Comparison | None) -> str:
    if comparison is None:
        return "nothing was in production"
    return f"{comparison.verdict}: {comparison.metric} {comparison.difference.value:+.4f}, lower end {comparison.lower:+.4f}"


def _put_into_production(
    connection: Connection, chosen: Release, displaced: Release | None, action: Action, why: str
) -> Release:
    if displaced is not None:
        _set_stage(connection, displaced, "archived")
    promoted = _set_stage(connection, chosen, "production")
    _record(connection, promoted, action, why, displaced.version if displaced else None)
    return promoted


def _set_stage(connection: Connection, release: Release, stage: Stage) -> Release:
    same = (RELEASE.c.name == release.name) & (RELEASE.c.version == release.version)
    connection.execute(update(RELEASE).where(same).values(stage=stage))
    return replace(release, stage=stage)


def _record(connection: Connection, release: Release, action: Action, why: str, displaced: int | None) -> None:
    event = Event(release.name, release.version, action, _now(), _who(), why, displaced)
    connection.execute(insert(EVENT).values(**asdict(event)))


def _find(connection: Connection, name: str, version: int) -> Release | None:
    query = select(RELEASE).where(RELEASE.c.name == name, RELEASE.c.version == version)
    row = connection.execute(query).mappings().first()
    return _release(row) if row else None


def _wanted(connection: Connection, name: str, version: int) -> Release:
    found = _find(connection, check_name(name), version)
    if found is None:
        raise RegistryError(f"no release {name}@{version}")
    return found


def _in_production(connection: Connection, name: str) -> Release | None:
    query = select(RELEASE).where(RELEASE.c.name == name, RELEASE.c.stage == "production")
    row = connection.execute(query).mappings().first()
    return _release(row) if row else None


def _release(row: RowMapping) -> Release:
    return Release(**{key: row[key] for key in Release.__dataclass_fields__})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _who() -> str:
    try:
        return getpass.getuser()[:128]
    except (KeyError, OSError):
        return "unknown"
