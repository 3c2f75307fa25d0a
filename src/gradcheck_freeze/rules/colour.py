"""Puts verdicts on the collapsed graph: the state of every node, the place of every cut, the findings that belong there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import networkx as nx

from gradcheck_freeze.flow.collapse import collapse
from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.rules.edges import is_at, judge_edges, loss_names
from gradcheck_freeze.rules.finding import Finding
from gradcheck_freeze.rules.intent import Intent
from gradcheck_freeze.rules.places import place

_WORST = ("LEAK", "BLOCKED", "learning", "frozen", "idle")
_OTHERWISE = {"LEAK": "frozen", "BLOCKED": "learning"}  # the state of a tensor that only bears the name of a faulty one


def coloured_graph(
    flow: FlowGraph, intent: Intent, states: Mapping[str, str], findings: Iterable[Finding]
) -> nx.DiGraph:
    """Return the module-call graph with the attributes that `Diagnosis.graph` promises."""
    findings = list(findings)
    verdicts = _Verdicts(flow, intent, states, findings)
    graph = collapse(flow, verdicts.marks, verdicts.spoken_of)
    for node in reversed(list(graph)):  # what is inside comes after what is around it
        attributes = graph.nodes[node]
        if above := attributes["parent"]:
            graph.nodes[above]["tensors"] |= attributes["tensors"]
    for _, attributes in graph.nodes(data=True):
        tensors = attributes.pop("tensors")
        modules = attributes["members"] or ((attributes["module"],) if attributes["module"] else ())
        attributes["state"] = verdicts.state(tensors, modules)
        attributes["findings"] = verdicts.findings(tensors, modules)
        attributes["leaks"] = loss_names(flow, verdicts.leaks(tensors))
        attributes["location"] = place(flow.trace, attributes.pop("site"))
    with_others(graph, states, findings)
    judge_edges(graph, flow, findings)
    return graph


def with_others(graph: nx.DiGraph, states: Mapping[str, str], findings: Iterable[Finding]) -> nx.DiGraph:
    """Add a node for each finding that speaks of nothing in the graph: of parameters that no op has read."""
    seen = {fingerprint for _, found in graph.nodes(data="findings") for fingerprint in found}
    for finding in findings:
        if finding.fingerprint in seen or not finding.parameters:
            continue
        told = {states.get(name, "") for name in finding.parameters}
        graph.add_node(
            f"unread:{finding.fingerprint}", kind="module", label=finding.where, module="", type="", parent="",
            members=(), count=1, leaks=(), state=next((state for state in _WORST if state in told), ""),
            findings=(finding.fingerprint,), location=finding.cause,
        )  # fmt: skip
    return graph


def _last_read(flow: FlowGraph) -> list[int]:
    """Return for every tensor its last value on which a loss depends; -1 where there is none."""
    found = [-1] * len(flow.trace.tensors)
    for value, tensor in enumerate(flow.trace.values.tensor):
        if tensor >= 0 and flow.data[value]:
            found[tensor] = value
    return found


def _at_fault(flow: FlowGraph, tensor: int, state: str, namesakes: Iterable[int]) -> bool:
    """Return whether a fault told by name is this tensor's: a function that builds a model in every call names them alike."""

    def shows(index: int) -> bool:
        seen = flow.tensors[index]
        moved = bool(seen.changed or seen.written)
        return not (seen.received and moved) if state == "BLOCKED" else bool(seen.received) or moved

    return shows(tensor) or not any(map(shows, namesakes))


class _Verdicts:
    """What was found of each tensor, and of all below each module."""

    def __init__(self, flow: FlowGraph, intent: Intent, states: Mapping[str, str], findings: Sequence[Finding]) -> None:
        self.flow = flow
        self.intent = intent
        sites = [place(flow.trace, loss.site) for loss in flow.losses]
        self.blamed = {
            finding.fingerprint: sum(1 << n for n, site in enumerate(sites) if site and is_at(finding.cause, site))
            for finding in findings
            if finding.kind == "leak"
        }
        by_name: dict[str, list[Finding]] = {}
        for finding in findings:
            for name in finding.parameters:
                by_name.setdefault(name, []).append(finding)
        self.of_tensor: list[tuple[str, frozenset[str]]] = []
        self.below: dict[str, tuple[set[str], set[str]]] = {}
        self.marks: dict[int, object] = {}
        self.spoken_of: set[int] = set()
        named: dict[str, list[int]] = {}
        alike: dict[str, list[int]] = {}
        names = [next((name for name in tensor.names if name in states), "") for tensor in flow.trace.tensors]
        for index, name in enumerate(names):
            named.setdefault(name, []).append(index)
        for index, name in enumerate(names):
            state, said = states.get(name, ""), by_name.get(name, [])
            if len(named[name]) > 1 and state in _OTHERWISE and not _at_fault(flow, index, state, named[name]):
                state, said = _OTHERWISE[state], []
            if said:  # of tensors that one name was given to, turn by turn, the last of each finding stand for all
                alike.setdefault(name, []).append(index)
            self.of_tensor.append((state, frozenset(finding.fingerprint for finding in said)))
            self.marks[index] = (state, tuple(sorted({finding.rule for finding in said})))
        last_read = _last_read(flow) if any(len(tensors) > 1 for tensors in alike.values()) else []
        for name, tensors in alike.items():
            most = len(by_name[name])
            self.spoken_of.update(
                sorted(tensors, key=last_read.__getitem__)[-most:] if len(tensors) > most else tensors
            )
        for name, state in states.items():
            if len(named.get(name, ())) > 1:  # each of these speaks for itself, where it is read
                continue
            prefix = name
            while "." in prefix:
                prefix = prefix.rpartition(".")[0]
                seen = self.below.setdefault(prefix, (set(), set()))
                seen[0].add(state)
                seen[1].update(finding.fingerprint for finding in by_name.get(name, ()))

    def state(self, tensors: Iterable[int], modules: Iterable[str]) -> str:
        """Return the worst state among some tensors and all that modules hold."""
        seen = {self.of_tensor[t][0] for t in tensors}.union(*(self.below[m][0] for m in modules if m in self.below))
        return next((state for state in _WORST if state in seen), "")

    def findings(self, tensors: Iterable[int], modules: Iterable[str]) -> tuple[str, ...]:
        """Return the findings that speak of some tensors or of what modules hold."""
        found = frozenset[str]().union(*(self.of_tensor[t][1] for t in tensors))
        return tuple(sorted(found.union(*(self.below[m][1] for m in modules if m in self.below))))

    def leaks(self, tensors: Iterable[int]) -> int:
        """Return the mask of the losses that feed some tensors gradient against the contract."""
        mask = 0
        for tensor in tensors:
            if self.of_tensor[tensor][0] == "LEAK":
                mask |= self.flow.tensors[tensor].received & self._forbidden(tensor)
        return mask

    def _forbidden(self, tensor: int) -> int:
        """Return the mask of the losses that must not feed a tensor.

        Those are the ones that the contract names or at whose backward call a finding points, or else all.
        """
        if tensor in self.intent.fixed:
            return -1
        named = sum(1 << loss for loss, tensors in self.intent.fixed_for_loss.items() if tensor in tensors)
        for fingerprint in self.of_tensor[tensor][1]:
            named |= self.blamed.get(fingerprint, 0)
        return named or -1
