"""The report on a terminal: the verdict, a table by module, then each finding with its line and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TextIO

from rich.console import Console
from rich.text import Text

from gradcheck_freeze.report import faults, plan
from gradcheck_freeze.report.layout import squeeze, wrap
from gradcheck_freeze.report.rollup import natural
from gradcheck_freeze.report.tables import STYLES, attribution, many, modules
from gradcheck_freeze.report.verdict import blamed, blamed_names, loudest_first, sentence, watched
from gradcheck_freeze.report.words import LOOKS, shown, unobeyed
from gradcheck_freeze.rules.diagnosis import Diagnosis, Excerpt
from gradcheck_freeze.rules.finding import Finding, Severity

_NARROWEST = 40
_MOST_FINDINGS = 8  # shown in full
_MOST_GAPS = 5
# As wide as what they stand for, so that columns stay columns.
_ASCII = str.maketrans({"✓": "+", "⚠": "!", "⛔": "xx", "❄": "*", "○": "o", "–": "-", "…": "~"})


class _Console(Console):
    """A console that lets its user know when nobody reads any more: there may be files still to write."""

    def on_broken_pipe(self) -> None:
        raise  # noqa: PLE0704 - called while a BrokenPipeError is handled


def write(diagnosis: Diagnosis, stream: TextIO) -> None:
    """Print the report to a stream, coloured where rich finds a terminal (NO_COLOR, FORCE_COLOR, COLUMNS hold)."""
    put(lambda width: _lines(diagnosis, width), stream)


def put(lines: Callable[[int], list[Text]], stream: TextIO) -> None:
    """Print the lines made for the width of a stream, in its encoding."""
    console = _Console(file=stream, highlight=False, markup=False, emoji=False)
    for line in lines(console.width):
        console.print(_encodable(line, console.encoding), no_wrap=True, overflow="ignore", crop=False)


def render(diagnosis: Diagnosis, width: int = 80) -> str:
    """Return the report as plain text; only a path or a patch makes a line wider than `width` columns."""
    return "".join(f"{line.plain}\n" for line in _lines(diagnosis, width))


def render_findings(diagnosis: Diagnosis, least: Severity, width: int = 76) -> str:
    """Return the findings of at least this severity alone, the verdict over them first: the text of a failing test."""
    loud = loudest_first(finding for finding in diagnosis.findings if finding.severity >= least)
    head = _verdict(replace(diagnosis, findings=tuple(loud)))
    parts = [
        [head],
        *_faults(loud[:_MOST_FINDINGS], diagnosis.excerpts, width),
        _rest(loud[_MOST_FINDINGS:], width, "the report holds them all."),
        _gaps(diagnosis.gaps, width),
        _advice(loud, width),
    ]
    return "\n".join(line.plain for line in joined(parts))


def verdict(diagnosis: Diagnosis) -> str:
    """Return what a report says first, as one line."""
    return unobeyed(_verdict(diagnosis).plain)


def _lines(diagnosis: Diagnosis, width: int) -> list[Text]:
    width = max(_NARROWEST, width)
    findings = loudest_first(diagnosis.findings)
    parts = [
        _heading(diagnosis, width),
        modules(diagnosis, width),
        _plan(diagnosis, width),
        attribution(diagnosis, width),
        *_faults(findings[:_MOST_FINDINGS], diagnosis.excerpts, width),
        _rest(findings[_MOST_FINDINGS:], width),
        _accepted(diagnosis, width),
        _gaps(diagnosis.gaps, width),
        _advice(findings, width),
    ]
    return joined(parts)


def joined(parts: Iterable[list[Text]]) -> list[Text]:
    """Return the parts that are not empty with a line between them; no line is a command to a build server."""
    found: list[Text] = []
    for part in filter(None, parts):
        found += [Text(), *part] if found else part
    return [_unobeyed(line) for line in found]


def _unobeyed(line: Text) -> Text:
    if unobeyed(line.plain) == line.plain:
        return line
    start = len(line.plain) - len(line.plain.lstrip())
    return Text.assemble(line[:start], r"\x3a", line[start + 1 :])


def _heading(diagnosis: Diagnosis, width: int) -> list[Text]:
    text = Text.assemble(("gradcheck-freeze: ", "bold"), _verdict(diagnosis))
    return [*wrap(text, width, ""), *wrap(Text(watched(diagnosis), "dim"), width)]


def _verdict(diagnosis: Diagnosis) -> Text:
    text = Text()
    for state, hit in blamed(diagnosis).items():
        text.append(f"{LOOKS[state].word} {LOOKS[state].mark} ", STYLES[state])
        text.append(f"{blamed_names(hit)}  ", "bold")
    return text.append(sentence(diagnosis), "bold")


def _plan(diagnosis: Diagnosis, width: int) -> list[Text]:
    """Return what a step would cost that was tried on tensors without memory."""
    found = []
    for what, said in plan.lines(diagnosis):
        found += wrap(Text(said), width, " " * 21, first=Text(f"  {what:<19}", "dim"))
    return [*wrap(Text(f"{plan.TITLE}:", "dim"), width), *found] if found else []


def _faults(findings: Sequence[Finding], excerpts: Sequence[Excerpt], width: int) -> list[list[Text]]:
    """Return the findings one by one; a line that was blamed before comes without the lines around it."""
    seen: set[tuple[str, int]] = set()
    found = []
    for finding in findings:
        place = (finding.cause.path, finding.cause.line) if finding.cause else ("", 0)
        found.append(faults.lines(finding, () if place in seen else excerpts, width))
        seen.add(place)
    return found


def _rest(findings: Sequence[Finding], width: int, where: str = "-o report.json holds them all.") -> list[Text]:
    if not findings:
        return []
    counts = Counter((-finding.severity, finding.rule, finding.name) for finding in findings)
    found = [Text(f"and {many(len(findings), 'more finding')}:", "bold")]
    for (severity, rule, name), count in sorted(counts.items())[:_MOST_FINDINGS]:
        level = Severity(-severity)
        line = Text("  ").append(f"{level.word} {shown(rule)}", faults.COLOURS[level])
        found.append(line.append(f" {shown(name)}: {count:,}"))
    return [*found, *wrap(Text(where, "dim"), width)]


def _accepted(diagnosis: Diagnosis, width: int) -> list[Text]:
    """Return one line for what the configuration ignores, and one for each entry of it that ignores nothing."""
    found = []
    if diagnosis.ignored:
        each = dict.fromkeys(f"{f.rule} {squeeze(f.where, 40)}: {f.ignored}" for f in diagnosis.ignored)
        text = f"{many(len(diagnosis.ignored), 'finding')} ignored by configuration ({shown('; '.join(each), 400)})"
        found += wrap(Text(text, "dim"), width)
    for entry in diagnosis.unneeded:
        text = f"ignore {shown(entry.rule)} '{shown(entry.pattern)}' is no longer needed: no finding of this rule is about it"
        found += wrap(Text(text), width, "      ", first=Text("note: ", "bold cyan"))
    return found


def _gaps(gaps: Sequence[str], width: int) -> list[Text]:
    distinct = sorted(set(gaps), key=natural)
    found = []
    for gap in distinct[:_MOST_GAPS]:
        found += wrap(Text(shown(gap, 400)), width, " " * len("not seen: "), first=Text("not seen: ", "bold"))
    more = len(distinct) - _MOST_GAPS
    return [*found, Text(f"not seen: {more:,} more, in -o report.json")] if more > 0 else found


def _advice(findings: Sequence[Finding], width: int) -> list[Text]:
    if not findings:
        return []
    return wrap(Text(f"gradcheck-freeze explain {shown(findings[0].rule)} tells why this matters.", "dim"), width, "")


def _encodable(line: Text, encoding: str) -> Text:
    """Return the line with what the stream's encoding lacks spelt in ASCII, with its styles."""
    try:
        line.plain.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return Text.assemble(*((_ascii(part.text), part.style or "") for part in line.render(Console(), end="")))
    return line


def _ascii(text: str) -> str:
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode()
