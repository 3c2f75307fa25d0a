"""The coloured graph as SVG or PNG. A picture never fails or hangs a run.

Engines are tried in order: `graphviz-pure` (a wheel, equal bytes everywhere), a system `dot`, each with a time limit and a
cheaper second try; then a simple layered layout of our own, which cannot fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report import dot, layered
from gradcheck_freeze.rules.diagnosis import Diagnosis

_SECONDS = 10
_CHEAPER = ("-Gnslimit=1", "-Gnslimit1=1", "-Gmclimit=.05", "-Gsplines=line")


def source(diagnosis: Diagnosis) -> str:
    """Return the graph of a diagnosis as DOT."""
    return dot.render(diagnosis.graph)


def svg(diagnosis: Diagnosis) -> str:
    """Return the graph of a diagnosis as a standalone SVG document."""
    drawn = _draw(dot.render(diagnosis.graph), "svg")
    return drawn.decode() if drawn is not None else layered.render(diagnosis.graph)


def png(diagnosis: Diagnosis) -> bytes:
    """Return the graph of a diagnosis as PNG; raises `UsageError` where no layout engine works."""
    # The engine's own fonts lack the glyphs; the words beside them say the same.
    source = dot.render(diagnosis.graph).translate({ord(glyph): None for glyph in "✓⚠⛔❄○"}).replace("✂", "cut by")
    drawn = _draw(source, "png")
    if drawn is None:
        raise UsageError(
            "a PNG needs a layout engine, and none works here.\n  Write .svg instead, or install graphviz-pure or Graphviz."
        )
    return drawn


def engines() -> list[str]:
    """Return the commands that may lay a graph out, the preferred first. GRADCHECK_FREEZE_DOT names the only one."""
    if chosen := os.environ.get("GRADCHECK_FREEZE_DOT"):
        return [chosen]
    beside = Path(sysconfig.get_path("scripts")) / "graphviz-pure"
    found = [shutil.which("graphviz-pure") or (str(beside) if beside.is_file() else None), shutil.which("dot")]
    return [engine for engine in found if engine]


def _draw(source: str, kind: str) -> bytes | None:
    for engine in engines():
        for options in ((), _CHEAPER):
            try:
                done = subprocess.run(
                    [engine, f"-T{kind}", *options],
                    input=source.encode(),
                    capture_output=True,
                    timeout=_SECONDS,
                    check=True,
                )
            except subprocess.TimeoutExpired:
                continue
            except (OSError, subprocess.SubprocessError):
                break
            if done.stdout:
                return done.stdout
    return None
