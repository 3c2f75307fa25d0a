"""Reads the programs of `programs/`: what torch offers beyond plain modules, and what must hold where a program uses it.

Each is a training with a fault on each side of the feature, marked as `tests/programs/harness.py` says. `# right:` after a line
is that line of its correct twin. At its head stand

    # feature: checkpoint, reentrant       what docs/support.md calls it, and `# group:`
    # level: traced                        a fault behind or inside the feature is found with its line, and the twin is silent; or
                                           `gap`: the report says what was not seen, and whatever else it says is right
    # known: The segment as one op …       what is told, or still known: a sentence for docs/support.md
    # gap: was watched from outside        a part of the sentence under "not seen"; a traced feature may have one, too
    # numbers: may differ                  only where the report itself says so

This file holds no torch: `docs/generate.py` reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"
GROUPS = (
    "Compilation",
    "TorchScript",
    "Checkpointing",
    "Mixed precision",
    "Functions of one's own",
    "Higher-order ops",
    "torch.func",
    "Parametrizations",
    "Optimizers",
    "Hooks",
    "Kinds of tensors",
    "Modules",
    "Not tested",
)


@dataclass(frozen=True)
class Feature:
    """One feature, its program, and what must hold of it."""

    path: Path
    name: str
    group: str
    level: str  # "traced" | "gap" | "not tested"
    known: str
    gap: str
    same: bool  # the program ends as without the tool, to the bit

    @property
    def tested(self) -> bool:
        return self.level != "not tested"


def features() -> list[Feature]:
    """Return the features in the order of the document."""
    found = [_read(path) for path in sorted(PROGRAMS.glob("*.py"))]
    return sorted(found, key=lambda feature: GROUPS.index(feature.group))


def _read(path: Path) -> Feature:
    text = path.read_text("utf-8")
    head = dict(re.findall(r"^# (feature|group|level|known|gap|numbers): (.*)$", text, re.M))
    return Feature(
        path, head["feature"], head["group"], head["level"], head["known"], head.get("gap", ""), "numbers" not in head
    )


def program(feature: Feature, twin: bool) -> str:
    """Return the program of a feature, or its correct twin; without what only this file reads, and line by line the same."""
    return "\n".join(_line(line, twin) for line in feature.path.read_text("utf-8").splitlines()) + "\n"


def _line(line: str, twin: bool) -> str:
    if twin and line.startswith("# expect"):
        return "#"
    before, mark, right = line.partition("# right: ")
    if twin and mark:
        return line[: len(line) - len(line.lstrip())] + right
    return before.rstrip()
