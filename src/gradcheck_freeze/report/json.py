"""The report that other programs read: JSON by the schema in docs/schema/report-1.json, sorted and deterministic."""

from __future__ import annotations

import json
import math
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from gradcheck_freeze.rules.diagnosis import Diagnosis, ParameterRecord
from gradcheck_freeze.rules.finding import Finding, Location

SCHEMA_VERSION = "1.0"


def render(diagnosis: Diagnosis) -> str:
    """Return the diagnosis as JSON text with a final newline."""
    return json.dumps(document(diagnosis), indent=1, sort_keys=True, allow_nan=False) + "\n"


def document(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the diagnosis as the values that JSON knows."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "gradcheck-freeze", "version": _version(), "torch": diagnosis.torch_version},
        "script": None if diagnosis.script is None else {
            "path": diagnosis.script.path, "arguments": list(diagnosis.script.arguments), "exit_status": diagnosis.script.exit_status,
        },
        "window": {
            "ops": diagnosis.window.ops, "backward_calls": diagnosis.window.backward_calls,
            "steps": diagnosis.window.steps, "closed": diagnosis.window.closed,
        },
        "parameters": [_parameter(record) for record in diagnosis.parameters.values()],
        "losses": [
            {"name": l.name, "location": _location(l.location), "backward_calls": l.backward_calls, "parameters": list(l.parameters)}
            for l in diagnosis.losses
        ],
        "optimizers": [
            {
                "name": o.name, "type": o.type_name, "built": _location(o.built), "steps": o.steps,
                "parameters": list(o.parameters), "updated": list(o.updated), "losses": list(o.losses),
            }
            for o in diagnosis.optimizers
        ],
        "findings": [_finding(finding) for finding in diagnosis.findings],
        "graph": {
            "nodes": sorted(({"id": node, **_attributes(a)} for node, a in diagnosis.graph.nodes(data=True)), key=lambda n: n["id"]),
            "edges": sorted(
                ({"source": s, "target": t, **_attributes(a)} for s, t, a in diagnosis.graph.edges(data=True)),
                key=lambda e: (e["source"], e["target"]),
            ),
        },
        "gaps": list(diagnosis.gaps),
        "excerpts": [{"path": e.path, "first_line": e.first_line, "lines": list(e.lines)} for e in diagnosis.excerpts],
    }  # fmt: skip


def _version() -> str:
    try:
        return version("gradcheck-freeze")
    except PackageNotFoundError:
        return "0"


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _location(location: Location | None) -> dict[str, Any] | None:
    if location is None:
        return None
    return {
        "path": location.path, "line": location.line, "end_line": location.end_line, "function": location.function,
        "text": location.text, "op": location.op,
    }  # fmt: skip


def _parameter(record: ParameterRecord) -> dict[str, Any]:
    return {
        "name": record.name, "aliases": list(record.aliases), "kind": "buffer" if record.kind == "buffer" else "parameter",
        "module": record.module, "shape": list(record.shape), "dtype": record.dtype, "numel": record.numel,
        "requires_grad": record.requires_grad, "optimizers": [{"name": o.name, "group": o.group} for o in record.optimizers],
        "gradient": record.gradient, "grad_norm": _number(record.grad_norm), "updated": record.updated,
        "update_ratio": _number(record.update_ratio), "losses": list(record.losses), "state": record.state,
        "declared": None if record.declared is None else {"path": record.declared.path, "line": record.declared.line},
    }  # fmt: skip


def _finding(finding: Finding) -> dict[str, Any]:
    fix = finding.fix
    return {
        "rule": finding.rule, "name": finding.name, "kind": finding.kind, "severity": finding.severity.word,
        "parameters": list(finding.parameters), "where": finding.where, "message": finding.message,
        "cause": _location(finding.cause), "trail": [_location(step) for step in finding.trail],
        "fix": None if fix is None else {"text": fix.text, "patch": fix.patch, "verified": fix.verified},
        "fingerprint": finding.fingerprint,
    }  # fmt: skip


def _attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _location(v) if isinstance(v, Location) else list(v) if isinstance(v, tuple) else v
        for key, v in attributes.items()
    }
