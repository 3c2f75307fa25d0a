"""Curves of a picture: chains of cubic Bézier curves, given by 3n + 1 control points."""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]


def beside(route: Sequence[Point], by: float) -> list[Point]:
    """Return a curve that runs beside another."""
    moved = []
    for index, (x, y) in enumerate(route):
        (x1, y1), (x2, y2) = route[max(0, index - 1)], route[min(len(route) - 1, index + 1)]
        dx, dy = _direction(x2 - x1, y2 - y1)
        moved.append((x - dy * by, y + dx * by))
    return moved


def rest(route: Sequence[Point], share: float) -> tuple[list[Point], Point]:
    """Return what is left of a route after some share of its curves, and the direction in which it begins."""
    curves = (len(route) - 1) // 3
    number = min(int(share * curves), curves - 1)
    t = share * curves - number
    a, b, c, d = route[3 * number : 3 * number + 4]  # split by de Casteljau's construction
    ab, bc, cd = _between(a, b, t), _between(b, c, t), _between(c, d, t)
    abc, bcd = _between(ab, bc, t), _between(bc, cd, t)
    start = _between(abc, bcd, t)
    return [start, bcd, cd, d, *route[3 * number + 4 :]], _direction(bcd[0] - start[0], bcd[1] - start[1])


def path(route: Sequence[Point]) -> str:
    """Return a route as the `d` of an SVG path."""
    start, *others = [f"{x:.1f} {y:.1f}" for x, y in route]
    return f"M{start}C{' '.join(others)}"


def _direction(dx: float, dy: float) -> Point:
    length = math.hypot(dx, dy)
    return (dx / length, dy / length) if length else (0.0, 1.0)


def _between(a: Point, b: Point, t: float) -> Point:
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t
