"""The picture of a diagnosis: as SVG, as PNG, as DOT. A picture never fails or hangs a run.

What is shown is chosen first (`view`); a layout engine is given a few seconds and then a cheaper try; then a layered layout
of our own takes its place, which cannot fail. The drawing is ours in every case.
"""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report import by_rank, dot, engine, layered
from gradcheck_freeze.report.drawing import boxes_of
from gradcheck_freeze.report.svg import draw
from gradcheck_freeze.report.verdict import blamed_names, named
from gradcheck_freeze.report.view import view
from gradcheck_freeze.report.words import place_of
from gradcheck_freeze.rules.diagnosis import Diagnosis
from gradcheck_freeze.rules.finding import Finding

_PNG = ("-Gdpi=144", "-Gsize=30,30")  # at most 4,320 pixels wide or high, however large the graph
_GLYPHS = str.maketrans({**dict.fromkeys("✓⚠⊘❄○"), "✂": "cut by", "×": "x", "…": "...", "·": "-", "—": "-"})


def source(diagnosis: Diagnosis) -> str:
    """Return the graph of a diagnosis as DOT."""
    return dot.render(_view(diagnosis), diagnosis.findings)


def svg(diagnosis: Diagnosis) -> str:
    """Return the graph of a diagnosis as a standalone SVG document."""
    return draw_view(_view(diagnosis), diagnosis.findings, _headline(diagnosis))


def _view(diagnosis: Diagnosis) -> nx.DiGraph:
    """Return what is shown of a diagnosis; of several ranks, with whose step it is."""
    drawn = view(diagnosis.graph)
    if seen := by_rank.pictured(diagnosis.ranks):
        drawn.graph["seen"] = f"the step {seen}"
    return drawn


def draw_view(
    shown_graph: nx.DiGraph, findings: Iterable[Finding] = (), headline: Iterable[str] = (), prefix: str = ""
) -> str:
    """Return a view of a graph as an SVG document; `prefix` begins all its ids, for several on one page."""
    boxes = boxes_of(shown_graph, findings)
    placed = engine.place(shown_graph, boxes) or layered.place(shown_graph, boxes)
    return draw(shown_graph, boxes, placed, tuple(headline), prefix)


def png(diagnosis: Diagnosis) -> bytes:
    """Return the graph of a diagnosis as PNG; raises `UsageError` where no layout engine works."""
    # The engine's own fonts lack the glyphs; the words beside them say the same.
    text = source(diagnosis).translate(_GLYPHS)
    drawn = engine.run("".join(c if ord(c) < 0x250 else "?" for c in text), "png", _PNG)
    if drawn is None:
        raise UsageError(
            "a PNG needs a layout engine, and none works here.\n  Write .svg instead, or install graphviz-pure or Graphviz."
        )
    return drawn


def _headline(diagnosis: Diagnosis, most: int = 3) -> list[str]:
    """Return two lines for each of the loudest findings: what is wrong, and what is to blame where."""
    loudest = sorted(diagnosis.findings, key=lambda f: (-f.severity, f.rule, f.where))
    lines = []
    for finding in loudest[:most]:
        word = {"leak": "LEAK", "blockage": "BLOCKED"}.get(finding.kind, finding.severity.word)
        place = place_of(finding.cause)
        lines += [
            f"{word}: {blamed_names(named(finding))}",
            ", ".join(
                filter(None, [f"{finding.rule} {finding.name}", place, by_rank.found_on(finding, diagnosis.ranks)])
            ),
        ]
    if len(loudest) > most:
        lines.append(f"and {len(loudest) - most} more")
    return lines
