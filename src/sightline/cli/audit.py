"""Say what is wrong with a folder of pictures, and change nothing."""

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli._pictures import (
    Format,
    GroupBy,
    Include,
    Meta,
    MetaFromName,
    Seed,
    Split,
    StratifyBy,
    Unlabelled,
    import_options,
)


def add_to(app: typer.Typer) -> None:
    """``sightline audit``."""
    app.command("audit")(audit)


def audit(
    pictures: Annotated[Path, typer.Argument(help="A folder of pictures with classes or boxes.")],
    include: Include = "*",
    meta: Meta = None,
    meta_from_name: MetaFromName = "",
    group_by: GroupBy = "",
    stratify_by: StratifyBy = "",
    split: Split = None,
    unlabelled: Unlabelled = "refuse",
    form: Format = "auto",
    seed: Seed = 0,
) -> None:
    """Read every picture once and report what would hurt a model."""
    from sightline.cli._terminal import Terminal
    from sightline.values.dataset import SPLITS
    from sightline.workspace import Workspace

    options = import_options(
        include, meta, meta_from_name, group_by, stratify_by, split, unlabelled, seed=seed, form=form
    )
    with Terminal() as terminal:
        dataset, report = Workspace.audit(pictures, options, terminal)
        counts = ", ".join(f"{len(dataset.part(split)):,} {split}" for split in SPLITS)
        classes = "1 class" if len(dataset.classes) == 1 else f"{len(dataset.classes)} classes"
        boxes = f"{sum(len(each.labels) for each in dataset.samples):,} boxes of "
        what = boxes + classes if dataset.task == "detection" else classes
        terminal.say(f"{len(dataset.samples):,} pictures, {what} ({counts})")
        for finding in report.findings:
            terminal.say(f"{finding.severity}: {finding.message}")
        for gone in dataset.set_aside:
            terminal.say(f"set aside: {gone.path!r}: {gone.reason}")
        if not report.findings and not dataset.set_aside:
            terminal.say(f"nothing found by {', '.join(report.checks)}")
