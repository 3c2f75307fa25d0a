"""Runs a layout engine within a time limit: `graphviz-pure` (a wheel, equal results everywhere) or a system `dot`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx

from gradcheck_freeze.report import dot
from gradcheck_freeze.report.curves import Point
from gradcheck_freeze.report.drawing import Box, Placed, label_size, said_on
from gradcheck_freeze.report.view import Tree

_SECONDS = 3.0  # for one try; the views drawn by default take less than one
_BESIDE = 4.0  # between what is written on an edge and the frame around it
_CHEAPER = ("-Gnslimit=1", "-Gnslimit1=1", "-Gmclimit=.05", "-Gsplines=line")


def engines() -> list[str]:
    """Return the commands that may lay a graph out, the preferred first. GRADCHECK_FREEZE_DOT names the only one."""
    if chosen := os.environ.get("GRADCHECK_FREEZE_DOT"):
        return [chosen]
    beside = Path(sysconfig.get_path("scripts")) / "graphviz-pure"
    found = [shutil.which("graphviz-pure") or (str(beside) if beside.is_file() else None), shutil.which("dot")]
    return [engine for engine in found if engine]


def run(source: str, kind: str, settings: Sequence[str] = ()) -> bytes | None:
    """Return what the first engine that manages in time makes of DOT, or None."""
    end = time.monotonic() + 2.5 * _SECONDS  # for all tries together
    for engine in engines():
        for options in ((), _CHEAPER):
            left = min(_SECONDS, end - time.monotonic())
            if left <= 0:
                return None
            try:
                done = subprocess.run(
                    [engine, f"-T{kind}", *settings, *options],
                    input=source.encode("utf-8", "backslashreplace"),
                    capture_output=True,
                    timeout=left,
                    check=True,
                )
            except subprocess.TimeoutExpired:
                continue
            except (OSError, subprocess.SubprocessError):
                break
            if done.stdout:
                return done.stdout
    return None


def place(view: nx.DiGraph, boxes: dict[str, Box]) -> Placed | None:
    """Return where an engine puts the boxes of a view, or None where no engine works in time."""
    drawn = run(dot.layout_source(view, boxes), "json")
    try:
        return _with_labels(view, boxes, _read(view, json.loads(drawn))) if drawn is not None else None
    except (ValueError, KeyError, IndexError, TypeError):
        return None  # what is no layout is treated as none


def _read(view: nx.DiGraph, document: Any) -> Placed:
    _, bottom, width, height = _numbers(document["bb"])
    names, clusters = dot.names(view)
    node_of = {name: node for node, name in names.items()}
    frame_of = {name: node for node, name in clusters.items()}
    top = bottom + height

    def point(text: str) -> Point:
        x, y = _numbers(text)
        return x, top - y

    boxes: dict[str, Point] = {}
    frames: dict[str, tuple[float, float, float, float]] = {}
    by_number: dict[int, str] = {}
    for item in document.get("objects", ()):
        if item["name"] in frame_of:
            left, low, right, high = _numbers(item["bb"])
            frames[frame_of[item["name"]]] = (left, top - high, right, top - low)
        elif item["name"] in node_of:
            by_number[item["_gvid"]] = item["name"]
            boxes[node_of[item["name"]]] = point(item["pos"])
    routes: dict[tuple[str, str], tuple[Point, ...]] = {}
    labels: dict[tuple[str, str], Point] = {}
    for item in document.get("edges", ()):
        ends = node_of[by_number[item["tail"]]], node_of[by_number[item["head"]]]
        routes[ends] = tuple(point(part) for part in item["pos"].split(" ") if part[0] not in "se")
        if "lp" in item:
            labels[ends] = point(item["lp"])
    if len(boxes) != len(names):
        raise ValueError("some boxes got no place")
    return Placed(boxes, frames, routes, labels, width, height)


def _with_labels(view: nx.DiGraph, boxes: Mapping[str, Box], placed: Placed) -> Placed:
    """Widen the frames for what is written on the edges in them, where no box is in the way: the engine does not."""
    tree = Tree(view)
    frames = dict(placed.frames)
    for (source, target), (x, _) in placed.labels.items():
        half = label_size(said_on(view, source, target))[0] / 2 + _BESIDE
        for frame in set(tree.above(source)).intersection(tree.above(target), frames):
            left, top, right, bottom = frames[frame]
            wide = min(left, x - half), top, max(right, x + half), bottom
            others = (node for node in placed.boxes if frame not in tree.above(node))
            if not any(_meet(wide, placed.boxes[node], boxes[node]) for node in others):
                frames[frame] = wide
    return replace(placed, frames=frames)


def _meet(frame: tuple[float, float, float, float], at: Point, box: Box) -> bool:
    left, top, right, bottom = frame
    beside = at[0] + box.width / 2 <= left or at[0] - box.width / 2 >= right
    return not beside and at[1] + box.height / 2 > top and at[1] - box.height / 2 < bottom


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]
