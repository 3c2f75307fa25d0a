"""What one rank knows that another does not: parameters that it alone holds, rows of a sharded one, lines of source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import networkx as nx

from gradcheck_freeze.rules.across import Word
from gradcheck_freeze.rules.colour import with_others
from gradcheck_freeze.rules.diagnosis import Diagnosis, Excerpt, LossRecord, OptimizerRecord, ParameterRecord
from gradcheck_freeze.rules.finding import Finding

Full = Callable[[int], Diagnosis | None]  # rank → its full report, None where that cannot be read
Words = Mapping[str, Mapping[Word, list[int]]]
_FAULTS = ("leak", "blockage")
_FAULTY = ("LEAK", "BLOCKED")
_MOST = 64  # full reports that are read beside the first


def refuted(name: str, by: Sequence[int], words: Words) -> bool:
    """Return whether ranks call a sharded parameter cut off of which they hold rows that get nothing, and others get it."""
    told = words.get(name, {})
    if not any(word.spread == "sharded" for word in told):
        return False
    elsewhere = [word for word, ranks in told.items() if any(rank not in by for rank in ranks)]
    here = [word for word, ranks in told.items() if any(rank in by for rank in ranks)]
    return any(w.gradient in ("finite", "nonfinite") for w in elsewhere) and all(
        w.gradient in ("none", "zero") for w in here
    )


def completed(
    lowest: Diagnosis, first: int, words: Words, found: Sequence[Finding], cleared: set[str], full: Full
) -> tuple[Diagnosis, int]:
    """Return the report of the first rank with what others know, and the rank whose graph it has.

    What others know: their parameters, losses and optimizers, the faults of theirs, their lines, what theirs get.
    """
    read: dict[int, Diagnosis] = {}
    parameters = {
        name: replace(p, state="learning", gradient="finite", updated=True) if _is_cleared(p, cleared) else p
        for name, p in lowest.parameters.items()
    }
    for name in (name for name in words if name not in lowest.parameters):
        other = _first(full, read, min(ranks[0] for ranks in words[name].values()))
        if other is not None and name in other.parameters:
            parameters[name] = other.parameters[name]
    for finding in found:
        if finding.ranks and first not in finding.ranks and finding.kind in _FAULTS:
            other = _first(full, read, finding.ranks[0])
            theirs = other.parameters if other is not None else {}
            parameters.update(
                {n: theirs[n] for n in finding.parameters if n in theirs and parameters[n].state not in _FAULTY}
            )
    excerpts = list(lowest.excerpts)
    known = _lines(excerpts)
    for finding in found:
        if finding.ranks and finding.cause is not None and (finding.cause.path, finding.cause.line) not in known:
            other = _first(full, read, finding.ranks[0])
            excerpts += [e for e in (other.excerpts if other else ()) if e not in excerpts]
            known = _lines(excerpts)
        if (at := finding.cause) is not None and at.text and (at.path, at.line) not in known:
            excerpts.append(Excerpt(at.path, at.line, (at.text,)))
            known.add((at.path, at.line))
    graph, pictured = _pictured(lowest, first, found, cleared, full, read)
    _speak_of(graph, found)
    with_others(graph, {name: record.state for name, record in parameters.items()}, found)
    losses, optimizers = _rows(lowest, read.values())
    whole = replace(
        lowest, parameters=parameters, losses=losses, optimizers=optimizers, excerpts=tuple(excerpts), graph=graph
    )
    return whole, pictured


def _rows(lowest: Diagnosis, others: Iterable[Diagnosis]) -> tuple[tuple[LossRecord, ...], tuple[OptimizerRecord, ...]]:
    """Return the losses and optimizers of the first rank, and those that only others have."""
    losses = {(loss.name, loss.location): loss for loss in lowest.losses}
    optimizers = {(o.name, o.built): o for o in lowest.optimizers}
    for other in others:
        for loss in other.losses:
            losses.setdefault((loss.name, loss.location), loss)
        for optimizer in other.optimizers:
            optimizers.setdefault((optimizer.name, optimizer.built), optimizer)
    return tuple(losses.values()), tuple(optimizers.values())


def _pictured(
    lowest: Diagnosis, first: int, found: Sequence[Finding], cleared: set[str], full: Full, read: dict[int, Diagnosis]
) -> tuple[nx.DiGraph, int]:
    """Return the graph of the first rank, or of one that has the loudest fault where the first has it not."""
    loudest = next((finding for finding in found if finding.kind in _FAULTS), None)
    if loudest is not None and loudest.ranks and first not in loudest.ranks:
        other = _first(full, read, loudest.ranks[0])
        if other is not None:
            return other.graph.copy(), loudest.ranks[0]
    return _clear(lowest, cleared).copy(), first


def _lines(excerpts: Iterable[Excerpt]) -> set[tuple[str, int]]:
    return {(e.path, line) for e in excerpts for line in range(e.first_line, e.first_line + len(e.lines))}


def _is_cleared(record: ParameterRecord, cleared: set[str]) -> bool:
    return record.state == "BLOCKED" and record.name in cleared


def _clear(lowest: Diagnosis, cleared: set[str]) -> nx.DiGraph:
    """Return the graph without the state of modules of which every cut off parameter is cleared."""
    blocked = {p.module: True for p in lowest.parameters.values() if p.state == "BLOCKED"}
    for record in lowest.parameters.values():
        if record.state == "BLOCKED":
            blocked[record.module] &= record.name in cleared
    if not any(blocked.values()):
        return lowest.graph
    graph = lowest.graph.copy()
    for _, node in graph.nodes(data=True):
        if node.get("state") == "BLOCKED" and blocked.get(node.get("module", "")):
            node["state"], node["findings"] = "learning", ()
    return graph


def _speak_of(graph: nx.DiGraph, found: Iterable[Finding]) -> None:
    """Put findings that the rank of this graph has not made on the boxes of the modules whose parameters they speak of."""
    told = {fingerprint for _, here in graph.nodes(data="findings", default=()) for fingerprint in here}
    for finding in (f for f in found if f.fingerprint not in told):
        for _, node in graph.nodes(data=True):
            modules = node.get("members") or (node.get("module"),)
            if any(name.startswith(f"{module}.") for module in modules if module for name in finding.parameters):
                node["findings"] = (*node.get("findings", ()), finding.fingerprint)


def _first(full: Full, read: dict[int, Diagnosis], rank: int) -> Diagnosis | None:
    if rank not in read and len(read) < _MOST and (found := full(rank)) is not None:
        read[rank] = found
    return read.get(rank)
