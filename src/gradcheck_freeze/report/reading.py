"""Reads a saved JSON report back: the diagnosis it was made from, so that every other format can be made without a run.

Every value is held against the field it goes into: a file that was cut short, made by something else or tampered with
gives an error that names the place, never half a report.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import networkx as nx

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report.json import SCHEMA_VERSION
from gradcheck_freeze.rules.contract import Ignore
from gradcheck_freeze.rules.diagnosis import (
    STATES,
    Diagnosis,
    Excerpt,
    LossRecord,
    OptimizerRecord,
    ParameterRecord,
    Plan,
    RanksRecord,
    ScriptRecord,
    Window,
)
from gradcheck_freeze.rules.finding import Finding, Location, Severity

_KEYS = {(OptimizerRecord, "type_name"): "type"}  # where the key is not called as the field is
_CHOICES = {  # fields that hold one of a few words
    (ParameterRecord, "kind"): ("parameter", "buffer", "tensor"),
    (ParameterRecord, "gradient"): ("none", "zero", "finite", "nonfinite"),
    (ParameterRecord, "state"): STATES,
    (Finding, "kind"): ("leak", "blockage", "waste", "hazard"),
}
_NODE = {
    "kind": str,
    "label": str,
    "module": str,
    "type": str,
    "parent": str,
    "members": tuple[str, ...],
    "leaks": tuple[str, ...],
    "state": str,
    "count": int,
    "location": Location | None,
}
_EDGE = {"gradient": bool, "cut": bool, "location": Location | None, "op": str, "losses": tuple[str, ...]}


class _MisfitError(Exception):
    """A value that does not fit where it stands."""


def load(path: str | os.PathLike[str]) -> Diagnosis:
    """Return the diagnosis that a JSON report was made from.

    Raises `UsageError` for a file that cannot be read, is no report, was cut short, or is of a newer schema.
    """
    name = os.fspath(path)
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        raise UsageError(f"{name!r} could not be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name!r} is no report of gradcheck-freeze: it is not text.\n  {_MAKE_ONE}") from error
    return parse(text, name)


_MAKE_ONE = "Make one with: gradcheck-freeze run -o report.json SCRIPT"


def parse(text: str, name: str) -> Diagnosis:
    """Return the diagnosis that the text of a JSON report was made from; `name` is what errors call the text."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise UsageError(f"{name!r} is no JSON, or was cut short{where}.\n  {_MAKE_ONE}") from error
    tool = document.get("tool") if isinstance(document, dict) else None
    if not isinstance(tool, dict) or tool.get("name") != "gradcheck-freeze":
        raise UsageError(f"{name!r} is JSON, but no report of gradcheck-freeze.\n  {_MAKE_ONE}")
    version = document.get("schema_version")
    if not isinstance(version, str) or version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        raise UsageError(
            f"{name!r} is of schema {str(version)[:20]!r}; this gradcheck-freeze reads {SCHEMA_VERSION}.\n"
            "  Read it with the version that wrote it, or a newer one."
        )
    try:
        return _diagnosis(document)
    except (_MisfitError, RecursionError) as error:
        raise UsageError(f"{name!r} is a damaged report: {error}.\n  {_MAKE_ONE}") from error


def _diagnosis(document: dict[str, Any]) -> Diagnosis:
    def part(key: str, hint: Any, default: Any = MISSING) -> Any:
        if key not in document and default is not MISSING:
            return default
        return _fit(hint, _of(document, key, "report"), key)

    findings = part("findings", tuple[Finding, ...])
    tool = part("tool", dict)
    return Diagnosis(
        tuple(finding for finding in findings if finding.ignored is None),
        {record.name: record for record in part("parameters", tuple[ParameterRecord, ...])},
        part("losses", tuple[LossRecord, ...]),
        part("optimizers", tuple[OptimizerRecord, ...]),
        _graph(part("graph", dict)),
        part("window", Window),
        part("script", ScriptRecord | None),
        part("gaps", tuple[str, ...]),
        part("excerpts", tuple[Excerpt, ...], ()),
        tuple(finding for finding in findings if finding.ignored is not None),
        part("unneeded_ignores", tuple[Ignore, ...], ()),
        _fit(str, tool.get("torch", ""), "tool.torch"),
        part("plan", Plan | None, None),
        part("ranks", RanksRecord | None, None),
    )


def _graph(document: dict[str, Any]) -> nx.DiGraph:
    graph = nx.DiGraph()
    for index, node in enumerate(_fit(tuple[dict[str, Any], ...], _of(document, "nodes", "graph"), "graph.nodes")):
        where = f"graph.nodes[{index}]"
        graph.add_node(_fit(str, _of(node, "id", where), f"{where}.id"), **_attributes(node, _NODE, where))
    for index, edge in enumerate(_fit(tuple[dict[str, Any], ...], _of(document, "edges", "graph"), "graph.edges")):
        where = f"graph.edges[{index}]"
        ends = [_fit(str, _of(edge, key, where), f"{where}.{key}") for key in ("source", "target")]
        if missing := [end for end in ends if end not in graph]:
            raise _MisfitError(f"{where} leads to {missing[0]!r}, which is no node")
        graph.add_edge(*ends, **_attributes(edge, _EDGE, where))
    return graph


def _attributes(given: dict[str, Any], hints: Mapping[str, Any], where: str) -> dict[str, Any]:
    found = {key: _fit(hint, given[key], f"{where}.{key}") for key, hint in hints.items() if key in given}
    if found.get("state", "") not in ("", *STATES):
        raise _MisfitError(f"{where}.state is none of {', '.join(STATES)}")
    return {**found, "findings": _fit(tuple[str, ...], given.get("findings", []), f"{where}.findings")}


def _of(document: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in document:
        raise _MisfitError(f"{where} has no {key!r}")
    return document[key]


def _fit(hint: Any, value: Any, where: str) -> Any:
    """Return a value of JSON as what a field of this type holds; raises `_MisfitError` where it cannot be."""
    origin = get_origin(hint) or hint
    if origin is UnionType:
        kinds = get_args(hint)
        return None if value is None and NoneType in kinds else _fit(kinds[0], value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise _MisfitError(f"{where} is no list")
        return tuple(_fit(get_args(hint)[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is Severity:
        word = _fit(str, value, where)
        if word not in [severity.word for severity in Severity]:
            raise _MisfitError(f"{where} is no severity")
        return Severity[word.upper()]
    if isinstance(origin, type) and is_dataclass(origin):
        if not isinstance(value, dict):
            raise _MisfitError(f"{where} is no object")
        if origin is Location and "end_line" not in value:  # where a parameter was declared, its line is all there is
            value = {"end_line": value.get("line"), "function": "", "text": "", **value}
        given: dict[str, Any] = {}
        for name, key, kind, needed in _fields(origin):
            if key in value:
                given[name] = _fit(kind, value[key], f"{where}.{key}")
                if given[name] not in _CHOICES.get((origin, name), (given[name],)):
                    raise _MisfitError(f"{where}.{key} is none of {', '.join(_CHOICES[origin, name])}")
            elif needed:
                raise _MisfitError(f"{where} has no {key!r}")
        whole: Any = origin
        return whole(**given)
    wanted = (int, float) if origin is float else origin
    if not isinstance(value, wanted) or (isinstance(value, bool) and origin is not bool):
        raise _MisfitError(f"{where} is no {_WORDS.get(origin, 'object')}")
    return value


_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false"}


@cache
def _fields(kind: Any) -> list[tuple[str, str, Any, bool]]:
    """Return name, key, type and whether it must be there, of every field of a dataclass."""
    hints = get_type_hints(kind)
    return [
        (
            f.name,
            _KEYS.get((kind, f.name), f.name),
            hints[f.name],
            f.default is MISSING and f.default_factory is MISSING,
        )
        for f in fields(kind)
    ]


def findings_of(values: Any) -> tuple[Finding, ...]:
    """Return findings as they were written; raises `UsageError` where they are damaged."""
    try:
        found: tuple[Finding, ...] = _fit(tuple[Finding, ...], values, "findings")
    except _MisfitError as error:
        raise UsageError(f"damaged findings: {error}.") from error
    return found


def location_of(path: str, line: int, end_line: int, function: str, text: str = "") -> Location:
    """Return a place, with its line of source where that is known."""
    return Location(str(path), int(line), int(end_line), str(function), str(text))
