"""What the script of the page works on: the tree of modules, the graph and the findings, as compact JSON.

Rows are lists and what many rows share is written once, so that a model of a thousand layers stays a small file.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from gradcheck_freeze.report.flows import flow_of
from gradcheck_freeze.report.page.cards import near
from gradcheck_freeze.report.page.drawing import FLOWS
from gradcheck_freeze.report.rollup import natural
from gradcheck_freeze.report.words import LOOKS, shown
from gradcheck_freeze.rules.diagnosis import STATES, Diagnosis, ParameterRecord
from gradcheck_freeze.rules.finding import Finding, Location
from gradcheck_freeze.rules.siblings import spell

_LONGEST = 2_000  # characters of a name
_INERT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


class _Shared:
    """Values that many rows share, each kept once; a row holds the number of its value."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def number(self, value: Any) -> int:
        return self._numbers.setdefault(value, len(self._numbers))

    def values(self) -> list[Any]:
        return list(self._numbers)


def text(diagnosis: Diagnosis, findings: Sequence[Finding]) -> str:
    """Return the data as JSON that may stand inside a script element of HTML."""
    number = {finding.fingerprint: index for index, finding in enumerate(findings)}
    facts, places = _Shared(), _Shared()
    tree = _tree(diagnosis, findings, facts)
    nodes, edges = _graph(diagnosis, number, places)
    document = {
        "states": [[state, LOOKS[state].glyph, LOOKS[state].word] for state in STATES],
        "findings": [
            [f.fingerprint, f.rule, f.name, f.severity.word, shown(f.where, _LONGEST), shown(f.message, _LONGEST)]
            for f in findings
        ],
        "facts": facts.values(),
        "tree": tree,
        "places": places.values(),
        "flows": list(FLOWS),
        "nodes": nodes,
        "edges": edges,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(_INERT)


def _tree(diagnosis: Diagnosis, findings: Sequence[Finding], facts: _Shared) -> list[Any]:
    """Return the root of the tree of modules as [name, modules, tensors]."""
    spoken: dict[str, list[int]] = {}
    for index, finding in enumerate(findings):
        for name in finding.parameters:
            spoken.setdefault(name, []).append(index)
    root: list[Any] = ["", [], []]
    known: dict[tuple[str, ...], list[Any]] = {(): root}
    for name in sorted(diagnosis.parameters, key=natural):
        record = diagnosis.parameters[name]
        *path, last = name.split(".")
        module = root
        for depth, part in enumerate(path, 1):
            key = tuple(path[:depth])
            if key not in known:
                known[key] = [shown(part, _LONGEST), [], []]
                module[1].append(known[key])
            module = known[key]
        module[2].append(_tensor(record, last, ".".join(path), spoken.get(name, []), facts))
    return root


def _tensor(record: ParameterRecord, name: str, above: str, findings: list[int], facts: _Shared) -> list[Any]:
    """Return [name, state, facts, gradient norm, update ratio, findings, module and aliases where they are not obvious]."""
    optimizers = [f"{o.name} (group {o.group})" if o.group else o.name for o in record.optimizers]
    shared = (
        record.kind,
        "×".join(map(str, record.shape)) or "scalar",
        record.numel,
        shown(record.dtype),
        record.requires_grad,
        shown(", ".join(optimizers), _LONGEST),
        shown(_counted(record.losses), _LONGEST),
        record.gradient,
        record.updated,
        near(record.declared) if record.declared else "",
    )
    row = [
        shown(name, _LONGEST),
        STATES.index(record.state),
        facts.number(shared),
        _brief(record.grad_norm),
        _brief(record.update_ratio),
    ]
    module = [shown(record.module, _LONGEST)] if record.module != above else []
    return row + _trimmed(findings, module, [shown(alias) for alias in record.aliases])


def _counted(names: Sequence[str]) -> str:
    """Return names, each once: two losses of one name are "loss ×2"."""
    counts = Counter(names)
    return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in counts.items())


def _graph(diagnosis: Diagnosis, number: dict[str, int], places: _Shared) -> tuple[list[Any], list[Any]]:
    """Return the nodes as [label, kind, state, module, parent, count, place, findings, members, leaks] and the edges as
    [source, target, number of the flow in FLOWS, op, place, findings, losses]; empty lists at the end are left out."""
    graph = diagnosis.graph
    index = {node: i for i, node in enumerate(sorted(graph.nodes))}
    losses = {loss.name: i for i, loss in enumerate(diagnosis.losses)}

    def place(location: object) -> int:
        if not isinstance(location, Location):
            return -1
        return places.number((near(location), shown(location.path, _LONGEST), shown(location.text, 200)))

    def numbers(attributes: dict[str, Any], key: str, known: dict[str, int]) -> list[int]:
        return sorted(known[name] for name in attributes.get(key, ()) if name in known)

    nodes = []
    for node in index:
        a = graph.nodes[node]
        label, module, state = shown(str(a.get("label", ""))), shown(str(a.get("module", "")), _LONGEST), a.get("state")
        members = [shown(str(member), _LONGEST) for member in a.get("members", ())]  # of a box that stands for several
        row = [
            shown(spell(members)) if members else label,
            str(a.get("kind", "")),
            STATES.index(state) if state in STATES else -1,
            0 if module == label and not members else module,
            index.get(a.get("parent"), -1),
            a.get("count", 1),
            place(a.get("location")),
        ]
        nodes.append(row + _trimmed(numbers(a, "findings", number), members, numbers(a, "leaks", losses)))
    edges = []
    for source, target, a in sorted(graph.edges(data=True), key=lambda edge: edge[:2]):
        flow = list(FLOWS).index(flow_of(graph, source, target))
        row = [index[source], index[target], flow, shown(str(a.get("op", "")), 80), place(a.get("location"))]
        edges.append(row + _trimmed(numbers(a, "findings", number), numbers(a, "losses", losses)))
    return nodes, edges


def _trimmed(*lists: list[Any]) -> list[Any]:
    kept = list(lists)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _brief(value: float | None) -> float | str:
    """Return a number with three digits, or its name where it is none, or "" where there is none."""
    if value is None:
        return ""
    return float(f"{value:.3g}") if math.isfinite(value) else str(value)
