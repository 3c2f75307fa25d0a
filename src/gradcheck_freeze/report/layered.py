"""A layered layout of our own, for where no engine works in time: it is always found, in time linear in what it places.

Ranks by the longest way from the inputs; lines that pass a rank get a place in it, so that they run between the boxes;
boxes of a rank in the order of their neighbours, as close to straight above each other as there is room.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import networkx as nx

from gradcheck_freeze.report.curves import Point, rest
from gradcheck_freeze.report.drawing import CUT_AT, Box, Placed, label_size, said_on
from gradcheck_freeze.report.thin import flow_order

_BETWEEN_RANKS, _BETWEEN = 44.0, 26.0
_SWEEPS = 6
_MOST_PASSING = 20_000  # places for passing lines; above, lines are drawn straight through
_WAY = 12.0  # what a passing line takes
Spot = str | tuple[str, str, int]  # a box, or where a line passes a rank


def place(view: nx.DiGraph, boxes: Mapping[str, Box]) -> Placed:
    """Return where the boxes and lines of a view go."""
    order = [node for node in flow_order(view) if node in boxes]
    position = {node: index for index, node in enumerate(order)}
    edges = sorted((s, t) for s, t in view.edges if s in boxes and t in boxes)
    rank = _ranks(order, position, edges)
    above, below, ranks = _spots(order, edges, position, rank)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for row in ranks if down else reversed(ranks):
            _sort(row, ranks, above if down else below)
    return _coordinates(view, boxes, ranks, above, below, edges, position, rank)


def _ranks(order: list[str], position: Mapping[str, int], edges: list[tuple[str, str]]) -> dict[str, int]:
    before: dict[str, list[str]] = {node: [] for node in order}
    for source, target in edges:
        if position[source] < position[target]:
            before[target].append(source)
    rank: dict[str, int] = {}
    for node in order:
        rank[node] = max((rank[other] + 1 for other in before[node]), default=0)
    after: dict[str, int] = {}
    for node in order:
        for other in before[node]:
            after[other] = min(after.get(other, rank[node]), rank[node])
    for node in order:  # what begins a branch stands right above it
        if not before[node] and node in after:
            rank[node] = after[node] - 1
    return rank


def _spots(
    order: list[str], edges: list[tuple[str, str]], position: Mapping[str, int], rank: Mapping[str, int]
) -> tuple[dict[Spot, list[Spot]], dict[Spot, list[Spot]], list[list[Spot]]]:
    """Return the neighbours of every spot above and below, and the spots of every rank."""
    ranks: list[list[Spot]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for node in order:
        ranks[rank[node]].append(node)
    above: dict[Spot, list[Spot]] = {}
    below: dict[Spot, list[Spot]] = {}
    passing = sum(max(0, abs(rank[t] - rank[s]) - 1) for s, t in edges) <= _MOST_PASSING
    for source, target in edges:
        upper, lower = (source, target) if rank[source] <= rank[target] else (target, source)
        if rank[upper] == rank[lower]:
            continue
        last: Spot = upper
        for between in range(rank[upper] + 1, rank[lower]) if passing else ():
            spot = (source, target, between)
            ranks[between].append(spot)
            _join(above, below, last, spot)
            last = spot
        _join(above, below, last, lower)
    return above, below, ranks


def _join(above: dict[Spot, list[Spot]], below: dict[Spot, list[Spot]], upper: Spot, lower: Spot) -> None:
    above.setdefault(lower, []).append(upper)
    below.setdefault(upper, []).append(lower)


def _sort(row: list[Spot], ranks: list[list[Spot]], neighbours: Mapping[Spot, list[Spot]]) -> None:
    """Sort a rank by the middle of its neighbours in the rank beside it; those without any keep their place."""
    place: dict[Spot, float] = {}
    wanted = {other for spot in row for other in neighbours.get(spot, ())}
    for other_row in ranks:
        if wanted.isdisjoint(other_row):
            continue
        place.update({spot: index / max(1, len(other_row)) for index, spot in enumerate(other_row) if spot in wanted})
    key = {}
    for index, spot in enumerate(row):
        there = [place[other] for other in neighbours.get(spot, ())]
        key[spot] = sum(there) / len(there) if there else index / max(1, len(row))
    row.sort(key=key.__getitem__)


def _coordinates(
    view: nx.DiGraph,
    boxes: Mapping[str, Box],
    ranks: list[list[Spot]],
    above: Mapping[Spot, list[Spot]],
    below: Mapping[Spot, list[Spot]],
    edges: list[tuple[str, str]],
    position: Mapping[str, int],
    rank: Mapping[str, int],
) -> Placed:
    x: dict[Spot, float] = {}
    for row in ranks:
        edge_of_row = 0.0
        for spot in row:
            x[spot] = edge_of_row + _width(boxes, spot) / 2
            edge_of_row += _width(boxes, spot) + _BETWEEN
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for row in ranks if down else reversed(ranks):
            _straighten(row, x, above if down else below, boxes)
    y: list[float] = []
    tall: list[float] = []
    bottom = 0.0
    said = {edge: said_on(view, *edge) for edge in edges}
    room = [0.0] * (len(ranks) + 1)
    for (source, target), lines in said.items():
        if lines:
            below_rank = min(rank[source], rank[target])
            room[below_rank] = max(room[below_rank], label_size(lines)[1] + 8)
    for index, row in enumerate(ranks):
        tall.append(max((boxes[spot].height for spot in row if isinstance(spot, str)), default=0.0))
        y.append(bottom + tall[-1] / 2)
        bottom += tall[-1] + _BETWEEN_RANKS + room[index]
    at: dict[Spot, Point] = {spot: (x[spot], y[index]) for index, row in enumerate(ranks) for spot in row}
    routes = {edge: _route(edge, at, boxes, rank, y, tall) for edge in edges}
    places = {node: at[node] for node in boxes}
    sizes = {edge: label_size(lines) for edge, lines in said.items() if lines}
    labels = _labels(routes, sizes, boxes, places)
    frames = _frames(view, boxes, places)
    return _moved(Placed(places, frames, routes, labels, 0, 0), boxes, sizes)


def _moved(placed: Placed, boxes: Mapping[str, Box], sizes: Mapping[tuple[str, str], tuple[float, float]]) -> Placed:
    """Return a layout moved so that it begins at the top left corner, with its size."""
    spans = [(*placed.boxes[node], box.width, box.height) for node, box in boxes.items()]
    spans += [(*at, *sizes[edge]) for edge, at in placed.labels.items()]
    spans += [(x, y, 0.0, 0.0) for route in placed.routes.values() for x, y in route]
    spans += [((l + r) / 2, (t + b) / 2, r - l, b - t) for l, t, r, b in placed.frames.values()]  # noqa: E741
    left, top = min((x - w / 2 for x, _, w, _ in spans), default=0), min((y - h / 2 for _, y, _, h in spans), default=0)
    right, bottom = (
        max((x + w / 2 for x, _, w, _ in spans), default=0),
        max((y + h / 2 for _, y, _, h in spans), default=0),
    )

    def to(point: Point) -> Point:
        return point[0] - left, point[1] - top

    return Placed(
        {node: to(at) for node, at in placed.boxes.items()},
        {node: (l - left, t - top, r - left, b - top) for node, (l, t, r, b) in placed.frames.items()},  # noqa: E741
        {edge: tuple(map(to, route)) for edge, route in placed.routes.items()},
        {edge: to(at) for edge, at in placed.labels.items()},
        right - left,
        bottom - top,
    )


def _width(boxes: Mapping[str, Box], spot: Spot) -> float:
    return boxes[spot].width if isinstance(spot, str) else _WAY


def _straighten(
    row: list[Spot], x: dict[Spot, float], neighbours: Mapping[Spot, list[Spot]], boxes: Mapping[str, Box]
) -> None:
    """Move the spots of a rank towards their neighbours; who would overlap moves as one, to where all want on average."""
    groups: list[list[float]] = []  # sum of the wishes for the first spot, number of spots, width
    sizes: list[int] = []
    for spot in row:
        there = sorted(x[other] for other in neighbours.get(spot, ()))
        wish = (there[(len(there) - 1) // 2] + there[len(there) // 2]) / 2 if there else x[spot]
        width = _width(boxes, spot)
        groups.append([wish - width / 2, 1.0, width + _BETWEEN])
        sizes.append(1)
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] + groups[-2][2] > groups[-1][0] / groups[-1][1]:
            wishes, count, wide = groups.pop()
            groups[-1][0] += wishes - count * groups[-1][2]
            groups[-1][1] += count
            groups[-1][2] += wide
            sizes[-2:] = [sizes[-2] + sizes[-1]]
    spots = iter(row)
    for (wishes, count, _), size in zip(groups, sizes, strict=True):
        left = wishes / count
        for _ in range(size):
            spot = next(spots)
            x[spot] = left + _width(boxes, spot) / 2
            left += _width(boxes, spot) + _BETWEEN


def _route(
    edge: tuple[str, str],
    at: Mapping[Spot, Point],
    boxes: Mapping[str, Box],
    rank: Mapping[str, int],
    y: list[float],
    tall: list[float],
) -> tuple[Point, ...]:
    source, target = edge
    (x1, y1), (x2, y2) = at[source], at[target]
    if source == target or rank[source] == rank[target]:  # round the right side
        out = max(x1 + boxes[source].width / 2, x2 + boxes[target].width / 2)
        start, end = (x1 + boxes[source].width / 2, y1 - 5), (x2 + boxes[target].width / 2, y2 + 5)
        return (start, (out + 45, start[1] - 10), (out + 45, end[1] + 10), end)
    down = 1 if rank[source] < rank[target] else -1
    points = [(x1, y1 + down * boxes[source].height / 2)]
    for between in range(rank[source] + down, rank[target], down):
        spot = (source, target, between)
        if spot in at:  # straight through the whole height of the rank
            points += [
                (at[spot][0], y[between] - down * tall[between] / 2),
                (at[spot][0], y[between] + down * tall[between] / 2),
            ]
    points.append((x2, y2 - down * boxes[target].height / 2))
    route = [points[0]]
    for (ax, ay), (bx, by) in pairwise(points):
        middle = (ay + by) / 2
        route += [(ax, middle), (bx, middle), (bx, by)]
    return tuple(route)


def _labels(
    routes: Mapping[tuple[str, str], tuple[Point, ...]],
    sizes: Mapping[tuple[str, str], tuple[float, float]],
    boxes: Mapping[str, Box],
    at: Mapping[str, Point],
) -> dict[tuple[str, str], Point]:
    """Return the places of labels: beside their line, near the cut, where they cover no box and no other label."""
    taken = [(*at[node], box.width, box.height) for node, box in boxes.items()]
    places = {}
    for edge, (width, height) in sizes.items():
        ways = [rest(routes[edge], share)[0][0] for share in (CUT_AT, 0.2, 0.5, 0.1, 0.7)]
        beside = [(x + side * (width / 2 + 10), y) for x, y in ways for side in (1, -1)]
        free = (spot for spot in beside if not any(_overlap((*spot, width, height), other) for other in taken))
        places[edge] = next(free, beside[0])
        taken.append((*places[edge], width, height))
    return places


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return abs(one[0] - other[0]) < (one[2] + other[2]) / 2 and abs(one[1] - other[1]) < (one[3] + other[3]) / 2


def _frames(
    view: nx.DiGraph, boxes: Mapping[str, Box], at: Mapping[str, Point]
) -> dict[str, tuple[float, float, float, float]]:
    """Return the frames that enclose their own boxes and no others: one that would is left out."""
    inside: dict[str, set[str]] = {}
    for node in boxes:
        above, steps = str(view.nodes[node].get("parent") or ""), 0
        while above in view and steps < len(view):
            inside.setdefault(above, set()).add(node)
            above, steps = str(view.nodes[above].get("parent") or ""), steps + 1
    frames = {}
    for group, members in inside.items():
        depth = 8.0 + 2 * len([g for g in inside if g != group and inside[g] < members])
        left = min(at[n][0] - boxes[n].width / 2 for n in members) - depth
        right = max(at[n][0] + boxes[n].width / 2 for n in members) + depth
        top = min(at[n][1] - boxes[n].height / 2 for n in members) - depth - 12
        bottom = max(at[n][1] + boxes[n].height / 2 for n in members) + depth
        if not any(left < at[n][0] < right and top < at[n][1] < bottom for n in boxes.keys() - members):
            frames[group] = (left, top, right, bottom)
    return frames
