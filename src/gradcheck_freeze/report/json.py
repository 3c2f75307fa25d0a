"""The report that other programs read: JSON by the schema in docs/schema/report-1.json, sorted and deterministic."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import networkx as nx

from gradcheck_freeze.report.attribution import Share, shares
from gradcheck_freeze.rules.diagnosis import Diagnosis, LossRecord, OptimizerRecord, ParameterRecord
from gradcheck_freeze.rules.finding import Finding, Fix, Location

SCHEMA_VERSION = "1.0"

Json = dict[str, Any]


def render(diagnosis: Diagnosis) -> str:
    """Return the diagnosis as JSON text in ASCII with a final newline; equal diagnoses give equal text."""
    return dumps(document(diagnosis))


def dumps(value: Any) -> str:
    """Return a value as JSON text that every parser takes, in ASCII and sorted."""
    text = json.dumps(_interchangeable(value), indent=1, sort_keys=True, allow_nan=False) + "\n"
    return text.replace("##", "#\\u0023")  # a build server obeys `##[command]` anywhere in a line that is printed


def document(diagnosis: Diagnosis) -> Json:
    """Return the diagnosis as the values that JSON knows, lists in the order of their names or lines."""
    window, script, ranks = diagnosis.window, diagnosis.script, diagnosis.ranks
    together = ranks and {
        "world_size": ranks.world_size,
        "reported": list(ranks.reported),
        "missing": list(ranks.missing),
        "pictured": ranks.pictured,
    }
    return {
        **({"ranks": together} if together else {}),
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "gradcheck-freeze", "version": tool_version(), "torch": diagnosis.torch_version},
        "script": script
        and {"path": script.path, "arguments": list(script.arguments), "exit_status": script.exit_status},
        "window": {
            "ops": window.ops,
            "backward_calls": window.backward_calls,
            "steps": window.steps,
            "closed": window.closed,
            "steps_watched": [list(stretch) for stretch in window.steps_watched],
            "guarded": window.guarded
            and {
                "parameters": window.guarded.parameters,
                "last_step": window.guarded.last_step,
                "changed": sorted(window.guarded.changed),
            },
        },
        "parameters": [_parameter(r) for r in sorted(diagnosis.parameters.values(), key=lambda record: record.name)],
        "losses": [_loss(r) for r in sorted(diagnosis.losses, key=lambda r: (r.name, _order(r.location)))],
        "optimizers": [_optimizer(r) for r in sorted(diagnosis.optimizers, key=lambda r: (r.name, _order(r.built)))],
        "attribution": [_share(share) for share in shares(diagnosis)],
        "findings": [
            finding_object(finding) for finding in sorted((*diagnosis.findings, *diagnosis.ignored), key=_loudest_first)
        ],
        "unneeded_ignores": [
            {"rule": entry.rule, "pattern": entry.pattern, "reason": entry.reason}
            for entry in sorted(diagnosis.unneeded, key=lambda e: (e.rule, e.pattern, e.reason))
        ],
        "graph": _graph(diagnosis.graph),
        **({"plan": asdict(diagnosis.plan)} if diagnosis.plan else {}),
        "gaps": sorted(diagnosis.gaps),
        "excerpts": [
            {"path": excerpt.path, "first_line": excerpt.first_line, "lines": list(excerpt.lines)}
            for excerpt in sorted(diagnosis.excerpts, key=lambda e: (e.path, e.first_line, e.lines))
        ],
    }


def tool_version() -> str:
    """Return the version of this package."""
    try:
        return version("gradcheck-freeze")
    except PackageNotFoundError:  # imported from a checkout that was never installed
        return "0"


def _interchangeable(value: Any) -> Any:
    """Return the value as every JSON parser takes it: no NaN or infinity, and lone surrogates written out."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_interchangeable(key): _interchangeable(item) for key, item in value.items()}
    return [_interchangeable(item) for item in value] if isinstance(value, (list, tuple)) else value


def _location(location: Location | None) -> Json | None:
    if location is None:
        return None
    return {
        "path": location.path,
        "line": location.line,
        "end_line": location.end_line,
        "function": location.function,
        "text": location.text,
        "op": location.op,
    }


def _order(location: Location | None) -> tuple[str, int]:
    return (location.path, location.line) if location else ("", 0)


def _parameter(record: ParameterRecord) -> Json:
    return {
        "name": record.name,
        "aliases": sorted(record.aliases),
        "kind": "buffer" if record.kind == "buffer" else "parameter",
        "module": record.module,
        "shape": list(record.shape),
        "dtype": record.dtype,
        "numel": record.numel,
        "requires_grad": record.requires_grad,
        "optimizers": [
            {"name": name, "group": group} for name, group in sorted((o.name, o.group) for o in record.optimizers)
        ],
        "gradient": record.gradient,
        "grad_norm": record.grad_norm,
        "updated": record.updated,
        "update_ratio": record.update_ratio,
        "losses": sorted(record.losses),
        "state": record.state,
        "declared": record.declared and {"path": record.declared.path, "line": record.declared.line},
    }


def _loss(record: LossRecord) -> Json:
    return {
        "name": record.name,
        "location": _location(record.location),
        "backward_calls": record.backward_calls,
        "parameters": sorted(record.parameters),
    }


def _optimizer(record: OptimizerRecord) -> Json:
    return {
        "name": record.name,
        "type": record.type_name,
        "built": _location(record.built),
        "steps": record.steps,
        "parameters": sorted(record.parameters),
        "updated": sorted(record.updated),
        "losses": sorted(record.losses),
    }


def _share(share: Share) -> Json:
    location = share.loss.location
    return {
        "loss": share.loss.name,
        "line": location.line if location else None,
        "module": share.module,
        "parameters": share.parameters,
        "fed": share.fed,
        "moved": share.moved,
        "optimizers": list(share.optimizers),
    }


def finding_object(finding: Finding) -> Json:
    """Return a finding as the values that JSON knows."""
    return {
        "rule": finding.rule,
        "name": finding.name,
        "kind": finding.kind,
        "severity": finding.severity.word,
        "parameters": sorted(finding.parameters),
        "where": finding.where,
        "message": finding.message,
        "cause": _location(finding.cause),
        "trail": [_location(step) for step in finding.trail],
        "fix": _fix(finding.fix),
        "ignored": finding.ignored,
        "fingerprint": finding.fingerprint,
        **({"ranks": list(finding.ranks)} if finding.ranks else {}),
    }


def _fix(fix: Fix | None) -> Json | None:
    if fix is None:
        return None
    optional = {"patch": fix.patch, "verified": fix.verified}
    return {"text": fix.text, **{key: value for key, value in optional.items() if value is not None}}


def _loudest_first(finding: Finding) -> tuple[int, str, str, tuple[str, int], str]:
    return (-finding.severity, finding.rule, finding.where, _order(finding.cause), finding.message)


def _graph(graph: nx.DiGraph) -> Json:
    nodes = [{**_attributes(attributes), "id": str(node)} for node, attributes in graph.nodes(data=True)]
    edges = [
        {**_attributes(attributes), "source": str(source), "target": str(target)}
        for source, target, attributes in graph.edges(data=True)
    ]
    return {
        "nodes": sorted(nodes, key=lambda node: node["id"]),
        "edges": sorted(edges, key=lambda edge: (edge["source"], edge["target"])),
    }


def _attributes(attributes: Mapping[str, Any]) -> Json:
    return {key: _location(value) if isinstance(value, Location) else value for key, value in attributes.items()}
