"""Releases: numbered, added, found, promoted and rolled back, each in one transaction."""

import difflib
import re
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection, Engine, RowMapping, insert, select, text, update

from sightline.errors import GateHeld, RegistryError
from sightline.registry.events import Event, events, production_stack, record
from sightline.registry.references import check_name, parse_reference
from sightline.registry.tables import MODEL, RELEASE
from sightline.storage.catalogue import reading, transaction
from sightline.storage.files import confined, sha256_file
from sightline.storage.layout import Layout
from sightline.values.evaluation import Comparison
from sightline.values.release import Release, Stage

_NEXT_NUMBER = text(
    "INSERT INTO model (name, last_version) VALUES (:name, :on_disk + 1) ON CONFLICT (name) DO UPDATE SET "
    "last_version = CASE WHEN model.last_version > :on_disk THEN model.last_version ELSE :on_disk END + 1 "
    "RETURNING last_version"
)


@dataclass(frozen=True, slots=True)
class Registry:
    """All releases of a workspace, in the catalogue ``engine``.

    Every method is one transaction: a crash leaves the old state or the new. A sealed file that was
    written without getting to ``add`` is no release, and its number is not given out again.
    """

    engine: Engine
    layout: Layout

    def reserve(self, name: str) -> int:
        """The next version number of ``name``, from 1; nobody else is ever given the same.

        A number whose build died is left out, and so is one whose sealed file lies in ``models/``.

        Raises:
            InputError: a model cannot be called ``name``.
        """
        check_name(name)
        with transaction(self.engine) as connection:
            given = connection.execute(_NEXT_NUMBER, {"name": name, "on_disk": self._last_on_disk(name)})
            return int(given.scalar_one())

    def add(self, release: Release) -> Release:
        """Record the sealed file of a reserved version, as a candidate.

        Raises:
            RegistryError: the version is there already or was never reserved, or the file is not what the
                release says.
        """
        added = replace(release, stage="candidate")
        self._check_file(added)
        with transaction(self.engine) as connection:
            if added.version > _lock(connection, check_name(added.name)):
                raise RegistryError(f"the number of {added} was never reserved")
            if _find(connection, added.name, added.version):
                raise RegistryError(f"{added} is in the registry already; a release never changes")
            connection.execute(insert(RELEASE).values(**asdict(added)))
            record(connection, added, "added")
        return added

    def get(self, reference: str) -> Release:
        """A release by ``NAME`` (in production), ``NAME@VERSION`` or ``NAME:STAGE`` (the newest there).

        Raises:
            InputError: another form.
            RegistryError: there is none; says which there are.
        """
        wanted = parse_reference(reference)
        own = self.all(wanted.name)
        if wanted.version is None:
            found = [release for release in own if release.stage == wanted.stage]
        else:
            found = [release for release in own if release.version == wanted.version]
        if not found:
            raise RegistryError(f"no release {reference!r}; {self._what_there_is(wanted.name, own)}")
        return found[-1]

    def all(self, name: str | None = None) -> tuple[Release, ...]:
        """Releases by name and version."""
        query = select(RELEASE).order_by(RELEASE.c.name, RELEASE.c.version)
        if name is not None:
            query = query.where(RELEASE.c.name == check_name(name))
        with reading(self.engine) as connection:
            return tuple(_release(row) for row in connection.execute(query).mappings())

    def production(self, name: str) -> Release | None:
        """The release in production, if there is one."""
        with reading(self.engine) as connection:
            return _in_production(connection, check_name(name))

    def promote(
        self,
        name: str,
        version: int,
        *,
        comparison: Comparison | None = None,
        against: int | None = None,
        force_reason: str | None = None,
    ) -> Release:
        """Put a release into production and archive the one that was there.

        ``comparison`` is with the release in production, whose version ``against`` says; it may be missing
        only where none is there, or with a ``force_reason``. What is in production already stays.

        Raises:
            RegistryError: no such release, or its file is not what was sealed.
            GateHeld: the comparison does not pass, or is with another than is in production now, and
                nobody forces it.
        """
        force_reason = (force_reason or "").strip()
        with reading(self.engine) as connection:
            to_promote = _wanted(connection, name, version)
        self._check_file(to_promote)
        with transaction(self.engine) as connection:
            _lock(connection, name)
            chosen, current = _wanted(connection, name, version), _in_production(connection, name)
            if current is not None and current.version == version:
                return current
            if current is not None and not force_reason:
                _ask_gate(chosen, current, comparison, against)
            why = f"forced: {force_reason}" if force_reason else _reason(comparison)
            promoted = _exchange(connection, chosen, current)
            record(connection, promoted, "promoted", why=why, displaced=current, comparison=comparison)
        return promoted

    def rollback(self, name: str, why: str = "") -> Release:
        """Put the release back that was in production before, and archive the present one.

        Raises:
            RegistryError: nothing is in production, nothing was before, or its file is not what was sealed.
        """
        with reading(self.engine) as connection:
            present, before = _top_two(connection, check_name(name))
        self._check_file(before)
        with transaction(self.engine) as connection:
            _lock(connection, name)
            if _top_two(connection, name) != (present, before):
                raise RegistryError(
                    f"another process changed what is in production of {name!r}; look, and try again"
                )
            back = _exchange(connection, before, present)
            record(connection, back, "rolled back", why=why, displaced=present)
        return back

    def archive(self, name: str, version: int, why: str = "") -> Release:
        """Take a candidate out of the way; its file stays.

        Raises:
            RegistryError: no such release, or it is in production.
        """
        with transaction(self.engine) as connection:
            _lock(connection, check_name(name))
            chosen = _wanted(connection, name, version)
            if chosen.stage == "production":
                raise RegistryError(f"{chosen} is in production; promote another release or roll back first")
            if chosen.stage == "candidate":
                chosen = _set_stage(connection, chosen, "archived")
                record(connection, chosen, "archived", why=why)
        return chosen

    def history(self, name: str) -> tuple[Event, ...]:
        """What happened to the releases of ``name``, oldest first."""
        with reading(self.engine) as connection:
            return events(connection, check_name(name))

    def lineage(self, reference: str) -> tuple[Release, ...]:
        """The release, its parent, that one's parent and so on, as far as this registry knows them.

        Raises:
            RegistryError: no such release.
        """
        line = [self.get(reference)]
        known = {str(release): release for release in self.all()}
        while (parent := known.get(line[-1].parent or "")) is not None and parent not in line:
            line.append(parent)
        return tuple(line)

    def _last_on_disk(self, name: str) -> int:
        """The highest version of ``name`` in ``models/``, which may be older than the catalogue."""
        sealed = re.compile(rf"{re.escape(name)}-([1-9][0-9]{{0,7}})\.sight")
        files = self.layout.models.iterdir() if self.layout.models.is_dir() else ()
        return max((int(found[1]) for file in files if (found := sealed.fullmatch(file.name))), default=0)

    def _check_file(self, release: Release) -> None:
        if sha256_file(confined(self.layout.root, release.path)) != release.sha256:
            raise RegistryError(
                f"{release.path!r} is not the file that {release} was sealed as; its bytes changed"
            )

    def _what_there_is(self, name: str, own: tuple[Release, ...]) -> str:
        if own:
            return "there are: " + ", ".join(f"{release} ({release.stage})" for release in own[-5:])
        names = sorted({release.name for release in self.all()})
        near = difflib.get_close_matches(name, names, n=1)
        hint = f". Did you mean {near[0]!r}?" if near else ""
        return f"there are releases of: {', '.join(names[:10])}{hint}" if names else "the registry is empty"


def _lock(connection: Connection, name: str) -> int:
    """Hold everything of ``name`` until the transaction ends; gives its last version number, or 0."""
    row = select(MODEL.c.last_version).where(MODEL.c.name == name).with_for_update()
    return connection.execute(row).scalar() or 0


def _ask_gate(chosen: Release, current: Release, comparison: Comparison | None, against: int | None) -> None:
    if comparison is None:
        raise GateHeld(f"{chosen} was not compared with {current}, which is in production")
    if against is not None and against != current.version:
        raise GateHeld(
            f"{chosen} was compared with @{against}, but {current} is in production now; compare again"
        )
    if not comparison.passes:
        more = f"; about {comparison.lacking:,} more test pictures are lacking" if comparison.lacking else ""
        raise GateHeld(
            f"the gate holds {chosen} ({comparison.verdict}): {_figures(comparison)} against {current}, and "
            f"a lower end above {comparison.margin:+.4f} is wanted{more}; --force REASON overrules it"
        )


def _reason(comparison: Comparison | None) -> str:
    if comparison is None:
        return "nothing was in production"
    return f"{comparison.verdict}: {_figures(comparison)}"


def _figures(comparison: Comparison) -> str:
    """Such as ``top1 +0.0120 with a lower 95 % end of +0.0020``."""
    difference, lower = comparison.difference.value, comparison.lower
    return f"{comparison.metric} {difference:+.4f} with a lower 95 % end of {lower:+.4f}"


def _top_two(connection: Connection, name: str) -> tuple[Release, Release]:
    """The release in production and the one before it."""
    stack = production_stack(connection, name)
    if not stack:
        raise RegistryError(f"{name!r} has no release in production to roll back from")
    if len(stack) == 1:
        raise RegistryError(
            f"{name}@{stack[0]} was the first in production; there is none before it to roll back to"
        )
    return _wanted(connection, name, stack[-1]), _wanted(connection, name, stack[-2])


def _exchange(connection: Connection, chosen: Release, current: Release | None) -> Release:
    if current is not None:
        _set_stage(connection, current, "archived")
    return _set_stage(connection, chosen, "production")


def _set_stage(connection: Connection, release: Release, stage: Stage) -> Release:
    same = (RELEASE.c.name == release.name) & (RELEASE.c.version == release.version)
    connection.execute(update(RELEASE).where(same).values(stage=stage))
    return replace(release, stage=stage)


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
    return Release(**{column: row[column] for column in Release.__dataclass_fields__})
