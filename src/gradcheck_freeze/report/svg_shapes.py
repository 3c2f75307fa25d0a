"""The shapes of the SVG picture: the outline of a box by its state, and the lines of an edge by what flows on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gradcheck_freeze.report.curves import Point, beside, path, rest
from gradcheck_freeze.report.drawing import CUT_AT, Box

_APART = 2.6  # of the line of the data and that of the gradient, from the middle between them
_HEADS = {"data": 8, "gradient": 11, "leak": 14, "cut": 11, "stopped": 8}


def arrow(prefix: str, flow: str) -> str:
    """Return the head of the arrows of a flow, as a marker that paths name."""
    return (
        f'<marker id="{prefix}{flow}" class="marker" viewBox="0 0 10 10" refX="9" refY="5" markerUnits="userSpaceOnUse" '
        f'markerWidth="{_HEADS[flow]}" markerHeight="{_HEADS[flow]}" orient="auto-start-reverse">'
        f'<path class="arrow {flow}" d="M0 0.8 10 5 0 9.2z"/></marker>'
    )


def shape(box: Box, x: float, y: float) -> str:
    """Return the outline of a box whose top left corner is at this point."""
    w, h = box.width, box.height
    if box.look == "LEAK":
        return _octagon(x, y, w, h, 9, "shape") + _octagon(x + 4, y + 4, w - 8, h - 8, 7, "shape inner")
    if box.look == "BLOCKED":
        return _polygon(
            [(x + 13, y), (x + w - 13, y), (x + w, y + h / 2), (x + w - 13, y + h), (x + 13, y + h), (x, y + h / 2)]
        )
    if box.look == "frozen":
        fold = 9
        edge = _polygon([(x, y), (x + w - fold, y), (x + w, y + fold), (x + w, y + h), (x, y + h)])
        return f'{edge}<path class="shape" d="M{x + w - fold:.1f} {y:.1f}v{fold}h{fold}"/>'
    round_by = {"learning": 10.0, "loss": h / 2}.get(box.look, 2.0)
    return f'<rect class="shape" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="{round_by:g}"/>'


def _octagon(x: float, y: float, w: float, h: float, c: float, name: str) -> str:
    corners = [(x + c, y), (x + w - c, y), (x + w, y + c), (x + w, y + h - c)]
    corners += [(x + w - c, y + h), (x + c, y + h), (x, y + h - c), (x, y + c)]
    return _polygon(corners, name)


def _polygon(points: Iterable[Point], name: str = "shape") -> str:
    return f'<polygon class="{name}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def lines_of(route: Sequence[Point], flow: str, prefix: str) -> str:
    """Return the line of the data, and beside it that of the gradient, which leads the other way."""
    if flow == "data":
        return f'<path class="data-line" d="{path(route)}" marker-end="url(#{prefix}data)"/>'
    data, back = beside(route, -_APART), beside(route, _APART)
    lines = f'<path class="data-line" d="{path(data)}" marker-end="url(#{prefix}data)"/>'
    if flow in ("gradient", "leak"):
        return f'{lines}<path class="gradient-line" d="{path(back)}" marker-start="url(#{prefix}{flow})"/>'
    half, (dx, dy) = rest(back, CUT_AT)
    at = half[0]
    reach = 9 if flow == "cut" else 6
    tee = f"M{at[0] - dy * reach:.1f} {at[1] + dx * reach:.1f}L{at[0] + dy * reach:.1f} {at[1] - dx * reach:.1f}"
    return f'{lines}<path class="gradient-line" d="{path(half)}"/><path class="gradient-line tee" d="{tee}"/>'
