"""What happened to releases: who did it, when and why. Rows are added, never changed."""

import json
import os
import pwd
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal, cast

from sqlalchemy import Connection, RowMapping, insert, select

from sightline.registry.tables import EVENT
from sightline.values.evaluation import Comparison
from sightline.values.release import Release

Action = Literal["added", "promoted", "rolled back", "archived"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a release.

    ``at`` is a time in UTC by ISO 8601; ``who`` the operating system's user. ``displaced`` is the version
    that left production by it, ``comparison`` the gate's verdict on it, where there were such.
    """

    name: str
    version: int
    action: Action
    at: str
    who: str
    why: str
    displaced: int | None = None
    comparison: Comparison | None = None


def record(
    connection: Connection,
    release: Release,
    action: Action,
    *,
    why: str = "",
    displaced: Release | None = None,
    comparison: Comparison | None = None,
) -> None:
    """Add a row about ``release``, now, by the user whose process this is."""
    connection.execute(
        insert(EVENT).values(
            name=release.name,
            version=release.version,
            action=action,
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            who=operating_system_user(),
            why=_storable(why),
            displaced=displaced.version if displaced else None,
            comparison=json.dumps(asdict(comparison)) if comparison else None,
        )
    )


def events(connection: Connection, name: str) -> tuple[Event, ...]:
    """What happened to the releases of ``name``, oldest first."""
    query = select(EVENT).where(EVENT.c.name == name).order_by(EVENT.c.id)
    return tuple(_event(row) for row in connection.execute(query).mappings())


def production_stack(connection: Connection, name: str) -> list[int]:
    """Versions in production, the present one last, each with those below it to roll back to.

    A promotion puts one on top, a rollback takes the top one off: rolling back twice goes back two
    promotions and never forth again.
    """
    stack: list[int] = []
    for event in events(connection, name):
        if event.action == "promoted":
            stack.append(event.version)
        elif event.action == "rolled back":
            stack.pop()
    return stack


def _event(row: RowMapping) -> Event:
    comparison = row["comparison"]
    return Event(
        name=row["name"],
        version=row["version"],
        action=cast(Action, row["action"]),
        at=row["at"],
        who=row["who"],
        why=row["why"],
        displaced=row["displaced"],
        comparison=_comparison(comparison) if comparison else None,
    )


def _comparison(text: str) -> Comparison:
    from pydantic import TypeAdapter

    return TypeAdapter(Comparison).validate_python(json.loads(text))


def operating_system_user() -> str:
    """The user whose process this is."""
    # The account, not the environment's LOGNAME, which anyone can set.
    try:
        return pwd.getpwuid(os.geteuid()).pw_name[:128]
    except KeyError:
        return f"user {os.geteuid()}"


def _storable(text: str) -> str:
    """Bytes of a command line that are no UTF-8, and NUL, which PostgreSQL has no place for, escaped."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
