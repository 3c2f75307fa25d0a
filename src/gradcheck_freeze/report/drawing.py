"""What a picture is made of, before anything has a place: boxes with their lines of text, and what is said on edges.

And what it is made of when everything has one: a `Placed`, which a layout engine or a layout of our own gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import networkx as nx
from rich.cells import cell_len

from gradcheck_freeze.report.curves import Point
from gradcheck_freeze.report.flows import flow_of
from gradcheck_freeze.report.layout import squeeze
from gradcheck_freeze.report.words import LOOKS, place_of, shown
from gradcheck_freeze.rules.finding import Finding

CUT_AT = 0.35  # of the way from the source: there the gradient ends
LINE = 17.0  # height of a line of text
_CELL = 7.4  # width of a character
_LONGEST = 30  # characters of a label


@dataclass(frozen=True, slots=True)
class Box:
    """One box: what is written in it, how large it is, what it looks like."""

    lines: tuple[str, ...]  # the first is its name
    width: float
    height: float
    look: str  # a state, or "loss", "input", "plain"


@dataclass(frozen=True, slots=True)
class Placed:
    """Where everything is, in pixels from the top left corner."""

    boxes: Mapping[str, Point]  # the middle
    frames: Mapping[str, tuple[float, float, float, float]]  # left, top, right, bottom
    routes: Mapping[tuple[str, str], tuple[Point, ...]]  # control points of cubic Bézier curves, 3n + 1 of them
    labels: Mapping[tuple[str, str], Point]  # the middle
    width: float
    height: float


def boxes_of(view: nx.DiGraph, findings: Iterable[Finding]) -> dict[str, Box]:
    """Return the boxes of a view by their node, frames left out."""
    worst = sorted(findings, key=lambda finding: (-finding.severity, finding.rule, finding.where))
    return {node: _box(attributes, worst) for node, attributes in view.nodes(data=True) if not attributes.get("open")}


def _box(attributes: Mapping[str, object], findings: Iterable[Finding]) -> Box:
    kind, state = str(attributes.get("kind", "")), str(attributes.get("state", ""))
    name = squeeze(shown(name_of(attributes)), _LONGEST)
    look = LOOKS.get(state)
    lines = [name]
    if look:
        lines.append(f"{look.glyph} {look.word}")
    here = attributes.get("findings")
    said = [f for f in findings if isinstance(here, tuple) and f.fingerprint in here and _fits(f, state)]
    if said:
        lines.append(shown(f"{said[0].rule} {said[0].name}", 34))
    width = max(64.0, max(cell_len(line) for line in lines) * _CELL + (40 if state in ("LEAK", "BLOCKED") else 26))
    height = len(lines) * LINE + (18 if look else 13)
    return Box(tuple(lines), width, height, state if look else kind if kind in ("loss", "input") else "plain")


def name_of(attributes: Mapping[str, object]) -> str:
    """Return what a node is called in its place."""
    return str(attributes.get("short") or attributes.get("label", ""))


def _fits(finding: Finding, state: str) -> bool:
    return {"LEAK": "leak", "BLOCKED": "blockage"}.get(state, finding.kind) == finding.kind


def said_on(view: nx.DiGraph, source: str, target: str) -> tuple[str, ...]:
    """Return what is written on an edge: the op that cuts it, and where."""
    if flow_of(view, source, target) not in ("cut", "stopped"):
        return ()
    edge = view.edges[source, target]
    op, place = shown(str(edge.get("op", "")), 30), squeeze(place_of(edge.get("location")), 40)
    return tuple(line for line in (f"✂ {op}", place) if line)


def label_size(lines: Iterable[str]) -> tuple[float, float]:
    """Return the width and height of what is written on an edge."""
    lines = list(lines)
    return max((cell_len(line) for line in lines), default=0) * 6.7 + 10, len(lines) * 14.0 + 6
