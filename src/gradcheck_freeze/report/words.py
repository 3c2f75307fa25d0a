"""The look of the states, shared by every picture: never told by colour alone. And text made safe to show."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from gradcheck_freeze.rules.finding import Location

_COMMAND = re.compile(r"##(\w*\[)")


@dataclass(frozen=True, slots=True)
class Look:
    """How a state is drawn."""

    stroke: str
    fill: str
    style: str
    shape: str
    word: str
    glyph: str
    dark_stroke: str  # on a dark page
    dark_fill: str
    emoji: str = (
        ""  # instead of the glyph where text is read as it stands; in pictures only a font of emoji would have it
    )

    @property
    def mark(self) -> str:
        """The glyph for a terminal or a comment, that all of them know."""
        return self.emoji or self.glyph


LOOKS = {
    "learning": Look("#14884C", "#D7F2EA", "solid", "box", "ok", "✓", "#5BFEC0", "#0B2A1F"),
    "LEAK": Look("#B60304", "#FFE1D2", "bold", "octagon", "LEAK", "⚠", "#F9824E", "#3A1509"),
    "BLOCKED": Look("#90008E", "#F3DFF3", "dashed", "hexagon", "BLOCKED", "⊘", "#BA41EA", "#1C0624", "⛔"),
    "frozen": Look("#0757EB", "#DCEBFA", "solid", "note", "frozen", "❄", "#B8D3FE", "#0E2240"),
    "idle": Look("#76767E", "#ECEEF1", "dotted", "box", "unused", "○", "#7C7C82", "#0D1117"),
}

# What a finding of each kind is called in a list.
KINDS = {"leak": "⚠ LEAK", "blockage": "⛔ BLOCKED", "waste": "♻ waste", "hazard": "⚡ hazard"}


def shown(text: str, most: int = 200) -> str:
    """Return text on one line with every control and formatting character written out, so that none is obeyed.

    A build server obeys `##[command]` and `##vso[command]` anywhere in a line that is printed, so that is written out too.
    """
    safe = "".join(
        c.encode("unicode_escape", "backslashreplace").decode()
        if unicodedata.category(c)[0] == "C" or unicodedata.category(c) in ("Zl", "Zp")
        else c
        for c in text
    )
    safe = _COMMAND.sub(r"#\\x23\1", safe)
    return safe if len(safe) <= most else safe[: most - 1] + "…"


def unobeyed(line: str) -> str:
    """Return a line as it is printed; a `::command` at its beginning, which a build server obeys, is written out."""
    start = len(line) - len(line.lstrip())
    return f"{line[:start]}\\x3a{line[start + 1 :]}" if line.startswith("::", start) else line


def place_of(location: object) -> str:
    """Return `file.py:12` of a location, without the folders, or nothing where there is no location."""
    if not isinstance(location, Location):
        return ""
    return shown(f"{location.path.rpartition('/')[2]}:{location.line}", 60)
