"""Appends the report to the summary of a job on GitHub, which earlier commands of the same step may have written to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report import markdown
from gradcheck_freeze.report.links import NOWHERE, Links
from gradcheck_freeze.rules.diagnosis import Diagnosis

_LEAST = 5_000  # bytes of room that a report is worth writing in


def append(diagnosis: Diagnosis, path: Path, links: Links = NOWHERE) -> None:
    """Append the report as Markdown, within what GitHub takes, unless the file holds just this report already.

    What is in the file stays. Raises `UsageError` where the file cannot be written or is full.
    """
    try:
        before = path.read_bytes() if path.exists() else b""
        room = markdown.SUMMARY.most_bytes - len(before)
        if room < _LEAST:
            raise UsageError(f"the job summary {str(path)!r} is full ({len(before):,} bytes); the report is not in it.")
        size = replace(markdown.SUMMARY, most_bytes=room)
        text = markdown.render(diagnosis, links, size).encode("utf-8", "backslashreplace")
        if text in before:
            return
        with path.open("ab") as stream:
            stream.write((b"" if before.endswith(b"\n") or not before else b"\n") + (b"\n" if before else b"") + text)
    except OSError as error:
        raise UsageError(f"the job summary {str(path)!r} could not be written: {error.strerror or error}.") from error
