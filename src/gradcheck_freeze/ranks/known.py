"""What one rank knows that another does not: parameters that it alone holds, rows of a sharded one, lines of source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import networkx as nx

from gradcheck_freeze.rules.across import Word
from gradcheck_freeze.rules.diagnosis import Diagnosis, Excerpt, ParameterRecord
from gradcheck_freeze.rules.finding import Finding

Full = Callable[[int], Diagnosis | None]  # rank → its full report, None where that cannot be read
Words = Mapping[str, Mapping[Word, list[int]]]
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


def completed(lowest: Diagnosis, words: Words, found: Iterable[Finding], cleared: set[str], full: Full) -> Diagnosis:
    """Return the report of the first rank with what others know: their parameters, losses and lines, what theirs get."""
    read: dict[int, Diagnosis] = {}
    parameters = {
        name: replace(p, state="learning", gradient="finite", updated=True) if _is_cleared(p, cleared) else p
        for name, p in lowest.parameters.items()
    }
    for name in (name for name in words if name not in lowest.parameters):
        other = _first(full, read, min(ranks[0] for ranks in words[name].values()))
        if other is not None and name in other.parameters:
            parameters[name] = other.parameters[name]
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
    losses = {(loss.name, loss.location): loss for loss in lowest.losses}
    optimizers = {(o.name, o.built): o for o in lowest.optimizers}
    for other in read.values():
        for loss in other.losses:
            losses.setdefault((loss.name, loss.location), loss)
        for optimizer in other.optimizers:
            optimizers.setdefault((optimizer.name, optimizer.built), optimizer)
    return replace(
        lowest,
        parameters=parameters,
        losses=tuple(losses.values()),
        optimizers=tuple(optimizers.values()),
        excerpts=tuple(excerpts),
        graph=_clear(lowest, cleared),
    )


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


def _first(full: Full, read: dict[int, Diagnosis], rank: int) -> Diagnosis | None:
    if rank not in read and len(read) < _MOST and (found := full(rank)) is not None:
        read[rank] = found
    return read.get(rank)
