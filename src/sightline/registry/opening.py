"""The sealed file of a registered release, opened."""

from sightline.bundle.keys import trusted
from sightline.bundle.verify import open_bundle
from sightline.errors import DamagedBundle
from sightline.storage.layout import Layout
from sightline.values.release import Bundle, Release


def open_registered(release: Release, layout: Layout) -> Bundle:
    """The verified bundle of a registered release.

    Raises:
        BundleError: it is refused, or is another sealed file than the one that was registered.
    """
    bundle = open_bundle(layout.root / release.path, trusted(layout))
    if bundle.sha256 != release.sha256:
        raise DamagedBundle(
            f"{release.path} is a sealed file, but not the one that was registered as {release}"
        )
    return bundle
