"""The whole of sightline from Python: each method is the twin of a command."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sightline.bundle.keys import SigningKey, make_key, trusted
from sightline.bundle.verify import open_bundle
from sightline.errors import GateHeld, WorkspaceError
from sightline.evaluate.gates import BUDGET, MARGIN
from sightline.infer.offline import Progress, predict_paths
from sightline.infer.predictor import Predictor
from sightline.monitor.prediction_log import PredictionLog
from sightline.pipeline.collecting import HOURS, Leftover, free, leftovers
from sightline.pipeline.comparing import INCOMPARABLE, compare_releases
from sightline.pipeline.compressing import compress_release
from sightline.pipeline.watch import Unwatched, Watcher
from sightline.registry.access import Access
from sightline.registry.opening import open_registered
from sightline.registry.releases import Registry
from sightline.settings import settings
from sightline.storage.catalogue import open_catalogue
from sightline.storage.layout import Layout, find_workspace, init_workspace, read_config
from sightline.values.dataset import AuditReport, Dataset
from sightline.values.evaluation import Comparison
from sightline.values.prediction import Prediction, Unanswered
from sightline.values.release import Bundle, Release

if TYPE_CHECKING:
    from sightline.data.converting import Converted
    from sightline.data.importing import ImportOptions
    from sightline.pipeline.build import BuildOptions, Built
    from sightline.pipeline.deploying import DeployOptions, Written
    from sightline.pipeline.importing import ForeignOptions
    from sightline.pipeline.releasing import Released


class Workspace:
    """A folder in which models, runs and the catalogue lie.

    Example:
        >>> import tempfile
        >>> workspace = Workspace.init(tempfile.mkdtemp())
        >>> workspace.releases()
        ()
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    @classmethod
    def init(cls, folder: Path | str) -> Self:
        """Make ``folder`` a workspace, or open the one that it is; make and trust a key where there is none.

        Raises:
            StorageError: the disk refused.
        """
        workspace = cls(init_workspace(Path(folder)))
        make_key(workspace.layout)
        return workspace

    @classmethod
    def open(cls, folder: Path | str = ".") -> Self:
        """The workspace that ``folder`` lies in.

        Raises:
            WorkspaceError: it lies in none.
        """
        layout = find_workspace(Path(folder))
        if layout is None:
            raise WorkspaceError(
                f"{str(Path(folder).resolve())!r} lies in no workspace; make one with: sightline init"
            )
        return cls(layout)

    @property
    def root(self) -> Path:
        """The workspace's folder."""
        return self.layout.root

    @cached_property
    def registry(self) -> Registry:
        """The releases."""
        return Registry(open_catalogue(self._catalogue), self.layout)

    @property
    def _catalogue(self) -> str:
        return settings().catalogue or read_config(self.layout).catalogue or self.layout.catalogue_url

    @property
    def access(self) -> Access:
        """The tokens that open a server."""
        return Access(self.registry.engine)

    @property
    def predictions(self) -> PredictionLog:
        """What servers answered, and what people said was true."""
        return PredictionLog(self.layout.predictions)

    @property
    def key(self) -> SigningKey:
        """The user's signing key, made and trusted here where there is none."""
        return make_key(self.layout)

    def build(self, pictures: Path | None, options: "BuildOptions") -> "Built":
        """Pictures in, a sealed release and a report out. Needs the extra ``train``."""
        from sightline.pipeline.build import build, read_pictures

        return build(read_pictures(pictures, options), options, self.layout, self.registry)

    @staticmethod
    def audit(
        pictures: Path, options: "ImportOptions", watch: Watcher | None = None
    ) -> tuple[Dataset, AuditReport]:
        """The dataset that ``pictures`` would become, and what the audit finds in it; nothing is kept."""
        from sightline.data.auditing import audit
        from sightline.data.importing import import_folder

        teller = watch or Unwatched()
        imported = import_folder(
            pictures, options, lambda done, total: teller.progress("import", done, total)
        )
        return imported.dataset, audit(imported)

    @staticmethod
    def convert(
        source: Path, target: Path, format_name: str, options: "ImportOptions", watch: Watcher | None = None
    ) -> "Converted":
        """Copy the set in ``source`` into the new folder ``target`` in another format."""
        from sightline.data.converting import convert

        teller = watch or Unwatched()
        return convert(
            source,
            target,
            format_name,
            options,
            lambda done, total: teller.progress("import", done, total),
        )

    def bundle(self, reference: str) -> Bundle:
        """The verified bundle of a release: ``NAME`` (in production), ``NAME@VERSION`` or ``NAME:STAGE``.

        Raises:
            RegistryError: no such release.
            BundleError: its bytes are not what was sealed and registered, or nobody here trusts the signer.
        """
        return open_registered(self.registry.get(reference), self.layout)

    def predict(
        self,
        reference: str,
        pictures: Iterable[Path],
        progress: Progress | None = None,
        *,
        top: int | None = None,
        variant: str = "",
    ) -> Iterator[Prediction | Unanswered]:
        """Answers of a release about files and folders, in order. Needs no extra."""
        return predict_paths(Predictor(self.bundle(reference), top=top, variant=variant), pictures, progress)

    def compress(
        self,
        reference: str,
        variant: str = "int8",
        *,
        budget: float = BUDGET,
        accept_undecided: bool = False,
        cache_bytes: int = 4 * 10**9,
        watch: Watcher | None = None,
    ) -> Release:
        """The next version of a release, with a compressed ``variant`` in it. Needs the extra ``train``.

        Raises:
            ParityError: the variant loses more than ``budget``, or is not shown to lose no more.
            InputError: the pictures that the release was made with are lacking.
        """
        return compress_release(
            self.registry.get(reference),
            variant,
            self.layout,
            self.registry,
            cache_bytes,
            budget,
            accept_undecided,
            watch or Unwatched(),
        )

    def import_model(self, file: Path, description: Path, options: "ForeignOptions") -> "Released":
        """A model that was trained elsewhere becomes a release. Needs the extra ``onnx``, and no torch.

        Raises:
            BundleError: the file is refused, or does not do what its description says.
            ParityError: it does not answer as the reference outputs say.
        """
        from sightline.pipeline.importing import import_model

        return import_model(file, description, options, self.layout, self.registry)

    def deploy(self, target: str, options: "DeployOptions", folder: Path | None = None) -> "Written":
        """Write the files that run a server elsewhere, by default into ``deploy/TARGET``; nothing is run.

        Raises:
            UnknownPlugin: no such target.
            InputError: it cannot run so, or files are there that were changed.
        """
        from sightline.pipeline.deploying import deploy

        return deploy(target, folder or self.root / "deploy" / target, options, self.layout, self._catalogue)

    def gc(self, hours: float = HOURS, *, dry_run: bool = False) -> tuple[Leftover, ...]:
        """Free what nothing refers to and is at least that many hours old; give what it was, or would be.

        Raises:
            StorageError: the catalogue or the disk refused.
        """
        found = leftovers(self.layout, self.registry, hours)
        for each in () if dry_run else found:
            free(each)
        return found

    def releases(self, name: str | None = None) -> tuple[Release, ...]:
        """All releases, or those of one name."""
        return tuple(self.registry.all(name))

    def compare(
        self, reference: str, margin: float = MARGIN, watch: Watcher | None = None
    ) -> Comparison | None:
        """The release against the one in production, on its own test pictures; None where there is no other.

        Raises:
            RegistryError: they cannot be compared.
        """
        candidate = self.registry.get(reference)
        incumbent = self.registry.production(candidate.name)
        if incumbent is None or incumbent.version == candidate.version:
            return None
        return compare_releases(candidate, incumbent, self.layout, watch or Unwatched(), margin)

    def promote(
        self, reference: str, *, force: str = "", margin: float = MARGIN, watch: Watcher | None = None
    ) -> Release:
        """Put a release into production if the gate lets it pass; ``force`` is a reason to overrule it.

        Raises:
            GateHeld: the gate did not let it pass, or could not decide.
            RegistryError: no such release.
        """
        candidate, comparison = self.registry.get(reference), None
        incumbent = self.registry.production(candidate.name)
        if incumbent is not None and incumbent.version != candidate.version and not force:
            try:
                comparison = compare_releases(candidate, incumbent, self.layout, watch or Unwatched(), margin)
            except INCOMPARABLE as error:
                raise GateHeld(
                    f"the gate cannot decide: {error}; --force REASON promotes without it"
                ) from error
        return self.registry.promote(
            candidate.name,
            candidate.version,
            comparison=comparison,
            against=incumbent.version if incumbent else None,
            force_reason=force or None,
        )

    def rollback(self, name: str) -> Release:
        """Put the release that was in production before back there.

        Raises:
            RegistryError: there was none.
        """
        return self.registry.rollback(name)


def open_release(reference: str) -> Bundle:
    """The verified bundle of a release of the workspace around here, or of a sealed file.

    Raises:
        RegistryError: no such release.
        BundleError: it is refused.
        WorkspaceError: a release's name, and no workspace around here.
    """
    path = Path(reference)
    if path.suffix == ".sight":
        layout = find_workspace(Path())
        return open_bundle(path, trusted(layout))
    return Workspace.open().bundle(reference)
