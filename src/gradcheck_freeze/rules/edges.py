"""Puts verdicts on the edges of the collapsed graph: where the gradient is cut, and which finding blames that place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import networkx as nx

from gradcheck_freeze.flow.collapse import op_name
from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.rules.finding import Finding, Location
from gradcheck_freeze.rules.places import place
from gradcheck_freeze.trace.record import INFERENCE, NO_GRAD, NONE

_MODES = {NO_GRAD: "no_grad", INFERENCE: "inference_mode"}


def judge_edges(graph: nx.DiGraph, flow: FlowGraph, findings: Sequence[Finding]) -> None:
    """Give every edge the losses whose gradient it carries, or of the cuts on it the one to show.

    That is one which a finding blames, or else the first.
    """
    blamed: dict[tuple[str, str], tuple[int, Location | None, tuple[str, ...]]] = {}
    told: set[str] = set()
    for source, target, edge in graph.edges(data=True):
        chosen = _blamed(flow, edge.pop("cuts"), findings)
        if chosen is not None:
            blamed[source, target] = chosen
            told.update(chosen[2] if not edge["gradient"] else ())
    for source, target, edge in graph.edges(data=True):
        mask = edge["gradient"]
        edge.update(gradient=bool(mask), losses=loss_names(flow, mask), cut=False, op="", location=None, findings=())
        op, location, found = blamed.get((source, target), (NONE, None, ()))
        # Where gradient takes a way beside the cut, the cut is shown only if it would be shown nowhere else.
        if op != NONE and not (mask and told.issuperset(found)):
            told.update(found)
            name = _MODES.get(flow.trace.ops.mode[op]) or op_name(flow.trace.op_names[flow.trace.ops.name[op]])
            edge.update(cut=True, op=name, location=location, findings=found)


def loss_names(flow: FlowGraph, mask: int) -> tuple[str, ...]:
    """Return the names of the losses in a mask, sorted."""
    return tuple(sorted({loss.name for number, loss in enumerate(flow.losses) if mask >> number & 1}))


def _blamed(
    flow: FlowGraph, cuts: Iterable[int], findings: Iterable[Finding]
) -> tuple[int, Location | None, tuple[str, ...]] | None:
    """Return one of the ops that cut, where it does so, and the findings that blame it."""
    ops = flow.trace.ops
    shown: tuple[int, Location | None, tuple[str, ...]] | None = None
    for op in cuts:
        for site in (ops.site[op], ops.mode_site.get(op, NONE)):
            at = place(flow.trace, site)
            here = [finding for finding in findings if finding.kind == "blockage" and at and is_at(finding.cause, at)]
            if shown is None or (here and not shown[2]):
                found = tuple(sorted(finding.fingerprint for finding in here))
                shown = (op, here[0].cause if here else at, found)
    return shown


def is_at(cause: Location | None, place: Location) -> bool:
    """Return whether two places share a line."""
    return (
        cause is not None and cause.path == place.path and cause.line <= place.end_line and place.line <= cause.end_line
    )
