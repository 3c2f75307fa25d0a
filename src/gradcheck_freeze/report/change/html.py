"""The comparison as one small page: no script, no network, light and dark, and it opens from disk."""

from __future__ import annotations

import base64
import hashlib
import html

from gradcheck_freeze.report.change.sentences import headline, sentence, totals
from gradcheck_freeze.report.change.value import Change, Shift
from gradcheck_freeze.report.tables import many
from gradcheck_freeze.report.words import LOOKS, shown, unobeyed
from gradcheck_freeze.rules.diagnosis import Diagnosis
from gradcheck_freeze.rules.finding import Finding, Location

_MOST_SHIFTS = 200
_MOST_FINDINGS = 200
_MOST_TEXT = 2_000
_MOST_TRAIL = 12
# What the parameters are now, as the pictures show it: never by colour alone.
_STATES = {"trained": "learning", "blocked": "BLOCKED", "fed": "LEAK", "written": "LEAK", "frozen": "frozen", "trainable": "frozen"}  # fmt: skip
_STYLE = (
    ":root{color-scheme:light dark;--ink:#1b1b1f;--soft:#5c5c66;--paper:#fff;--card:#f6f7f9;--line:#d5d7dd}"
    "@media (prefers-color-scheme:dark){:root{--ink:#ececf1;--soft:#a9a9b5;--paper:#16161a;--card:#1f2026;--line:#3a3b44}}"
    "body{margin:0 auto;max-width:60rem;padding:1.5rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}code,pre{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}"
    "pre{overflow-x:auto;white-space:pre-wrap;background:var(--paper);border:1px solid var(--line);border-radius:4px;padding:.5rem}"
    "ul{list-style:none;padding:0}li,article{background:var(--card);border:1px solid var(--line);border-left-width:6px;"
    "border-radius:4px;padding:.6rem .8rem;margin:.5rem 0}li{display:flex;gap:.8rem;flex-wrap:wrap}li span{flex:1 1 20rem}li.plain{border-left-width:1px}small,.soft{color:var(--soft)}"
    "b.tag{min-width:6.5em}"
    + "".join(f".{state}{{border-left-color:{look.stroke}}}" for state, look in LOOKS.items())
    + ".error{border-left-color:#B60304}.warning{border-left-color:#A35B00}.note{border-left-color:#0757EB}"
    "@media print{li,article{break-inside:avoid}}"
)
_CSP = f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"


def render(change: Change, head: Diagnosis) -> str:
    """Return the page."""
    title = f"What this change did: {headline(change)}"
    parts = [f"<h1>{html.escape(title)}</h1>", _shifts(change.shifts)]
    parts += [f"<p>{html.escape(part[:1].upper() + part[1:])}</p>" for part in totals(change)]
    parts += _section("New findings", change.new) + _section("Gone", change.gone)
    parts += _section("Now ignored by configuration", change.accepted) + _section("There before", change.kept)
    parts += [f'<p class="soft">Note: {_text(caveat)}</p>' for caveat in change.caveats]
    program = f"<p><small>gradcheck-freeze diff of {_text(head.script.path)}</small></p>" if head.script else ""
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_CSP}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(filter(None, [*parts, program]))
        + "\n</main>\n</body>\n</html>\n"
    )
    return "\n".join(map(unobeyed, page.split("\n")))


def _shifts(shifts: tuple[Shift, ...]) -> str:
    if not shifts:
        return ""
    items = []
    for shift in shifts[:_MOST_SHIFTS]:
        state = _STATES.get(shift.kind, "idle" if shift.kind in ("unused", "gone") else "")
        tag = f"{LOOKS[state].glyph} {shift.kind}" if state else shift.kind
        words = html.escape(sentence(shift, _marked)).translate(_CODE)
        items.append(f'<li class="{state or "plain"}"><b class="tag">{tag}</b><span>{words}.</span></li>')
    more = len(shifts) - _MOST_SHIFTS
    rest = [f'<li class="plain">… and {many(more, "more change")}</li>'] if more > 0 else []
    return "\n".join(["<h2>By module</h2>", "<ul>", *items, *rest, "</ul>"])


_OPEN, _CLOSE = "\x02", "\x03"  # `shown` writes them out, so that a name cannot hold one
_CODE = {ord(_OPEN): "<code>", ord(_CLOSE): "</code>"}


def _marked(name: str) -> str:
    return f"{_OPEN}{shown(name)}{_CLOSE}"


def _section(title: str, findings: tuple[Finding, ...]) -> list[str]:
    if not findings:
        return []
    more = len(findings) - _MOST_FINDINGS
    cards = [_card(finding) for finding in findings[:_MOST_FINDINGS]]
    return [f"<h2>{title} ({len(findings):,})</h2>", *cards, *([f"<p>… and {more:,} more</p>"] if more > 0 else [])]


def _card(finding: Finding) -> str:
    parts = [
        f'<article class="{finding.severity.word}">',
        f"<b>{finding.severity.word} {_text(finding.rule)} {_text(finding.name)}</b>: {_text(finding.message)}",
    ]
    if finding.cause is not None:
        parts.append(f"<pre>{_place(finding.cause)}</pre>")
    steps = [step for step in finding.trail if step != finding.cause][:_MOST_TRAIL]
    if steps:
        trail = "\n".join(_place(step) for step in steps)
        parts.append(f"<details><summary>From the loss back to the parameters</summary><pre>{trail}</pre></details>")
    if finding.fix is not None:
        parts.append(f"<p>Fix: {_text(finding.fix.text)}</p>")
    return "\n".join([*parts, "</article>"])


def _place(place: Location) -> str:
    return f"{_text(place.path)}:{place.line}  {_text(place.text)}"


def _text(text: str) -> str:
    return html.escape(shown(text, _MOST_TEXT))
