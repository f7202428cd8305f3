"""Who may do what: one table, and whom somebody without a token counts as.

Roles are no ladder: who sends pictures from a machine need not read the server's metrics, and who watches
the server sends none.
"""

from sightline.values.access import CALLERS, Action, Caller

_TABLE: dict[Action, str] = {
    #           anonymous  viewer  predictor  operator  admin
    "health": "    yes       yes      yes        yes      yes",
    "describe": "  -         yes      yes        yes      yes",
    "metrics": "   -         yes      -          yes      yes",
    "models": "    -         yes      yes        yes      yes",
    "predict": "   -         -        yes        yes      yes",
    "feedback": "  -         -        yes        yes      yes",
}
_ALLOWED = {
    (caller, action): word == "yes"
    for action, row in _TABLE.items()
    for caller, word in zip(CALLERS, row.split(), strict=True)
}


def may(caller: Caller, action: Action) -> bool:
    """Whether ``caller`` may do ``action``."""
    return _ALLOWED[caller, action]


def without_token(*, any_token: bool, loopback: bool, insecure: bool) -> Caller:
    """Whom somebody who shows no token counts as.

    A server is closed, and such a caller anonymous, as soon as a token was ever made or other machines can
    reach it. Otherwise it is open, and everybody on the machine an operator; ``insecure`` opens one that
    others reach, to predictors.
    """
    if any_token:
        return "anonymous"
    if loopback:
        return "operator"
    return "predictor" if insecure else "anonymous"
