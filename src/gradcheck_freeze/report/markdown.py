"""The report for a pull request: verdict, table of findings, one small picture, and everything else folded.

A hidden first line tells a later run which comment is its own. What is too long is cut by whole findings, and said.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gradcheck_freeze.report import by_rank, mermaid, plan
from gradcheck_freeze.report.layout import squeeze
from gradcheck_freeze.report.links import NOWHERE, Links
from gradcheck_freeze.report.markdown_finding import MOST_TEXT, detail_of, row_of
from gradcheck_freeze.report.markup import code, fenced, folded, prose, table
from gradcheck_freeze.report.rollup import natural
from gradcheck_freeze.report.tables import ATTRIBUTION, MODULE_HEAD, NOTHING, attribution_rows, many, module_rows
from gradcheck_freeze.report.verdict import blamed, counts, loudest_first, sentence, watched
from gradcheck_freeze.report.words import LOOKS, shown
from gradcheck_freeze.rules.diagnosis import STATES, Diagnosis
from gradcheck_freeze.rules.finding import Finding, Severity


@dataclass(frozen=True, slots=True)
class Size:
    """How much a place takes: bytes in all, characters of the picture, findings told one by one."""

    most_bytes: int
    most_picture: int  # GitLab counts all of the page
    most_findings: int
    most_rows: int  # of the open table, the others are folded
    tables: bool = True


COMMENT = Size(60_000, 8_000, 50, 10)  # GitHub takes 65,536 characters; whoever posts it may add a line of its own
SUMMARY = Size(900_000, 8_000, 500, 25)  # a job summary takes 1 MiB
SHORT = Size(20_000, 1_800, 5, 5, tables=False)  # GitLab draws pictures of 2,000 characters in all without being asked
_MOST_MODULES = 30
_MOST_LOSSES = 6
_MOST_NAMES = 3
_MOST_GAPS = 5
_MOST_IGNORED = 20
_LEGEND = "<sub>Arrows forward: data. Back, green: gradient; red: gradient of a leak. Dashed, ending in ✕: gradient cut.{}</sub>"
_NAMES = (0, 2, 3)  # columns of the table by module that hold names
_RESERVE = 2_500  # bytes
_SHARE = 0.4  # of the room, for the tables and lists beside the findings


def render(diagnosis: Diagnosis, links: Links = NOWHERE, size: Size = COMMENT) -> str:
    """Return the report as Markdown of at most `size.most_bytes` bytes of UTF-8."""
    findings = loudest_first(diagnosis.findings)
    head = [marker(diagnosis), _headline(diagnosis), f"<sub>gradcheck-freeze {prose(watched(diagnosis), 600)}.</sub>"]
    tail = [_explanation(findings)] if findings else []
    picture = _picture(diagnosis, size)
    room = size.most_bytes - _bytes([*head, *tail, picture]) - _RESERVE  # what is said of those left out
    beside = _fitting(
        [*_tables(diagnosis, size), _plan(diagnosis), _accepted(diagnosis), _gaps(diagnosis.gaps)], room * _SHARE
    )
    told = _whole(findings, diagnosis, links, size, room - _bytes(beside))
    rows, details = [row for row, _ in told], [detail for _, detail in told]
    parts = [*head]
    if rows:
        parts.append(table(_HEAD, rows[: size.most_rows]))
    if rows[size.most_rows :]:
        parts.append(folded(many(len(rows) - size.most_rows, "more finding"), table(_HEAD, rows[size.most_rows :])))
    first = 1 if details and _opened(findings[0]) else 0  # the line to blame tells more than the picture
    parts += [_more(findings[len(told) :]), *details[:first], picture, *details[first:], *beside, *tail]
    return "\n\n".join(filter(None, parts)) + "\n"


def render_short(diagnosis: Diagnosis, links: Links = NOWHERE) -> str:
    """Return the report as Markdown for a merge request on GitLab, short."""
    return render(diagnosis, links, SHORT)


def marker(diagnosis: Diagnosis) -> str:
    """Return the hidden line by which a later run finds the comment of the same program."""
    path = diagnosis.script.path if diagnosis.script else ""
    plain = re.sub(r"[^A-Za-z0-9._/]+|\.\.+", "_", path)[-100:]
    if plain != path:
        plain += "." + hashlib.sha256(path.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return f"<!-- gradcheck-freeze:{plain or 'report'} -->"


def _headline(diagnosis: Diagnosis) -> str:
    hit = []
    for state, where in blamed(diagnosis).items():
        named = ", ".join(code(squeeze(shown(name), 60)) for name in where[:_MOST_NAMES])
        more = f" and {len(where) - _MOST_NAMES:,} more" if len(where) > _MOST_NAMES else ""
        hit.append(f"{LOOKS[state].mark} {LOOKS[state].word} {named}{more}")
    said = prose(sentence(diagnosis))
    if hit and said.startswith("("):
        said = said.strip("()")
    return f"### {' · '.join([*hit, said])}"


_HEAD = ["", "Where", "What happens, and what to do"]


def _whole(
    findings: Sequence[Finding], diagnosis: Diagnosis, links: Links, size: Size, room: float
) -> list[tuple[list[str], str]]:
    """Return row and detail of the first findings: as many as fit whole, and no more than are wanted."""
    told: list[tuple[list[str], str]] = []
    seen: set[tuple[str, int]] = set()
    for finding in findings[: size.most_findings]:
        row, cut = row_of(finding, links, diagnosis.ranks)
        place = (finding.cause.path, finding.cause.line) if finding.cause else ("", 0)
        detail = detail_of(finding, diagnosis, cut=cut, again=place in seen, opened=not told and _opened(finding))
        room -= _bytes([*row, detail]) + 20
        if room < 0:
            break
        seen.add(place)
        told.append((row, detail))
    return told


def _opened(finding: Finding) -> bool:
    """Return whether the details are worth being open where the finding is the loudest."""
    return finding.severity > Severity.NOTE


def _picture(diagnosis: Diagnosis, size: Size) -> str:
    """Return the flow as Mermaid, which both hosts draw; folded where there is nothing to find in it."""
    if not diagnosis.graph or not diagnosis.parameters:
        return ""
    drawn = mermaid.render(diagnosis, most_characters=size.most_picture)
    if len(drawn) > size.most_picture:
        return ""
    seen = by_rank.pictured(diagnosis.ranks)
    legend = _LEGEND.format(f" The step {seen}." if seen else "")
    picture = f"{fenced(drawn.rstrip().split(chr(10)), 'mermaid')}\n\n{legend}"
    return picture if diagnosis.findings else folded("The gradient flow", picture)


def _tables(diagnosis: Diagnosis, size: Size) -> list[str]:
    if not size.tables:
        return []
    found = []
    rows, rest = module_rows(diagnosis, _MOST_MODULES)
    if rows:
        cells = [
            [_names(text) if index in _NAMES else prose(text) for index, (text, _) in enumerate(row)] for row in rows
        ]
        found.append(folded(_states(diagnosis), table(list(MODULE_HEAD), cells), prose(rest)))
    head, rows, more = attribution_rows(diagnosis, _MOST_MODULES, _MOST_LOSSES)
    if rows:
        cells = [[code(name), *(prose(text) for text, _ in others)] for (name, _), *others in rows]
        named = [head[0], *map(code, head[1:])]
        found.append(folded(ATTRIBUTION[0].upper() + ATTRIBUTION[1:], table(named, cells), prose(more)))
    return found


def _names(text: str) -> str:
    return prose(text) if text == NOTHING else code(text)


def _states(diagnosis: Diagnosis) -> str:
    """Return the title of the table by module: how many parameters are in which state."""
    states = Counter(record.state for record in diagnosis.parameters.values() if record.kind != "buffer")
    each = ", ".join(f"{states[s]:,} {LOOKS[s].word} {LOOKS[s].mark}" for s in STATES if states[s])
    return f"Modules and their {many(sum(states.values()), 'parameter')}: {each}"


def _accepted(diagnosis: Diagnosis) -> str:
    lines = []
    if diagnosis.ignored:
        lines.append(f"{many(len(diagnosis.ignored), 'finding')} ignored by configuration:\n")
        ignored = loudest_first(diagnosis.ignored)
        for finding in ignored[:_MOST_IGNORED]:
            where = code(squeeze(shown(finding.where), 60))
            lines.append(f"- {prose(finding.rule)} {where}: {prose(finding.ignored or '', MOST_TEXT)}")
        if len(ignored) > _MOST_IGNORED:
            lines.append(f"- … and {len(ignored) - _MOST_IGNORED:,} more")
    for entry in diagnosis.unneeded[:_MOST_IGNORED]:
        lines.append(
            f"- `ignore` {prose(entry.rule)} {code(entry.pattern)} is no longer needed: no finding is about it"
        )
    return "\n".join(lines)


def _plan(diagnosis: Diagnosis) -> str:
    rows = [[what.strip(), prose(said)] for what, said in plan.lines(diagnosis)]
    return table([plan.TITLE.capitalize(), ""], rows) if rows else ""


def _gaps(gaps: Iterable[str]) -> str:
    distinct = sorted(set(gaps), key=natural)
    lines = [f"- not seen: {prose(gap, MOST_TEXT)}" for gap in distinct[:_MOST_GAPS]]
    more = len(distinct) - _MOST_GAPS
    return "\n".join([*lines, *([f"- not seen: {more:,} more, in the JSON report"] if more > 0 else [])])


def _more(left: Sequence[Finding]) -> str:
    if not left:
        return ""
    rules = Counter((f.rule, f.name) for f in left).most_common(5)
    each = ", ".join(f"{code(f'{rule} {name}', 60)}: {count:,}" for (rule, name), count in rules)
    return f"**{len(left):,} more** ({counts(left)}) are in the JSON report: {each}{', …' if len(rules) == 5 else ''}."


def _explanation(findings: Sequence[Finding]) -> str:
    return f"<sub>{code(f'gradcheck-freeze explain {findings[0].rule}')} tells why this matters.</sub>"


def _fitting(parts: Iterable[str], room: float) -> list[str]:
    """Return the parts that fit, in order; one that does not is left out whole."""
    kept = []
    for part in filter(None, parts):
        if _bytes([part]) <= room:
            room -= _bytes([part])
            kept.append(part)
    return kept


def _bytes(parts: Iterable[str]) -> int:
    return sum(len(part.encode("utf-8", "backslashreplace")) + 3 for part in parts)
