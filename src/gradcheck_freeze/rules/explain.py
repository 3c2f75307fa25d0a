"""The pages of the rule book."""

from __future__ import annotations

import difflib

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.rules.rule import Rule
from gradcheck_freeze.rules.table import RULES


def page(wanted: str | None) -> str:
    """Return the page of a rule by its code or name, or the list of all; raises `UsageError` for a rule that is none."""
    if wanted is None:
        return "\n".join(f"{rule.code}  {rule.name:<26} {rule.summary}" for rule in RULES)
    rule = find(wanted)
    return f"{rule.code} {rule.name} ({rule.kind}, {rule.severity.word})\n\n{rule.page}"


def find(wanted: str) -> Rule:
    """Return a rule by its code or name; raises `UsageError`, with the nearest, if there is none."""
    for rule in RULES:
        if wanted.upper() == rule.code or wanted == rule.name:
            return rule
    known = [name for rule in RULES for name in (rule.code, rule.name)]
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.3)
    raise UsageError(
        f"there is no rule {wanted!r}.\n  Nearest: {', '.join(near) or 'none'}. `gradcheck-freeze explain` lists all."
    )
