"""The report as SARIF 2.1.0: GitHub and editors show each finding at its line, with the gradient path as a code flow.

GitHub wants one-line regions with columns, paths from the top of the repository, and fingerprints that survive when lines move.
"""

from __future__ import annotations

import re
from typing import Any

from gradcheck_freeze.report.excerpts import at_cause, trail
from gradcheck_freeze.report.json import dumps, tool_version
from gradcheck_freeze.report.links import NOWHERE, Links, uri
from gradcheck_freeze.report.places import Place, anchor, unique
from gradcheck_freeze.report.verdict import loudest_first
from gradcheck_freeze.report.words import shown
from gradcheck_freeze.rules.diagnosis import Diagnosis
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.rule import Rule
from gradcheck_freeze.rules.table import RULES

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "recommendation"}
_MOST_RESULTS = 5_000  # that GitHub keeps
_MOST_STEPS = 1_000
_MOST_TEXT = 1_000

Json = dict[str, Any]


def render(diagnosis: Diagnosis, links: Links = NOWHERE) -> str:
    """Return the report as a SARIF log with one run; ignored findings are in it as suppressed."""
    findings = [*loudest_first(diagnosis.findings), *loudest_first(diagnosis.ignored)][:_MOST_RESULTS]
    rules, numbers = _rules(findings)
    program = shown(diagnosis.script.path) if diagnosis.script else "program"
    run: Json = {
        "tool": {
            "driver": {
                "name": "gradcheck-freeze",
                "version": tool_version(),
                "rules": rules,
            }
        },
        "columnKind": "utf16CodeUnits",
        # What precedes the last slash is the category that GitHub keeps runs apart by.
        "automationDetails": {"id": f"gradcheck-freeze/{uri(program)}/"},
        "results": [
            _result(finding, numbers[finding.rule], fingerprint, diagnosis, links)
            for finding, fingerprint in zip(findings, unique(findings), strict=True)
        ],
    }
    if diagnosis.gaps:
        notes = [
            {"level": "note", "message": {"text": _text(f"not seen: {gap}")}} for gap in sorted(set(diagnosis.gaps))
        ]
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": notes}]
    return dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rules(findings: list[Finding]) -> tuple[list[Json], dict[str, int]]:
    """Return the rule book, with rules that only a report of another version knows, and the number of each code."""
    found = [_rule(rule) for rule in RULES]
    numbers = {rule.code: number for number, rule in enumerate(RULES)}
    for finding in findings:
        if finding.rule not in numbers:
            numbers[finding.rule] = len(found)
            code, name = shown(finding.rule) or "unknown", shown(finding.name) or "unknown"
            found.append({"id": code, "name": name, "shortDescription": {"text": name}})
    return found, numbers


def _rule(rule: Rule) -> Json:
    paragraphs = rule.page.split("\n\n")
    why = next((part for part in paragraphs if part.startswith("Why it matters:")), rule.summary)
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": " ".join(why.split())[:_MOST_TEXT]},
        "help": {"text": rule.page, "markdown": rule.page},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["gradient-flow", rule.kind],
            "precision": "high",
            "problem.severity": _PROBLEMS[rule.severity],
        },
    }


def _result(finding: Finding, number: int, fingerprint: str, diagnosis: Diagnosis, links: Links) -> Json:
    place = anchor(finding, diagnosis, links)
    fix = f"\nFix: {finding.fix.text}" if finding.fix else ""
    result: Json = {
        "ruleId": shown(finding.rule) or "unknown",
        "ruleIndex": number,
        "level": _LEVELS[finding.severity],
        "message": {"text": "\n".join(_text(line) for line in f"{finding.message}{fix}".split("\n")) or finding.rule},
        "partialFingerprints": {"primaryLocationLineHash": fingerprint},
        "properties": {
            "parameters": [shown(name) for name in sorted(finding.parameters)[:100]],
            "where": shown(finding.where),
        },
    }
    if place is not None:
        result["locations"] = [{"physicalLocation": _physical(place, diagnosis)}]
    steps = trail(finding)[:_MOST_STEPS]
    if steps:
        result["codeFlows"] = [
            {"threadFlows": [{"locations": [_step(step, finding, diagnosis, links) for step in steps]}]}
        ]
    if finding.ignored is not None:
        result["suppressions"] = [{"kind": "external", "justification": shown(finding.ignored, _MOST_TEXT)}]
    return result


def _step(step: Location, finding: Finding, diagnosis: Diagnosis, links: Links) -> Json:
    path = links.path(step.path)
    said = step.text or step.op or f"line {step.line}"
    location: Json = {"message": {"text": _text(said if path else f"{step.path}:{step.line}  {said}")}}
    if path:
        location["physicalLocation"] = _physical(Place(path, max(1, step.line), step), diagnosis)
    return {"location": location, "importance": "essential" if at_cause(step, finding.cause) else "important"}


def _physical(place: Place, diagnosis: Diagnosis) -> Json:
    """Return one line of a file, from its first to its last character that is no space."""
    line = _line(place, diagnosis)
    start = len(line) - len(line.lstrip())
    region: Json = {
        "startLine": place.line,
        "startColumn": _units(line[:start]) + 1,
        "endLine": place.line,
        "endColumn": max(_units(line.rstrip()), _units(line[:start])) + 1,
    }
    if line.strip():
        region["snippet"] = {"text": shown(line.strip(), _MOST_TEXT)}
    return {"artifactLocation": {"uri": uri(place.path)}, "region": region}


def _line(place: Place, diagnosis: Diagnosis) -> str:
    location = place.location
    if location is None:
        return ""
    for excerpt in diagnosis.excerpts:
        if excerpt.path == location.path and 0 <= place.line - excerpt.first_line < len(excerpt.lines):
            return excerpt.lines[place.line - excerpt.first_line]
    return location.text


def _units(text: str) -> int:
    """Return the length of a text as columns are counted."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _text(text: str) -> str:
    """Return text as a plain message, in which brackets would make a link."""
    return re.sub(r"([\\\[\]])", r"\\\1", shown(text, _MOST_TEXT))
