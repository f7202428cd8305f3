"""From a judged model to a release: number, seal, compare with what is in production, promote or hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from sightline import __version__
from sightline.bundle.card import model_card
from sightline.bundle.keys import make_key
from sightline.bundle.reference import Reference, write_reference
from sightline.bundle.seal import bundle_file_name, seal
from sightline.errors import GateHeld
from sightline.evaluate.gates import explain
from sightline.pipeline.comparing import INCOMPARABLE, compare_releases
from sightline.pipeline.fitting import Fitted
from sightline.pipeline.judging import Judged
from sightline.pipeline.watch import Watcher
from sightline.registry.releases import Registry
from sightline.storage.files import sha256_bytes
from sightline.storage.layout import Layout
from sightline.values.dataset import AuditReport, Dataset
from sightline.values.evaluation import Comparison
from sightline.values.release import Manifest, Release, Variant


@dataclass(frozen=True)
class Released:
    """A release, how it compared with the one in production before, and what that led to, in words."""

    release: Release
    comparison: Comparison | None
    outcome: str


def add_release(
    name: str,
    version: int,
    fitted: Fitted,
    judged: Judged,
    dataset: Dataset,
    audit: AuditReport,
    layout: Layout,
    registry: Registry,
    variants: Mapping[str, Variant],
    watch: Watcher,
) -> Release:
    """Seal the reserved ``version`` of ``name`` and make it a candidate."""
    from sightline.train.recipes import recipe_json

    incumbent = registry.production(name)
    manifest = _manifest(name, version, fitted, judged, incumbent)
    return seal_and_add(
        manifest,
        judged.model,
        judged.test.reference,
        model_card(manifest, dataset, judged.evaluation, audit, variants),
        dataset.fingerprint,
        sha256_bytes(recipe_json(fitted.recipe)),
        layout,
        registry,
        watch,
        variants,
    )


def seal_and_add(
    manifest: Manifest,
    model: bytes,
    reference: Reference,
    card: str,
    dataset_fingerprint: str,
    recipe_sha256: str,
    layout: Layout,
    registry: Registry,
    watch: Watcher,
    variants: Mapping[str, Variant] = MappingProxyType({}),
) -> Release:
    """Seal ``model`` under the reserved version of its ``manifest`` and make it a candidate."""
    path = layout.models / bundle_file_name(manifest)
    bundle = seal(
        path,
        manifest,
        model=model,
        reference=write_reference(reference),
        card=card,
        key=make_key(layout),
        variants=variants,
    )
    made = registry.add(
        Release(
            name=manifest.name,
            version=manifest.version,
            stage="candidate",
            path=path.relative_to(layout.root).as_posix(),
            sha256=bundle.sha256,
            dataset_fingerprint=dataset_fingerprint,
            recipe_sha256=recipe_sha256,
            code_version=__version__,
            parent=manifest.parents[0] if manifest.parents else None,
            created=manifest.created,
        )
    )
    watch.say(f"sealed: {made.path} ({len(model) / 1e6:.1f} MB model), signed by {bundle.signer}")
    return made


def offer(made: Release, layout: Layout, registry: Registry, margin: float, watch: Watcher) -> Released:
    """Promote a candidate where nothing is in production.

    A release in production is never replaced here: the paired comparison is made and said.
    """
    incumbent = registry.production(made.name)
    comparison = None
    if incumbent is None:
        made, outcome = _promote_first(made, registry)
    elif incumbent.version == made.version:
        made, outcome = incumbent, f"{incumbent} is in production"
    else:
        comparison, outcome = _compare(made, incumbent, layout, margin, watch)
    watch.say(outcome)
    return Released(made, comparison, outcome)


def _promote_first(made: Release, registry: Registry) -> tuple[Release, str]:
    try:
        promoted = registry.promote(made.name, made.version)
    except GateHeld as held:
        # Another process put the first release of this name there meanwhile.
        return made, f"{made} stays a candidate: {held}"
    return promoted, f"{promoted} is in production, the first release of {promoted.name} there"


def _compare(
    made: Release, incumbent: Release, layout: Layout, margin: float, watch: Watcher
) -> tuple[Comparison | None, str]:
    stays = f"{made} stays a candidate and {incumbent} in production"
    try:
        comparison = compare_releases(made, incumbent, layout, watch, margin)
    except INCOMPARABLE as error:
        return None, f"{stays}, not compared: {error}"
    watch.say(explain(comparison))
    force = "" if comparison.passes else " --force REASON"
    return comparison, f"{stays}; to promote it: sightline registry promote {made}{force}"


def _manifest(name: str, version: int, fitted: Fitted, judged: Judged, incumbent: Release | None) -> Manifest:
    recipe = fitted.recipe
    licences = {"sightline": "Apache-2.0"}
    if recipe.weights.kind != "scratch":
        licences[f"initial weights {recipe.weights.name}"] = recipe.weights.licence or "not stated"
    return Manifest(
        name=name,
        version=version,
        contract=judged.contract,
        thresholds=judged.thresholds,
        calibration=judged.calibration,
        metrics=judged.evaluation.headline if judged.evaluation else {},
        parity=judged.parity,
        recipe=recipe,
        parents=(str(incumbent),) if incumbent else (),
        licences=licences,
        code_version=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
