"""The report in a cell of a notebook: the verdict, the picture and the findings, as HTML without script or style sheet.

The picture is embedded as an image, so that nothing in it can run, and nothing clashes with the page around it.
"""

from __future__ import annotations

import base64
from html import escape

from gradcheck_freeze.report import by_rank, picture
from gradcheck_freeze.report.excerpts import around
from gradcheck_freeze.report.layout import squeeze
from gradcheck_freeze.report.verdict import blamed, blamed_names, loudest_first, sentence, watched
from gradcheck_freeze.report.words import KINDS, LOOKS, shown
from gradcheck_freeze.rules.diagnosis import Diagnosis
from gradcheck_freeze.rules.finding import Finding

_MOST_FINDINGS = 20
_MOST_TEXT = 2_000
_PRE = "margin:.3em 0;padding:.5em .8em;border-left:3px solid {};overflow-x:auto;background:rgba(127,127,127,.12)"
_STROKES = {"leak": LOOKS["LEAK"].stroke, "blockage": LOOKS["BLOCKED"].stroke}


def render(diagnosis: Diagnosis) -> str:
    """Return the cell as HTML."""
    findings = loudest_first(diagnosis.findings)
    heads = [f"{LOOKS[s].glyph} {LOOKS[s].word} {blamed_names(hit)}" for s, hit in blamed(diagnosis).items()]
    parts = [
        f"<p><b>{_html('  '.join([*heads, sentence(diagnosis)]))}</b><br><small>{_html(watched(diagnosis))}</small></p>",
        _picture(diagnosis),
        *(_finding(finding, diagnosis, opened=number == 0) for number, finding in enumerate(findings[:_MOST_FINDINGS])),
    ]
    if len(findings) > _MOST_FINDINGS:
        parts.append(f"<p>… and {len(findings) - _MOST_FINDINGS:,} more: save() writes them all.</p>")
    parts += [f"<p><small>not seen: {_html(gap)}</small></p>" for gap in sorted(set(diagnosis.gaps))[:5]]
    return f'<div class="gradcheck-freeze">{"".join(parts)}</div>'


def _picture(diagnosis: Diagnosis) -> str:
    if not diagnosis.graph:
        return ""
    data = base64.b64encode(picture.svg(diagnosis).encode("utf-8", "backslashreplace")).decode("ascii")
    style = "max-width:100%;background:#fff"
    return f'<p><img alt="The gradient flow" style="{style}" src="data:image/svg+xml;base64,{data}"></p>'


def _finding(finding: Finding, diagnosis: Diagnosis, *, opened: bool) -> str:
    cause = finding.cause
    ranks = by_rank.found_on(finding, diagnosis.ranks)
    place = f" at <code>{_html(squeeze(shown(cause.path), 60))}:{cause.line}</code>" if cause else ""
    title = f"<b>{_html(KINDS[finding.kind])}</b> {finding.severity.word} <code>{_html(finding.where)}</code>{place}"
    title += f" ({_html(ranks)})" if ranks else ""
    parts = [f"<p>{'<br>'.join(_html(line) for line in finding.message.split(chr(10)))}</p>"]
    lines = around(cause, diagnosis.excerpts) if cause else []
    if lines:
        gutter = len(str(lines[-1].number))
        rows = [
            f"<b>&gt; {line.number:>{gutter}} | {_html(line.code)}</b>"
            if line.blamed
            else f"  {line.number:>{gutter}} | {_html(line.code)}"
            for line in lines
        ]
        style = _PRE.format(_STROKES.get(finding.kind, "#76767E"))
        parts.append(f'<pre style="{style}">{chr(10).join(rows)}</pre>')
    if finding.fix:
        parts.append(f"<p><b>Fix:</b> {_html(finding.fix.text)}</p>")
    parts.append(f"<p><small>{_html(finding.rule)} {_html(finding.name)}</small></p>")
    return f"<details{' open' if opened else ''}><summary>{title}</summary>{''.join(parts)}</details>"


def _html(text: str) -> str:
    """Return text as HTML that reads as the text; a dollar sign is written out, for notebooks set formulas in it."""
    return escape(shown(text, _MOST_TEXT)).replace("$", "<span>$</span>")
