"""The free columns of every picture: camera, site, time."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sightline.data.csv_table import read_table
from sightline.data.name_columns import columns_from_names
from sightline.errors import DatasetError
from sightline.values.dataset import Finding

Meta = Mapping[str, str]


@dataclass(frozen=True)
class Metadata:
    """``columns`` by name, and for every picture one text for each; empty where nothing is known of it."""

    columns: tuple[str, ...]
    rows: tuple[Meta, ...]
    notes: tuple[Finding, ...]


def gather_metadata(
    paths: Sequence[str], table: Path | None, expression: str | None, own: Sequence[Meta] = ()
) -> Metadata:
    """The set's ``own`` columns, those of a CSV file and those of the file names, for each of ``paths``.

    Raises:
        DatasetError: a source that cannot be used, that knows none of the pictures, or a column that
            two of them name.
    """
    givers = dict.fromkeys((column for meta in own for column in meta), "the set itself")
    rows = [tuple(meta.get(column, "") for column in givers) for meta in own] or [()] * len(paths)
    notes: list[Finding] = []
    for option, source in (("--meta", table), ("--meta-from-name", expression)):
        if not source:
            continue
        unused: list[Finding] = []
        if isinstance(source, Path):
            named, found, unused = _from_table(source, paths)
        else:
            named, found = columns_from_names(source, paths)
        if twice := givers.keys() & set(named):
            giver = givers[min(twice)]
            raise DatasetError(f"{giver} and {option} both give the column {min(twice)!r}; rename one")
        givers |= dict.fromkeys(named, option)
        rows = [one + other for one, other in zip(rows, _filled(found, len(named)), strict=True)]
        notes += _said(found, paths, option) + unused
    columns = tuple(givers)
    shared: dict[tuple[str, ...], Meta] = {}
    return Metadata(columns, tuple(_mapping(columns, row, shared) for row in rows), tuple(notes))


def _from_table(
    table: Path, paths: Sequence[str]
) -> tuple[tuple[str, ...], list[tuple[str, ...] | None], list[Finding]]:
    read = read_table(table, "--meta")
    if not read.columns:
        raise DatasetError(f"{read.name} has no column beside 'path'")
    found = [read.row(path) for path in paths]
    if all(row is None for row in found):
        raise DatasetError(
            f"{read.name} knows none of {len(paths):,} pictures; its paths must be relative to the folder, "
            f"such as {paths[0]!r}"
        )
    return read.columns, found, unused_rows(read.without_picture(paths), "--meta")


def unused_rows(paths: Sequence[str], option: str) -> list[Finding]:
    """What to say about rows of a table that name no picture of the folder."""
    if not paths:
        return []
    words = f"{option}: {len(paths):,} rows name no picture of the folder, the first {paths[0]!r}"
    return [Finding("import", "warning", words, figures={"rows": len(paths)})]


def _said(found: Sequence[tuple[str, ...] | None], paths: Sequence[str], option: str) -> list[Finding]:
    without = [path for path, row in zip(paths, found, strict=True) if row is None]
    if not without:
        return []
    words = (
        f"{option} says nothing about {len(without):,} of {len(paths):,} pictures, the first {without[0]!r}"
    )
    return [Finding("import", "warning", words, tuple(without[:1_000]), {"pictures": len(without)})]


def _filled(found: Sequence[tuple[str, ...] | None], columns: int) -> list[tuple[str, ...]]:
    return [("",) * columns if row is None else row for row in found]


def _mapping(columns: tuple[str, ...], row: tuple[str, ...], shared: dict[tuple[str, ...], Meta]) -> Meta:
    """Pictures with the same texts share one mapping: a million pictures have few cameras."""
    if row not in shared:
        shared[row] = {column: sys.intern(text) for column, text in zip(columns, row, strict=True)}
    return shared[row]
