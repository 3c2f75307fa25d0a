"""The report as JUnit XML: a test case that fails for each error and warning, and one that passes for each module that is well.

So a view of tests shows the faults by name, with their place, beside what was checked and found right.
"""

from __future__ import annotations

from collections import Counter
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from gradcheck_freeze.report.excerpts import around
from gradcheck_freeze.report.links import NOWHERE, Links
from gradcheck_freeze.report.places import anchor
from gradcheck_freeze.report.rollup import heads, natural
from gradcheck_freeze.report.tables import many
from gradcheck_freeze.report.verdict import loudest_first, watched
from gradcheck_freeze.report.words import LOOKS, shown, unobeyed
from gradcheck_freeze.rules.diagnosis import STATES, Diagnosis
from gradcheck_freeze.rules.finding import Finding, Severity

_MOST_TEXT = 2_000


def render(diagnosis: Diagnosis, links: Links = NOWHERE) -> str:
    """Return the report as an XML document; text that XML cannot hold is written out."""
    program = shown(diagnosis.script.path) if diagnosis.script else "gradcheck-freeze"
    suites = Element("testsuites", name="gradcheck-freeze")
    suite = SubElement(suites, "testsuite", name=f"gradcheck-freeze: {program}")
    if not diagnosis.losses:
        case = SubElement(suite, "testcase", classname=program, name="a backward pass is seen", time="0")
        SubElement(case, "error", type="nothing-observed", message="no backward pass was seen, so nothing was judged")
    findings = loudest_first(diagnosis.findings)
    for finding in findings:
        _finding(suite, finding, diagnosis, links, program)
    _modules(suite, diagnosis, program)
    SubElement(suite, "system-out").text = shown(watched(diagnosis), _MOST_TEXT)
    for element in (suites, suite):
        element.set("tests", str(len(list(suite.iter("testcase")))))
        element.set("failures", str(len(list(suite.iter("failure")))))
        element.set("errors", str(len(list(suite.iter("error")))))
        element.set("skipped", str(len(list(suite.iter("skipped")))))
        element.set("time", "0")
    indent(suites, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(suites, encoding="unicode") + "\n"


def _finding(suite: Element, finding: Finding, diagnosis: Diagnosis, links: Links, program: str) -> None:
    """Add a finding: a failure, or for a note a case that passes and says it."""
    where = f": {shown(finding.where)}" if finding.where else ""
    case = SubElement(
        suite, "testcase", classname=program, name=f"{shown(finding.rule)} {shown(finding.name)}{where}", time="0"
    )
    place = anchor(finding, diagnosis, links)
    if place is not None:
        case.set("file", shown(place.path, _MOST_TEXT))
        case.set("line", str(place.line))
    message, text = shown(finding.message.replace("\n", " "), _MOST_TEXT), _text(finding, diagnosis)
    if finding.severity > Severity.NOTE:
        failure = SubElement(case, "failure", type=finding.severity.word, message=message)
        failure.text = text
    else:
        SubElement(case, "system-out").text = f"note: {text}"


def _text(finding: Finding, diagnosis: Diagnosis) -> str:
    lines = [shown(line, _MOST_TEXT) for line in finding.message.split("\n")]
    if cause := finding.cause:
        lines.append(f"--> {shown(cause.path, _MOST_TEXT)}:{cause.line}")
        for line in around(cause, diagnosis.excerpts):
            lines.append(f"{'>' if line.blamed else ' '} {line.number} | {shown(line.code, _MOST_TEXT)}".rstrip())
    if finding.fix:
        lines.append(f"fix: {shown(finding.fix.text, _MOST_TEXT)}")
    return "\n".join(map(unobeyed, lines))


def _modules(suite: Element, diagnosis: Diagnosis, program: str) -> None:
    """Add a case that passes for each module of the author's that no error or warning speaks of."""
    faulty = {name for f in diagnosis.findings if f.severity > Severity.NOTE for name in f.parameters}
    states = {record.name: record.state for record in diagnosis.parameters.values() if record.kind != "buffer"}
    for module, members in sorted(heads(states).items(), key=lambda group: natural(group[0])):
        if faulty.isdisjoint(members):
            case = SubElement(suite, "testcase", classname=program, name=shown(module), time="0")
            counts = Counter(states[name] for name in members)
            each = [f"{many(counts[state], 'tensor')} {LOOKS[state].word}" for state in STATES if counts[state]]
            SubElement(case, "system-out").text = ", ".join(each)
