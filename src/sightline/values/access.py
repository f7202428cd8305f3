"""Who asks a server, and what was given to them to show."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Role = Literal["viewer", "predictor", "operator", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "predictor", "operator", "admin")

Caller = Literal["anonymous", "viewer", "predictor", "operator", "admin"]
"""A role, or nobody in particular."""
CALLERS: tuple[Caller, ...] = ("anonymous", *ROLES)

Action = Literal["health", "describe", "metrics", "models", "predict", "feedback"]
"""What a request wants to do: see that the server lives, read the API's description, its metrics, or what is
served, have pictures answered, tell the truth about one that was."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, without the secret. Times are in UTC; ``made_by`` and ``revoked_by`` are system users."""

    id: str
    name: str
    role: Role
    made: datetime
    made_by: str
    expires: datetime | None = None
    revoked: datetime | None = None
    revoked_by: str | None = None

    def state(self, now: datetime) -> Literal["valid", "expired", "revoked"]:
        """Whether it opens anything at ``now``."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and now >= self.expires else "valid"
