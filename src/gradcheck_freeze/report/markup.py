"""Text of others made safe in Markdown as GitHub and GitLab read it: shown as it is, never markup, mention or command.

Both look for mentions, references and emoji in the finished text, where no escape is left; a zero-width space stops them.
"""

from __future__ import annotations

import html
import re

from gradcheck_freeze.report.words import shown

_PLAIN_CODE = re.compile(r"[^\s`|\\](?:[^`|\\]*[^\s`|\\])?")
_BREAK = "&#8203;"
_MARKUP = str.maketrans(
    {
        **{character: f"\\{character}" for character in "\\`*[]|"},
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "$": "<span>$</span>",  # a formula to GitHub, escaped or not
        "@": f"@{_BREAK}",
        "#": f"#{_BREAK}",
        "~": f"\\~{_BREAK}",
    }
)
_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_REFERENCE = re.compile(  # !12, %milestone, &epic, GH-12; {+ and [- mark changes on GitLab, [vulnerability:1] is one
    r"(?<![A-Za-z0-9])(?:[!%^]|&amp;)(?=\\?[\w\"])|\bgh-(?=\d)|[\[{](?=[+-]|\w+:)", re.IGNORECASE
)
_EMOJI = re.compile(r":(?=[\w+-]+:)|:(?=//)")
_WEB = re.compile(r"www\.", re.IGNORECASE)
_MARK = re.compile(r"[^\w\s(),./:;+-]|_", re.ASCII)


def prose(text: str, most: int = 2_000) -> str:
    """Return text as Markdown that reads as the text, on one line; it must not stand at the beginning of one."""
    safe = shown(text, most).translate(_MARKUP)
    safe = _UNDERSCORE.sub(r"\\_", safe)
    safe = _EMOJI.sub(f"&#58;{_BREAK}", safe)
    safe = _WEB.sub(lambda found: f"{found[0][:3]}{_BREAK}.", safe)
    return _REFERENCE.sub(lambda found: f"{found[0]}{_BREAK}", safe)


def code(text: str, most: int = 200) -> str:
    """Return text as inline code, in a table too: in backticks where they do, else as an element with all written out."""
    safe = shown(text, most)
    return f"`{safe}`" if _PLAIN_CODE.fullmatch(safe) else element(safe, most)


def element(text: str, most: int = 200) -> str:
    """Return text as a code element with every mark written out that Markdown or HTML could obey."""
    safe = _MARK.sub(lambda found: f"&#{ord(found[0])};" if found[0].isascii() else found[0], shown(text, most))
    safe = safe.replace("&#64;", f"&#64;{_BREAK}").replace("://", f"&#58;{_BREAK}//")
    safe = _WEB.sub(lambda found: f"{found[0][:3]}{_BREAK}.", safe)
    return f"<code>{safe or ' '}</code>"


def fenced(lines: list[str], language: str = "") -> str:
    """Return lines as a block of code, whose fence is longer than any run of backticks in it."""
    runs = [len(run) for line in lines for run in re.findall("`+", line)]
    fence = "`" * max(3, *(run + 1 for run in runs)) if runs else "```"
    return "\n".join([f"{fence}{language}", *lines, fence])


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def link(label: str, address: str | None) -> str:
    """Return a link around Markdown; just the Markdown where there is no address."""
    return f"[{label}]({html.escape(address)})" if address else label
