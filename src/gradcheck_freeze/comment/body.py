"""The text of the comment: a hidden mark, what the change did, the report, and where to see more of it."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from urllib.parse import urlsplit

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report import markdown
from gradcheck_freeze.report.change import markdown as changes
from gradcheck_freeze.report.change.compare import compare
from gradcheck_freeze.report.links import Links
from gradcheck_freeze.report.words import shown
from gradcheck_freeze.rules.diagnosis import Diagnosis

SIZES = {"github": markdown.COMMENT, "gitlab": markdown.SHORT}
_LEAST_BYTES = 4_000


def mark(diagnosis: Diagnosis, name: str | None) -> str:
    """Return the line by which a later run finds its comment; raises `UsageError` for a name that could end it early."""
    if name is None:
        return markdown.marker(diagnosis)
    if len(name) > 100 or not re.fullmatch(r"[A-Za-z0-9._/]+(-[A-Za-z0-9._/]+)*", name):
        raise UsageError(f"{shown(name)!r} cannot mark a comment.\n  Use letters, digits, '.', '_' and single '-'.")
    return f"<!-- gradcheck-freeze:{name} -->"


def compose(
    head: Diagnosis, base: Diagnosis | None, links: Links, size: markdown.Size, first: str, more: str | None = None
) -> str:
    """Return the comment. With a base the change comes first, and a report without new findings is folded below it."""
    above = [first]
    folded = False
    if base is not None:
        change = compare(base, head)
        above.append(changes.render(change, head, links, full=False).strip())
        folded = not change.new
    below = [f'<a href="{html.escape(_address(more))}">Open the whole report</a>'] if more else []
    taken = sum(len(part.encode()) for part in (*above, *below)) + 200
    room = max(_LEAST_BYTES, size.most_bytes - taken)
    report = markdown.render(head, links, replace(size, most_bytes=room)).strip().partition("\n\n")[2]
    if folded:
        report = f"<details>\n<summary>The report of this commit</summary>\n\n{report}\n\n</details>"
    return "\n\n".join([*above, report, *below]) + "\n"


def _address(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(f"{shown(url)!r} is no web address.\n  Give --link one that starts with https://.")
    return shown(url, 2_000)
