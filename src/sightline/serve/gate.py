"""Who may do what on this server."""

import re
import socket
import time
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address
from logging import getLogger
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from sightline.errors import SightlineError
from sightline.registry.access import Access, TokenSnapshot
from sightline.registry.permissions import may, without_token
from sightline.serve.logs import log
from sightline.serve.rest.refusals import Refusal, not_ready
from sightline.values.access import Action, Caller, Token

_OLDEST_SECONDS = 600.0
"""For how long tokens are checked against what was read before the catalogue failed."""

_BEARER = re.compile(r"[Bb]earer +(\S+)")
_log = getLogger(__name__)


class Gate:
    """Checks every request: the caller's token where the server is closed, where it comes from if it is open.

    ``access`` is None where there is no workspace, so no token. ``loopback`` says that only this machine can
    reach the server, ``insecure`` that others may without a token. ``hosts`` are names under which an open
    server may be asked for, beside ``localhost``, this machine's name and addresses in numbers: a page from
    elsewhere in somebody's browser can reach an open server by a name of its own that leads here (DNS
    rebinding), and by this alone it is recognised.
    """

    def __init__(
        self, access: Access | None, *, loopback: bool, insecure: bool = False, hosts: tuple[str, ...] = ()
    ) -> None:
        self._access, self._loopback, self._insecure = access, loopback, insecure
        self._hosts = {each.lower() for each in ("localhost", socket.gethostname(), *hosts)}
        self._tokens = TokenSnapshot({})
        self._read = float("-inf") if access else float("inf")
        self._nobody: Caller | None = None
        self.refresh()

    def refresh(self) -> None:
        """Read the tokens again; where that fails, what was read before holds for some minutes."""
        if self._access is not None:
            try:
                self._tokens = self._access.snapshot()
            except SightlineError as error:
                _log.warning("the tokens cannot be read; those read before hold for now: %s", error)
            else:
                self._read = time.monotonic()
        nobody = without_token(
            any_token=self._tokens.any_token, loopback=self._loopback, insecure=self._insecure
        )
        if nobody != self._nobody:
            self._nobody = nobody
            log(_log, _EVENTS[nobody], **({} if self._tokens.any_token else {"tokens": "none"}))

    def check(self, headers: Headers, action: Action) -> str:
        """Who asks: a token's name, or ``anonymous``.

        Raises:
            Refusal: 401 where a token is wanted and none, or none that is valid, is shown; 403 where the
                caller may not do ``action``, or comes from a page of somewhere else; 503 where the tokens
                could not be read for long.
        """
        if action != "health" and time.monotonic() - self._read > _OLDEST_SECONDS:
            raise not_ready("the catalogue cannot be read, so neither can tokens be checked")
        nobody = self._nobody or "anonymous"
        if nobody != "anonymous":
            self._check_origin(headers)
            return self._checked("anonymous", nobody, action)
        shown = _BEARER.fullmatch(headers.get("authorization", ""))
        found = self._tokens.check(shown[1], datetime.now(UTC)) if shown else "missing"
        if isinstance(found, Token):
            return self._checked(found.name, found.role, action)
        if may(nobody, action):
            return nobody
        error = "" if found == "missing" else ' error="invalid_token"'
        raise Refusal(401, _REASONS[found], {"WWW-Authenticate": f"Bearer{error}"})

    @staticmethod
    def _checked(name: str, caller: Caller, action: Action) -> str:
        if not may(caller, action):
            raise Refusal(403, f"{caller} may not: {action}")
        return name

    def _check_origin(self, headers: Headers) -> None:
        host = headers.get("host", "")
        name = _name(host)
        if name not in self._hosts and not _is_address(name):
            raise Refusal(
                403,
                f"this server answers as localhost or by its address, not as {host[:100]!r}; start it with "
                "--allow-host NAME to answer under another name",
            )
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            raise Refusal(403, f"a page of {origin[:100]!r} may not use this server without a token")


_EVENTS: dict[Caller, str] = {
    "anonymous": "closed: who asks needs a token (sightline token make NAME)",
    "operator": "open: everybody on this machine may ask, until a token is made",
    "predictor": "OPEN TO ALL: whoever reaches this address may have pictures answered",
}
_REASONS = {
    "missing": "a token is needed: Authorization: Bearer TOKEN (made by: sightline token make NAME)",
    "unknown": "this token is not known here",
    "expired": "this token has expired",
    "revoked": "this token was revoked",
}


def is_loopback(address: str) -> bool:
    """Whether a socket bound to ``address`` can be reached from this machine alone."""
    found = ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
