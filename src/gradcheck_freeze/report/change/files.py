"""Writes a comparison to files or a stream: text, Markdown, HTML or JSON; the suffix names the format."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TextIO

from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report import files
from gradcheck_freeze.report.change.value import Change
from gradcheck_freeze.rules.diagnosis import Diagnosis


@dataclass(frozen=True, slots=True)
class Format:
    """A format of the comparison: its suffixes, and the module of this folder that makes it."""

    suffixes: tuple[str, ...]
    module: str

    def render(self, change: Change, head: Diagnosis) -> str:
        """Return the comparison as text; only now is its module loaded."""
        make: Callable[[Change, Diagnosis], str]
        make = import_module(f"gradcheck_freeze.report.change.{self.module}").render
        return make(change, head)


FORMATS = {
    "text": Format((".txt",), "text"),
    "markdown": Format((".md",), "markdown"),
    "html": Format((".html", ".htm"), "html"),
    "json": Format((".json",), "json"),
}


def format_of(path: str | os.PathLike[str]) -> Format:
    """Return the format that the suffix of a file name names; raises `UsageError` where it names none."""
    name = Path(path).name.lower()
    for form in FORMATS.values():
        if any(name.endswith(suffix) and name != suffix for suffix in form.suffixes):
            return form
    known = ", ".join(suffix for form in FORMATS.values() for suffix in form.suffixes)
    raise UsageError(f"{os.fspath(path)!r} names no format of a comparison.\n  Let the name end in one of {known}.")


def format_named(name: str) -> Format:
    """Return the format of this name; raises `UsageError` where there is none."""
    if name not in FORMATS:
        raise UsageError(f"{name!r} is no format of a comparison.\n  Choose one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def show(change: Change, head: Diagnosis, stream: TextIO, form: Format | None = None) -> None:
    """Print a comparison to a stream: in a format, or else as text that fits the terminal."""
    with files.printing(stream):
        if form is None:
            from gradcheck_freeze.report.change import text

            text.write(change, head, stream)
        else:
            files.put(form.render(change, head), stream)


def save(change: Change, head: Diagnosis, path: str | os.PathLike[str], form: Format | None = None) -> None:
    """Write a comparison, whole or not at all; raises `UsageError` with the reason where that cannot be done."""
    files.put_file(form.render(change, head) if form else format_of(path).render(change, head), path)
