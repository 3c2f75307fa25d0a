"""From positions to what the reader sees: lines of source, trails, and the shortest name of a group of parameters."""

from __future__ import annotations

import linecache
import os
from collections.abc import Collection, Iterable

from gradcheck_freeze.flow.frontier import path
from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.rules.diagnosis import Excerpt
from gradcheck_freeze.rules.finding import Finding, Location
from gradcheck_freeze.rules.siblings import spelled
from gradcheck_freeze.trace.record import NONE, Site, Trace

_AROUND = 2  # lines of source shown before and after a place


def relative(path: str, root: str) -> str:
    """Return a path relative to the working directory if it lies below it, with forward slashes."""
    if root and path.startswith(root + os.sep):
        return path[len(root) + 1 :].replace(os.sep, "/")
    return path


def place(trace: Trace, site: int, op: str = "") -> Location | None:
    """Return a site as the report shows it, or None for no site."""
    return None if site == NONE else at(trace, trace.sites[site], op)


def at(trace: Trace, site: Site, op: str = "") -> Location:
    """Return a position with its line of source."""
    text = linecache.getline(site.path, site.line).strip()
    return Location(relative(site.path, trace.root), site.line, site.end_line, site.function, text, op)


def line_at(trace: Trace, path: str, line: int, op: str = "") -> Location:
    """Return a line of a file found by reading its source."""
    return at(trace, Site(path, line, line, ""), op)


def names_of(trace: Trace, tensors: Iterable[int]) -> tuple[str, ...]:
    """Return the primary names of tensors, sorted."""
    return tuple(sorted(trace.tensors[tensor].names[0] for tensor in tensors))


def cover(trace: Trace, tensors: Collection[int]) -> str:
    """Return the shortest name that covers these tensors and nothing else of their kind, or a list of such names."""
    wanted = {trace.tensors[t].names[0] for t in tensors}
    kinds = {trace.tensors[t].kind for t in tensors}
    everything = {t.names[0] for t in trace.tensors if t.kind in kinds and t.names[0]}
    modules = {module.name for module in trace.modules}
    parts: list[str] = []
    left = set(wanted)
    prefixes = sorted(
        {name.rsplit(".", k)[0] for name in wanted for k in range(1, name.count(".") + 1)},
        key=lambda p: (p.count("."), p),
    )
    for prefix in prefixes:
        below = {name for name in everything if name.startswith(prefix + ".")}
        # An object that only keeps one module, as a trainer does, is not what its author would name; `self` never is.
        if prefix not in modules and (
            prefix == "self" or len({name[len(prefix) + 1 :].partition(".")[0] for name in below}) == 1
        ):
            continue
        if below <= wanted and below & left:
            parts.append(prefix)
            left -= below
    parts.extend(sorted(left))
    if len(parts) > 3:
        parts = spelled(parts)
    shown = ", ".join(parts[:3])
    return shown if len(parts) <= 3 else f"{shown} and {len(parts) - 3} more"


def trail(flow: FlowGraph, loss: int, cause: Location | None, start: int, op: int = NONE) -> tuple[Location, ...]:
    """Return the way loss → … → cause → … → parameter, in the user's lines, each line once in a row."""
    trace = flow.trace
    steps: list[Location] = []
    after: list[int] = []
    result = start
    if op != NONE:
        ops = trace.ops
        made = [v for v in ops.outputs[ops.first_output[op] : ops.first_output[op + 1]] if flow.data[v] >> loss & 1]
        result = made[0] if made else NONE
    if result != NONE:
        after = list(path(flow, result, loss))
    for location in [
        place(trace, flow.losses[loss].site, "backward"),
        *(place(trace, trace.ops.site[i], trace.op_names[trace.ops.name[i]]) for i in reversed(after)),
        cause,
    ]:
        if location is not None and (not steps or (steps[-1].path, steps[-1].line) != (location.path, location.line)):
            steps.append(location)
    return tuple(steps if len(steps) <= 12 else [*steps[:6], *steps[-6:]])


def excerpts(trace: Trace, findings: Iterable[Finding]) -> tuple[Excerpt, ...]:
    """Return the source lines around every cause, so that a report needs no file but itself."""
    found: dict[tuple[str, int], Excerpt] = {}
    for finding in findings:
        cause = finding.cause
        if cause is None:
            continue
        lines = linecache.getlines(cause.path if os.path.isabs(cause.path) else os.path.join(trace.root, cause.path))  # noqa: PTH117, PTH118
        first = max(1, cause.line - _AROUND)
        shown = tuple(line.rstrip("\n") for line in lines[first - 1 : cause.line + _AROUND])
        if shown:
            found[cause.path, first] = Excerpt(cause.path, first, shown)
    return tuple(found[key] for key in sorted(found))
