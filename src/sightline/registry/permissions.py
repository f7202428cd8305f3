"""Who may do what: one table."""

from typing import Literal

Action = Literal["health", "describe", "metrics", "models", "predict", "feedback"]
Caller = Literal["anonymous", "viewer", "predictor", "operator", "admin"]
CALLERS: tuple[Caller, ...] = ("anonymous", "viewer", "predictor", "operator", "admin")

_TABLE: dict[Action, str] = {
    # anonymous, viewer, predictor, operator, admin
    "health": "x x x x x",
    "describe": "- x x x x",
    "metrics": "- x - x x",
    "models": "- x x x x",
    "predict": "- - x x x",
    "feedback": "- - x x x",
}


def may(caller: Caller, action: Action) -> bool:
    """Whether ``caller`` may do ``action``."""
    return _TABLE[action].split()[CALLERS.index(caller)] == "x"
