"""The audit: every check on one import, and what they found, gravest first."""

import logging

from sightline.data.audit import CHECKS
from sightline.data.importing import Imported
from sightline.values.dataset import AuditReport, Finding, Severity

_GRAVITY: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}
_log = logging.getLogger(__name__)


def audit(imported: Imported) -> AuditReport:
    """Run all checks. One that fails is reported as such and does not stop the others."""
    names = CHECKS.names()
    findings = [*imported.notes, *(finding for name in names for finding in _checked(name, imported))]
    findings.sort(key=lambda finding: _GRAVITY[finding.severity])
    return AuditReport(imported.dataset.fingerprint, tuple(findings), names)


def _checked(name: str, imported: Imported) -> list[Finding]:
    try:
        return list(CHECKS.load(name).check(imported))
    except Exception as error:  # noqa: BLE001 - the edge: a plugin may raise anything
        _log.exception("the check %r failed", name)
        return [
            Finding(name, "warning", f"the check {name!r} failed, so it says nothing: {type(error).__name__}")
        ]
