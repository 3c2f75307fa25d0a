"""What a rule says: one `Finding` per fault, with the line to blame, the trail to it and what to do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import IntEnum


class Severity(IntEnum):
    """How loud a finding is: an error contradicts the code or its contract, a warning is a question, a note is waste."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Location:
    """A line of the user's code, as the report shows it. `path` is relative to the working directory where it can be."""

    path: str
    line: int
    end_line: int
    function: str
    text: str  # the source line, stripped; "" where it cannot be read
    op: str = ""  # the torch call made there, or what happened there: "detach", "backward", "step"


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do about it, as a sentence the author can act on."""

    text: str
    patch: str | None = None
    verified: bool | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation. `parameters` are primary names; `where` is the shortest name or glob that covers them."""

    rule: str
    name: str
    kind: str  # "leak" | "blockage" | "waste" | "hazard"
    severity: Severity
    parameters: tuple[str, ...]
    where: str
    message: str
    cause: Location | None
    trail: tuple[Location, ...] = ()  # from the loss, by the cause, to the parameter
    fix: Fix | None = None
    ignored: str | None = None  # why the configuration ignores it, if it does
    ranks: tuple[int, ...] = ()  # the processes it was found on; empty: all that reported

    def called(self, names: tuple[str, ...], where: str) -> Finding:
        """Return this finding with its parameters under other names of theirs: those that are at fault."""
        return replace(self, parameters=tuple(sorted(names)), where=where)

    @property
    def fingerprint(self) -> str:
        """Return a name for this finding that stays the same when lines above it move."""
        cause = (self.cause.path, self.cause.text) if self.cause else ("", "")
        return hashlib.sha256(
            "\0".join((self.rule, self.where, *cause)).encode("utf-8", "backslashreplace")
        ).hexdigest()[:16]
